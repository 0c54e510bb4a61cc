# Each experiment's grid, data and probe batch.
from gradient_horizon.tasks import TASKS


def text_file(wildcards):
    """The user's own file that the experiment reads, if any."""
    options = CONFIG["experiments"][wildcards.experiment]["task"]
    find = getattr(TASKS[options["name"]], "corpus_file", lambda options: None)
    path = find(options)
    return {"text": path} if path else {}


def text_sources(experiment):
    """Versions of the installed packages that the experiment's text comes from."""
    options = CONFIG["experiments"][experiment]["task"]
    find = getattr(TASKS[options["name"]], "source_versions", lambda options: {})
    return canonical(find(options))


rule write_grid:
    input:
        script=script("write_grid"),
    output:
        grid="results/{experiment}/grid.csv",
    params:
        experiment=lambda wildcards: canonical(
            {
                key: CONFIG["experiments"][wildcards.experiment][key]
                for key in ("grid", "task")
            }
        ),
        code=code("write_grid"),
    log:
        "logs/write_grid/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    shell:
        "python {input.script:q} --experiment {params.experiment:q} --output {output.grid:q} > {log:q} 2>&1"


rule prepare_task:
    input:
        unpack(text_file),
        script=script("prepare_task"),
    output:
        data="results/{experiment}/data.npz",
        probe="results/{experiment}/probe.npz",
        facts="results/{experiment}/task.json",
    params:
        settings=lambda wildcards: canonical(
            configuration.task_settings(CONFIG, wildcards.experiment)
        ),
        sources=lambda wildcards: text_sources(wildcards.experiment),
        code=code("prepare_task"),
    log:
        "logs/prepare_task/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        "python {input.script:q} --settings {params.settings:q} --data {output.data:q}"
        " --probe {output.probe:q} --facts {output.facts:q} > {log:q} 2>&1"
