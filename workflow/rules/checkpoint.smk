# Trained nets of the user's own: measured, and a report on each.
rule measure_checkpoint:
    input:
        script=script("measure_checkpoint"),
        style=own(FIGURE_STYLE),
        weights=lambda wildcards: CHECKPOINTS[wildcards.net]["file"],
        probe=lambda wildcards: CHECKPOINTS[wildcards.net]["probe"],
    output:
        expand("results/checkpoints/{{net}}/{file}", file=CHECKPOINT_FILES),
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
        code=code("measure_checkpoint", FIGURE_STYLE),
    shell:
        "python {input.script:q} --weights {input.weights:q} --probe {input.probe:q}"
        " --output results/checkpoints/{wildcards.net:q} --name {wildcards.net:q}"
        " {params.parts:q} --engine none > {log:q} 2>&1"


rule build_report:
    input:
        [f"results/checkpoints/{{net}}/{file}" for file in REPORT_PARTS],
        [own(file) for file in REPORT_SOURCES],
        script=script("build_report"),
    output:
        report="results/checkpoints/{net}/report.pdf",
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
        "python {input.script:q} --engine {params.engine:q} --sources {params.sources:q}"
        " --output {output.report:q} > {log:q} 2>&1"
