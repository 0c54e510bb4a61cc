"""What the Snakemake workflow catalogue looks for is there."""

import yaml

from project import ROOT, SNAKEMAKE, succeed


def test_the_catalogue_file():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["mandatory-flags"] == {"desc": "", "flags": ""}
    assert usage["software-stack-deployment"] == {
        "conda": True,
        "apptainer": False,
        "apptainer+conda": False,
    }
    assert usage["report"] is True


def test_the_workflow_is_where_the_catalogue_looks(tmp_path):
    assert (ROOT / "config" / "README.md").is_file()
    snakefile = ROOT / "workflow" / "Snakefile"
    rules = succeed([*SNAKEMAKE, "--snakefile", snakefile, "--list-rules"], tmp_path)
    assert {"train_networks", "measure_gradients"} <= set(rules.split())
