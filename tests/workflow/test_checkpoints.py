"""Trained nets of the user's own, measured without any experiment."""

import os
import re
import shutil
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

import project
from gradient_horizon.report.figures import OF_A_NET

STORED = np.load(project.ROOT / "tests/reference/checkpoints.npz")
VECTORS = project.ROOT / "tests/reference/vectors"
CONFIG = {
    "checkpoints": {
        "my_lstm": {"file": "lstm.safetensors", "probe": "probe.npz"},
        "my_rnn": {
            "file": "rnn_relu.safetensors",
            "probe": "probe.npz",
            "activation": "relu",
            "ignore": ["step"],
        },
        "of_vectors": {
            "file": "vectors.safetensors",
            "probe": "vectors.npz",
            "activation": "relu",
            "loss": "mse",
        },
    },
}
ALONE = ("--configfile", "tiny.yaml", "--replace-workflow-config")
NETS = set(CONFIG["checkpoints"])
TABLES = ("contributions", "influence", "spectra", "summary")
FILES = {
    *(f"{figure}.{ending}" for figure in OF_A_NET for ending in ("pdf", "png")),
    *(f"{table}.{ending}" for table in TABLES for ending in ("parquet", "csv")),
    *("numbers.json", "numbers.tex"),
}


def write_nets(folder):
    for kind in ("lstm", "rnn_relu"):
        names = [name for name in STORED if name.startswith(f"{kind}/") and "." in name]
        tensors = {name.removeprefix(f"{kind}/"): STORED[name] for name in names}
        if kind == "rnn_relu":
            tensors["step"] = np.array([2000])
        save_file(tensors, folder / f"{kind}.safetensors")
    probe = {name: STORED[name] for name in ("inputs", "targets", "loss_mask")}
    np.savez(folder / "probe.npz", **probe)
    shutil.copy(VECTORS / "net.safetensors", folder / "vectors.safetensors")
    shutil.copy(VECTORS / "probe.npz", folder / "vectors.npz")


@pytest.fixture(scope="module")
def measured(tmp_path_factory, path_without_tex):
    """A finished run, as if there were no TeX."""
    folder = project.tiny_copy(tmp_path_factory.mktemp("nets") / "project", CONFIG)
    write_nets(folder)
    printed = project.succeed(project.RUN_WORKFLOW, folder, *ALONE, path=path_without_tex)
    assert printed.splitlines()[-1].startswith("Everything but the PDF is made")
    return folder


def plan(folder, path=project.PATH):
    return project.dry_run(folder, *ALONE, path=path)


def test_all_files_and_no_others(measured):
    assert set(project.results(measured)) >= {
        f"checkpoints/{net}/{file}" for net in NETS for file in FILES
    }
    assert {path.name for path in (measured / "results").iterdir()} == {"checkpoints"}


def test_nothing_runs_again(measured, path_without_tex):
    assert plan(measured, path_without_tex) == {}


def test_the_page_of_a_run_shows_them(measured, path_without_tex, tmp_path):
    page = tmp_path / "report.html"
    arguments = ("--report", page, *ALONE)
    project.succeed(project.SNAKEMAKE, measured, *arguments, path=path_without_tex)
    html = page.read_text()
    assert project.page_data(html, "categories") == {
        "Figures": {
            net: [f"results/checkpoints/{net}/{name}.png" for name in OF_A_NET] for net in NETS
        }
    }
    for file, result in project.page_data(html, "results").items():
        assert result["caption"].startswith(f"<p>{file.split('/')[2]}: "), file


# A date of None is now.
@pytest.mark.parametrize("mtime", [None, 1577836800], ids=["now", "2020"])
def test_another_net(measured, path_without_tex, mtime):
    file = measured / "lstm.safetensors"
    before, status = file.read_bytes(), file.stat()
    try:
        file.write_bytes(before[:-4] + np.float32(0.25).tobytes())
        if mtime is not None:
            os.utime(file, (mtime, mtime))
        assert plan(measured, path_without_tex) == {"measure_checkpoint": {"my_lstm"}}
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert plan(measured, path_without_tex) == {}


def test_alone_it_gives_the_same(measured, tmp_path):
    script = [sys.executable, str(measured / "workflow/scripts/measure_checkpoint.py")]
    arguments = ["--weights", "lstm.safetensors", "--probe", "probe.npz", "--name", "my_lstm"]
    printed = project.succeed(
        script, measured, *arguments, "--engine", "none", "--output", tmp_path / "out"
    )
    assert f"\nloss {STORED['lstm/loss']:.4g}, h99 " in printed
    for file in sorted(FILES):
        expected = measured / "results/checkpoints/my_lstm" / file
        assert (tmp_path / "out" / file).read_bytes() == expected.read_bytes(), file


@pytest.mark.tex
def test_reports_of_two_pages(measured):
    assert plan(measured) == {"build_report": NETS}
    printed = project.succeed(project.RUN_WORKFLOW, measured, *ALONE)
    reports = [f"results/checkpoints/{net}/report.pdf" for net in CONFIG["checkpoints"]]
    assert printed.splitlines()[-1] == f"The reports on your nets are {', '.join(reports)}."
    losses = [f"{STORED[f'{kind}/loss']:.3f} nats" for kind in ("lstm", "rnn_relu")]
    said = [*losses, "Its inputs are vectors of 3 numbers."]
    for report, words in zip(reports, said, strict=True):
        information = project.succeed(["pdfinfo"], measured, report)
        assert re.search(r"^Pages: *2$", information, re.MULTILINE)
        text = " ".join(project.succeed(["pdftotext"], measured, "-layout", report, "-").split())
        assert words in text
        assert "?" not in text.replace("reach?", "").replace("time?", "")


def test_a_file_that_is_no_net_is_said_in_one_line(measured, tmp_path):
    script = [sys.executable, str(measured / "workflow/scripts/measure_checkpoint.py")]
    arguments = ["--weights", "probe.npz", "--probe", "probe.npz", "--output", tmp_path / "out"]
    printed, code = project.call(script, measured, *arguments)
    assert code == 1 and len(printed.splitlines()) == 1
    assert printed.startswith("error: cannot read probe.npz: not a safetensors file")
    assert not (tmp_path / "out").exists()
