# The figures of each experiment, as PDF and PNG.
rule draw_figures:
    input:
        script=script("draw_figures"),
        style=own(FIGURE_STYLE),
        tables=TABLES,
        facts="results/{experiment}/task.json",
    output:
        expand(
            "results/figures/{figure}_{{experiment}}.{ending}",
            figure=FIGURE_NAMES,
            ending=("pdf", "png"),
        ),
    log:
        "logs/draw_figures/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        code=code("draw_figures", FIGURE_STYLE),
    shell:
        "python {input.script:q} --experiment {wildcards.experiment:q} --tables results/tables"
        " --facts {input.facts:q} --output results/figures > {log:q} 2>&1"


rule draw_sentence_map:
    input:
        script=script("draw_sentence_map"),
        style=own(FIGURE_STYLE),
        map=lambda wildcards: f"results/{wildcards.experiment}/{mapped_run(wildcards.experiment)}/sentence_map.npz",
    output:
        expand("results/figures/sentence_map_{{experiment}}.{ending}", ending=("pdf", "png")),
    log:
        "logs/draw_sentence_map/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    params:
        code=code("draw_sentence_map", FIGURE_STYLE),
    shell:
        "python {input.script:q} --map {input.map:q}"
        " --output results/figures/sentence_map_{wildcards.experiment:q} > {log:q} 2>&1"


rule draw_transport_parts:
    input:
        script=script("draw_transport_parts"),
        style=own(FIGURE_STYLE),
        distances="results/tables/contributions_median.parquet",
    output:
        expand("results/figures/transport_parts_{{experiment}}.{ending}", ending=("pdf", "png")),
    log:
        "logs/draw_transport_parts/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    params:
        code=code("draw_transport_parts", FIGURE_STYLE),
    shell:
        "python {input.script:q} --experiment {wildcards.experiment:q}"
        " --distances {input.distances:q}"
        " --output results/figures/transport_parts_{wildcards.experiment:q} > {log:q} 2>&1"
