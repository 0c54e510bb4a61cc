# Each experiment's grid, data and probe batch.
rule write_grid:
    input:
        script=script("write_grid"),
    output:
        grid="results/{experiment}/grid.csv",
    log:
        "logs/write_grid/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        # In the order of the file, which is that of the remedies in figures and tables.
        experiment=lambda wildcards: json.dumps(
            {key: CONFIG["experiments"][wildcards.experiment][key] for key in ("grid", "task")}
        ),
        code=code("write_grid"),
    shell:
        program("--experiment {params.experiment:q} --output {output.grid:q}")


rule prepare_task:
    input:
        unpack(own_file),
        script=script("prepare_task"),
    output:
        data="results/{experiment}/data.npz",
        probe="results/{experiment}/probe.npz",
        facts="results/{experiment}/task.json",
    log:
        "logs/prepare_task/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=lambda wildcards: canonical(grid.task_settings(CONFIG, wildcards.experiment)),
        sources=lambda wildcards: sources(wildcards.experiment),
        code=code("prepare_task"),
        own_code=lambda wildcards: own_code(EXPERIMENTS[wildcards.experiment].values(), ["task"]),
    shell:
        program(
            "--settings {params.settings:q} --data {output.data:q} --probe {output.probe:q}"
            " --facts {output.facts:q}"
        )
