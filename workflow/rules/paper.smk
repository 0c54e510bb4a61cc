# The paper's numbers, the paper, and what it was made with.
rule write_numbers:
    input:
        script=script("write_numbers"),
        tables=TARGETS.tables,
        facts=expand("results/{experiment}/task.json", experiment=EXPERIMENTS),
        probes=expand("results/{experiment}/probe.npz", experiment=COMPARING),
        audit="results/paper/audit.json",
    output:
        parts=TARGETS.paper_parts,
        numbers="results/paper/numbers.json",
    log:
        "logs/write_numbers.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        # In the order of the file, which is the order of the paper's sections.
        config=json.dumps(CONFIG),
        versions=canonical(provenance.versions()),
        results=lambda wildcards, input: folder(input.audit, above=2),
        folder=lambda wildcards, output: folder(output.numbers),
        code=code("write_numbers"),
        own_code=own_code(ALL_RUNS),
    shell:
        program(
            "--config {params.config:q} --results {params.results:q} --output {params.folder:q}"
        )


rule build_paper:
    input:
        script=script("build_paper"),
        parts=TARGETS.paper_parts,
        published=[file for file in TARGETS.published if file.endswith(".tex")],
        figures=[file for file in TARGETS.figures if file.endswith(".pdf")],
        text=[own(file) for file in PAPER_SOURCES],
    output:
        paper=document("results/paper/paper.pdf", "The paper"),
        supplement=document("results/paper/supplement.pdf", "Its supplement"),
    log:
        "logs/build_paper.log",
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
        code=code("build_paper", *PAPER_SOURCES),
    shell:
        program(
            "--engine {params.engine:q} --sources {params.sources:q}"
            " --paper {output.paper:q} --supplement {output.supplement:q}"
        )


rule record_provenance:
    input:
        script=script("record_provenance"),
        facts=expand("results/{experiment}/task.json", experiment=EXPERIMENTS),
        numbers="results/paper/numbers.json",
    output:
        provenance="results/provenance.json",
    log:
        "logs/record_provenance.log",
    localrule: True  # ... and git
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        config=canonical(CONFIG | {"checkpoints": CHECKPOINTS}),
        versions=canonical(provenance.versions()),
        code=code("record_provenance"),
    shell:
        program("--config {params.config:q} --facts {input.facts:q} --output {output.provenance:q}")
