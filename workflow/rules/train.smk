# One job a grid point: all its seeds side by side.
rule train_networks:
    input:
        script=script("train_networks"),
        data="results/{experiment}/data.npz",
        facts="results/{experiment}/task.json",
    output:
        train="results/{experiment}/{run}/train.npz",
    log:
        "logs/train_networks/{experiment}/{run}.log",
    benchmark:
        "logs/benchmarks/train_networks/{experiment}/{run}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        settings=lambda wildcards: canonical(
            grid.run_settings(
                CONFIG, wildcards.experiment, EXPERIMENTS[wildcards.experiment][wildcards.run]
            )
        ),
        code=code("train_networks"),
        own_code=lambda wildcards: own_code([EXPERIMENTS[wildcards.experiment][wildcards.run]]),
    shell:
        program(
            "--settings {params.settings:q} --data {input.data:q} --facts {input.facts:q}"
            " --output {output.train:q}"
        )
