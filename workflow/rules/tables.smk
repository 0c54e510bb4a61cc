# Tidy tables over all runs, and what was published beside them.
rule collect_tables:
    input:
        script=script("collect_tables"),
        grids=expand("results/{experiment}/grid.csv", experiment=EXPERIMENTS),
        facts=expand("results/{experiment}/task.json", experiment=EXPERIMENTS),
        runs=RUN_FILES,
    output:
        tables=TABLES,
    log:
        "logs/collect_tables.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        experiments=list(EXPERIMENTS),
        statistics=canonical(CONFIG["statistics"]),
        code=code("collect_tables"),
        own_code=own_code(ALL_RUNS),
    shell:
        "python {input.script:q} --results results --experiments {params.experiments:q}"
        " --statistics {params.statistics:q} --output results/tables > {log:q} 2>&1"


rule collect_published:
    input:
        script=script("collect_published"),
        summary="results/tables/summary.parquet",
    output:
        table="results/tables/published.csv",
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
        "python {input.script:q} --config {params.config:q} --summary {input.summary:q}"
        " --table {output.table:q} --paper {output.paper:q} --closing {output.closing:q}"
        " > {log:q} 2>&1"
