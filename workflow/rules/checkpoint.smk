# Trained nets of the user's own: measured, and a report on each.
rule measure_checkpoint:
    input:
        script=script("measure_checkpoint"),
        style=own(FIGURE_STYLE),
        weights=lambda wildcards: local(CHECKPOINTS[wildcards.net]["file"]),
        probe=lambda wildcards: local(CHECKPOINTS[wildcards.net]["probe"]),
    output:
        **drawn(OF_A_NET, "results/checkpoints/{net}/*", of="{net}"),
        tables=expand(
            "results/checkpoints/{{net}}/{table}.{ending}",
            table=targets.MEASURED,
            ending=("parquet", "csv"),
        ),
        numbers="results/checkpoints/{net}/numbers.json",
        macros="results/checkpoints/{net}/numbers.tex",
    log:
        "logs/measure_checkpoint/{net}.log",
    benchmark:
        "logs/benchmarks/measure_checkpoint/{net}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        parts=lambda wildcards: named_parts(wildcards.net),
        files=lambda wildcards: [
            sha256(CHECKPOINTS[wildcards.net][key]) for key in ("file", "probe")
        ],
        folder=lambda wildcards, output: folder(output.numbers),
        code=code("measure_checkpoint", FIGURE_STYLE),
    shell:
        program(
            "--weights {input.weights:q} --probe {input.probe:q} --output {params.folder:q}"
            " --name {wildcards.net:q} {params.parts:q} --complete --engine none"
        )


rule build_report:
    input:
        script=script("build_report"),
        macros="results/checkpoints/{net}/numbers.tex",
        figures=expand("results/checkpoints/{{net}}/{figure}.pdf", figure=OF_A_NET),
        text=[own(file) for file in REPORT_SOURCES],
    output:
        report=document("results/checkpoints/{net}/report.pdf", "Report on a net", of="{net}"),
    log:
        "logs/build_report/{net}.log",
    localrule: True  # the nodes of a cluster may lack LaTeX
    conda:
        "../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    params:
        engine=TEX_ENGINE or "latexmk",
        sources=lambda wildcards, input: [file for file in input if file != input.script],
        code=code("build_report", *REPORT_SOURCES),
    shell:
        program(
            "--engine {params.engine:q} --sources {params.sources:q} --output {output.report:q}"
        )
