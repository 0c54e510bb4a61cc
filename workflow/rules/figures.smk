# The figures of each experiment, as PDF and PNG.
rule draw_figures:
    input:
        script=script("draw_figures"),
        style=own(FIGURE_STYLE),
        sources=drawn_from(OF_EVERY_RUN),
    output:
        **drawn(OF_EVERY_RUN, "results/figures/*_{experiment}", of="{experiment}"),
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
        program(
            "--experiment {wildcards.experiment:q} --sources {input.sources:q} --output {output:q}"
        )


# Only where an experiment reads words.
use rule draw_figures as draw_sentence_map with:
    input:
        script=script("draw_figures"),
        style=own(FIGURE_STYLE),
        sources=lambda wildcards: mapped_sentence(wildcards.experiment),
    output:
        **drawn(["sentence_map"], "results/figures/*_{experiment}", of="{experiment}"),
    log:
        "logs/draw_sentence_map/{experiment}.log",


# Only where the state of a cell has several parts.
use rule draw_figures as draw_transport_parts with:
    input:
        script=script("draw_figures"),
        style=own(FIGURE_STYLE),
        sources=drawn_from(["transport_parts"]),
    output:
        **drawn(["transport_parts"], "results/figures/*_{experiment}", of="{experiment}"),
    log:
        "logs/draw_transport_parts/{experiment}.log",
