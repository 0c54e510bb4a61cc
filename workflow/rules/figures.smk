# The figures of each experiment, as PDF and PNG.
FIGURE_NAMES = [
    "contribution",
    "horizon_over_training",
    "learning_curves",
    "phase_diagram",
    "transport",
]
HAS_WORDS = [
    name
    for name, experiment in CONFIG["experiments"].items()
    if experiment["task"]["name"] == "words"
]
FIGURES = [
    f"results/figures/{figure}_{experiment}.{ending}"
    for experiment in EXPERIMENTS
    for figure in FIGURE_NAMES + (["sentence_map"] if experiment in HAS_WORDS else [])
    for ending in ("pdf", "png")
]


def mapped_run(experiment):
    """The run whose sentence is mapped: a tanh net if there is one, its radius nearest to 1."""
    runs = EXPERIMENTS[experiment].values()
    return min(runs, key=lambda run: (run["activation"] != "tanh", abs(run["radius"] - 1.0)))["run"]


rule draw_figures:
    input:
        script=script("draw_figures"),
        style=os.path.relpath(ROOT / "paper/figures.mplstyle"),
        tables=TABLES,
        facts="results/{experiment}/task.json",
    output:
        expand(
            "results/figures/{figure}_{{experiment}}.{ending}",
            figure=FIGURE_NAMES,
            ending=("pdf", "png"),
        ),
    params:
        code=code("draw_figures"),
    log:
        "logs/draw_figures/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    shell:
        "python {input.script:q} --experiment {wildcards.experiment:q} --tables results/tables"
        " --facts {input.facts:q} --output results/figures > {log:q} 2>&1"


rule draw_sentence_map:
    input:
        script=script("draw_sentence_map"),
        style=os.path.relpath(ROOT / "paper/figures.mplstyle"),
        map=lambda wildcards: f"results/{wildcards.experiment}/{mapped_run(wildcards.experiment)}/sentence_map.npz",
    output:
        expand("results/figures/sentence_map_{{experiment}}.{ending}", ending=("pdf", "png")),
    params:
        code=code("draw_sentence_map"),
    log:
        "logs/draw_sentence_map/{experiment}.log",
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    shell:
        "python {input.script:q} --map {input.map:q}"
        " --output results/figures/sentence_map_{wildcards.experiment} > {log:q} 2>&1"
