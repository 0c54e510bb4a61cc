# The claims of the lecture note, measured on the nets of the run.
rule audit_claims:
    input:
        script=script("audit_claims"),
        train=[file for file in TARGETS.runs if file.endswith("train.npz")],
        probes=expand("results/{experiment}/probe.npz", experiment=EXPERIMENTS),
        distances="results/tables/contributions_median.parquet",
        summary="results/tables/summary_median.parquet",
    output:
        claims=table("results/tables/audit.csv"),
        numbers="results/paper/audit.json",
    log:
        "logs/audit_claims.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        config=json.dumps(CONFIG),
        results=lambda wildcards, input: folder(input.distances, above=2),
        code=code("audit_claims"),
        own_code=own_code(ALL_RUNS),
    shell:
        program(
            "--config {params.config:q} --results {params.results:q} --claims {output.claims:q}"
            " --numbers {output.numbers:q}"
        )
