"""What the Snakemake workflow catalogue looks for is there."""

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


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
    snakemake = Path(sys.executable).with_name("snakemake")
    done = subprocess.run(
        [snakemake, "--snakefile", ROOT / "workflow" / "Snakefile", "--list-rules"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert {"train_networks", "measure_gradients"} <= set(done.stdout.split())
