# The gradient of every kept net, taken apart.
rule measure_gradients:
    input:
        script=script("measure_gradients"),
        train="results/{experiment}/{run}/train.npz",
        probe="results/{experiment}/probe.npz",
        data="results/{experiment}/data.npz",
        facts="results/{experiment}/task.json",
    output:
        contributions="results/{experiment}/{run}/contributions.parquet",
        summary="results/{experiment}/{run}/summary.parquet",
        spectra="results/{experiment}/{run}/spectra.parquet",
        influence="results/{experiment}/{run}/influence.parquet",
    log:
        "logs/measure_gradients/{experiment}/{run}.log",
    benchmark:
        "logs/benchmarks/measure_gradients/{experiment}/{run}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=lambda wildcards: canonical(
            grid.measure_settings(
                CONFIG, wildcards.experiment, EXPERIMENTS[wildcards.experiment][wildcards.run]
            )
        ),
        code=code("measure_gradients"),
        own_code=lambda wildcards: own_code([EXPERIMENTS[wildcards.experiment][wildcards.run]]),
    shell:
        program(
            "--settings {params.settings:q} --train {input.train:q} --probe {input.probe:q}"
            " --data {input.data:q} --facts {input.facts:q} --contributions"
            " {output.contributions:q} --summary {output.summary:q} --spectra"
            " {output.spectra:q} --influence {output.influence:q}"
        )


rule map_sentence:
    input:
        script=script("map_sentence"),
        train="results/{experiment}/{run}/train.npz",
        data="results/{experiment}/data.npz",
    output:
        map="results/{experiment}/{run}/sentence_map.npz",
    log:
        "logs/map_sentence/{experiment}/{run}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda wildcards: canonical(
            grid.net_settings(
                CONFIG, wildcards.experiment, EXPERIMENTS[wildcards.experiment][wildcards.run]
            )
        ),
        code=code("map_sentence"),
        own_code=lambda wildcards: own_code([EXPERIMENTS[wildcards.experiment][wildcards.run]]),
    shell:
        program(
            "--settings {params.settings:q} --train {input.train:q} --data {input.data:q}"
            " --output {output.map:q}"
        )
