# The paper's numbers, the paper, and what it was made with.
rule write_numbers:
    input:
        script=script("write_numbers"),
        tables=TABLES,
        facts=expand("results/{experiment}/task.json", experiment=EXPERIMENTS),
        probes=expand("results/{experiment}/probe.npz", experiment=COMPARING),
        audit="results/paper/audit.json",
    output:
        PAPER_PARTS,
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
        code=code("write_numbers"),
        own_code=own_code(ALL_RUNS),
    shell:
        "python {input.script:q} --config {params.config:q} --results results"
        " --output results/paper > {log:q} 2>&1"


rule build_paper:
    input:
        PAPER_PARTS,
        PUBLISHED_TABLE,
        [own(file) for file in PAPER_SOURCES],
        [figure for figure in FIGURES if figure.endswith(".pdf")],
        script=script("build_paper"),
    output:
        paper="results/paper/paper.pdf",
        supplement="results/paper/supplement.pdf",
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
        "python {input.script:q} --engine {params.engine:q} --sources {params.sources:q}"
        " --paper {output.paper:q} --supplement {output.supplement:q} > {log:q} 2>&1"


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
        "python {input.script:q} --config {params.config:q} --facts {input.facts:q}"
        " --output {output.provenance:q} > {log:q} 2>&1"
