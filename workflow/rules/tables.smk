# Tidy tables over all runs, and what was published beside them.
rule collect_tables:
    input:
        script=script("collect_tables"),
        grids=expand("results/{experiment}/grid.csv", experiment=EXPERIMENTS),
        facts=expand("results/{experiment}/task.json", experiment=EXPERIMENTS),
        runs=TARGETS.runs,
    output:
        tables=[table(file) for file in TARGETS.tables],
    log:
        "logs/collect_tables.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        results=lambda wildcards, input: folder(input.grids[0], above=2),
        experiments=list(EXPERIMENTS),
        statistics=canonical(CONFIG["statistics"]),
        folder=lambda wildcards, output: folder(output.tables[0]),
        code=code("collect_tables"),
        own_code=own_code(ALL_RUNS),
    shell:
        program(
            "--results {params.results:q} --experiments {params.experiments:q}"
            " --statistics {params.statistics:q} --output {params.folder:q}"
        )


rule collect_published:
    input:
        script=script("collect_published"),
        summary="results/tables/summary.parquet",
    output:
        table=table("results/tables/published.csv"),
        closing="results/tables/published.txt",
        paper="results/paper/published_table.tex",
    log:
        "logs/collect_published.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        config=json.dumps(CONFIG),
        code=code("collect_published"),
    shell:
        program(
            "--config {params.config:q} --summary {input.summary:q} --table {output.table:q}"
            " --paper {output.paper:q} --closing {output.closing:q}"
        )
