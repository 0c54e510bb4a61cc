"""Figures from files into files: by their names, the same bytes, mistakes in one line."""

import matplotlib.image
import pandas as pd
import pytest

import draw_figures
import figure_tables as tables
from gradient_horizon.ground import files
from gradient_horizon.report.figures import OF_A_NET, drawing


def write_sources(folder, *others):
    """Write the tables of an experiment, below those of others, and the facts of its task."""
    made = {
        "contributions_median": tables.contributions(),
        "influence_median": tables.rises(),
        "summary_median": tables.summary(),
    }
    for name, table in made.items():
        whole = [table.assign(experiment=other, step=7) for other in others]
        whole.append(table.assign(experiment="one"))
        files.write_table(folder / f"{name}.parquet", pd.concat(whole))
    files.write_json(folder / "task.json", {"relevant_distance": 2})
    return [*folder.glob("*.parquet"), folder / "task.json"]


def call(monkeypatch, sources, *outputs):
    """The script, as a rule starts it."""
    arguments = ["--experiment", "one", "--sources", *sources, "--output", *outputs]
    monkeypatch.setattr("sys.argv", ["draw_figures.py", *map(str, arguments)])
    draw_figures.main()


def test_the_same_rows_give_the_same_bytes(monkeypatch, tmp_path):
    """Whatever other experiments there are."""
    for attempt, others in {"first": (), "second": ("other", "one_more")}.items():
        sources = write_sources(tmp_path / attempt / "sources", *others)
        outputs = [tmp_path / attempt / f"influence_one.{ending}" for ending in ("pdf", "png")]
        call(monkeypatch, sources, *outputs, tmp_path / attempt / "transport_one.pdf")
    made = sorted((tmp_path / "first").glob("*_one.*"))
    assert [path.name for path in made] == [
        f"{name}_one.{ending}" for name in ("influence", "transport") for ending in ("pdf", "png")
    ]
    for path in made:
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("transprt_one", "'transprt' is no figure; allowed: .*; did you mean 'transport'"),
        ("transport_two", "'transport_two' is no figure"),
        ("learning_curves_one", "it is drawn from learning_curves too"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(monkeypatch, tmp_path, name, message):
    sources = write_sources(tmp_path / "sources")
    with pytest.raises(files.FileError, match=message):
        call(monkeypatch, sources, tmp_path / "out" / f"{name}.pdf")
    assert not (tmp_path / "out").exists()


def test_all_figures_of_one_net(tmp_path):
    made = {
        "contributions": tables.of_net(parts=True),
        "influence": tables.rises_of_net(),
        "spectra": tables.spectra_of_net(),
    }
    pdfs = drawing.draw_net(made, tmp_path)
    assert pdfs == [tmp_path / f"{name}.pdf" for name in OF_A_NET]
    for pdf in pdfs:
        assert pdf.read_bytes().startswith(b"%PDF")
        pixels = matplotlib.image.imread(pdf.with_suffix(".png"))[..., :3]
        assert (pixels < 0.5).any(axis=2).mean() > 0.002
