# From the configuration to the paper: `snakemake --cores all`.
from snakemake.utils import min_version

min_version("9.0")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/page.smk"


# The first rule is what is made by default, in whichever workflow this one is included or used.
rule all:
    input:
        TARGETS.everything,


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/checkpoint.smk"


onsuccess:
    print(closing.success(TARGETS, TEX_ENGINE is not None, as_seen))


onerror:
    print(closing.failure(log, as_seen), file=sys.stderr)
