# From the configuration to the paper: `snakemake --cores all`.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/checkpoint.smk"


rule all:
    default_target: True
    input:
        DATA_FILES,
        RUN_FILES,
        FIGURES,
        [*TABLES, "results/tables/audit.csv", *PAPER_PARTS, "results/provenance.json"]
        if EXPERIMENTS
        else [],
        PAPERS if TEX_ENGINE else [],
        expand("results/checkpoints/{net}/{file}", net=CHECKPOINTS, file=CHECKPOINT_FILES),
        REPORTS if TEX_ENGINE else [],


onsuccess:
    print(comparison() + closing_line())


onerror:
    print(failures(log), file=sys.stderr)
