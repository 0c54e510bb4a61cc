"""The smoke configuration from end to end: tables, figures, logs, and nothing else."""

import platform
import re

import matplotlib.image
import pandas as pd
import pytest
import yaml

import project
from gradient_horizon.ground import verification
from gradient_horizon.report.figures import OF_EVERY_RUN

WHOLE = yaml.safe_load((project.ROOT / "config" / "smoke.yaml").read_text())["experiments"]
SMOKE = {name: own for name, own in WHOLE.items() if own is not None}
AXES = {"experiment", "run", "task", "cell", "activation", "initialisation", "radius", "remedy"}
SPREAD = ("", "_low", "_high")
LEARNABILITY = {
    *("experiment", "cell", "initialisation", "remedy", "radius_held", "activation"),
    *("predictor", "rho", "low", "high", "nets"),
}


def with_interval(*columns):
    return {f"{column}{end}" for column in columns for end in SPREAD}


COLUMNS = {
    "contributions": AXES
    | {
        *("seed", "step", "distance", "contribution", "log10_contribution", "share", "cosine"),
        *("signed_share", "transport", "log10_transport", "incoherent", "coherence", "bound"),
        *("signal_squared", "truncation_bias", "input_contribution", "input_truncation_bias"),
    },
    "contributions_median": AXES
    | {"step", "distance", "log10_bound", "extinct"}
    | with_interval("share", "log10_transport", "coherence", "cosine", "truncation_bias"),
    "influence": AXES | {"seed", "step", "distance", "rise", "standard_error"},
    "influence_median": AXES | {"step", "distance"} | with_interval("rise"),
    "learnability": LEARNABILITY,
    "learning_curves": AXES | {"step"} | with_interval("loss"),
    "remedies": AXES - {"task"}
    | {"solved", "diverged", "seeds", "h99_censored_before", "h99_censored_after"}
    | with_interval("accuracy", "gain", "share_before", "share_after"),
    "slopes": AXES
    | {"step"}
    | with_interval("slope", "mean_field_slope", "deviation", "worst_slope", "note_slope"),
    "spectra": AXES | {"seed", "step", "quantity", "distance", "index", "value", "standard_error"},
    "spectra_median": AXES | {"step", "quantity", "distance", "index"} | with_interval("value"),
    "summary": AXES
    | {
        *("seed", "step", "loss", "accuracy", "diverged_at", "spectral_radius", "sigma_max"),
        *("log10_gradient_norm", "residual", "h99", "h99_censored", "k01", "k01_censored"),
        *("forward_horizon", "forward_horizon_censored", "saturated", "gain", "drive_variance"),
    },
    "summary_median": AXES
    | {"step", "residual", "diverged", "seeds", "saturated"}
    | {f"{column}_censored" for column in ("h99", "k01", "input_h99", "forward_horizon")}
    | with_interval("loss", "accuracy", "h99", "k01", "forward_horizon"),
}
# Too long for a text file.
LONG = {"contributions", "spectra"}
# Distances beyond which inputs are replaced: up to half of the sequence where every step carries a
# loss, nearly all of it where only the last does.
INFLUENCE = {"words": 8, "delayed_echo": 6, "temporal_order": 11}
# Before and after training.
ENDS = 2


def rows(name, experiment):
    """How many rows of a table one experiment has."""
    own = SMOKE[experiment]
    grid, checkpoints = own["grid"], own["measurement"]["checkpoints"]
    seeds, distances = grid["seeds"], own["task"]["sequence_length"]
    activations = len(grid["activations"])
    runs = activations * len(grid["spectral_radii"])
    # Eight exponents; all singular values of products of 1 and 10 Jacobians, 20 are too many.
    spectrum = 8 + 2 * own["model"]["hidden_size"]
    return {
        "contributions": runs * seeds * checkpoints * distances,
        "contributions_median": runs * checkpoints * distances,
        "influence": runs * seeds * INFLUENCE[experiment],
        "influence_median": runs * INFLUENCE[experiment],
        # Three predictors, the radius held or not, every activation and all together.
        "learnability": 0 if experiment == "words" else 3 * 2 * (activations + 1),
        "learning_curves": runs * own["training"]["steps"],
        "remedies": 0,  # of the experiments that have several only
        "slopes": runs * ENDS,
        "spectra": runs * seeds * ENDS * spectrum,
        "spectra_median": runs * ENDS * spectrum,
        "summary": runs * seeds * checkpoints,
        "summary_median": runs * checkpoints,
    }[name]


def files(folder, *patterns):
    return [path for pattern in patterns for path in sorted(folder.rglob(pattern))]


@pytest.mark.tex
def test_it_says_where_the_paper_is(smoke):
    assert smoke.printed.splitlines()[-1] == "The paper is results/paper/paper.pdf."


@pytest.mark.parametrize("name", COLUMNS)
def test_tables(smoke, name):
    stem = smoke.folder / "results" / "tables" / name
    table = pd.read_parquet(f"{stem}.parquet")
    assert set(table.columns) >= COLUMNS[name]
    counts = table["experiment"].value_counts(sort=False)
    assert {part: counts.get(part, 0) for part in SMOKE} == {
        part: rows(name, part) for part in SMOKE
    }
    keys = ("seed", "step", "quantity", "distance", "index", "predictor", "radius_held")
    assert not table.duplicated([key for key in (*AXES, *keys) if key in table]).any()
    if name in LONG:
        return
    again = pd.read_csv(f"{stem}.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(again, table, check_exact=True, check_dtype=False)


def test_no_table_is_left_out(smoke):
    names = {path.name for path in (smoke.folder / "results" / "tables").iterdir()}
    texts = {f"{name}.csv" for name in COLUMNS.keys() - LONG}
    assert names == {f"{name}.parquet" for name in COLUMNS} | texts | {"audit.csv"}


@pytest.mark.parametrize("ending", ["pdf", "png"])
def test_figures_are_all_there(smoke, ending):
    found = {path.stem for path in files(smoke.folder / "results" / "figures", f"*.{ending}")}
    wanted = {f"{figure}_{experiment}" for figure in OF_EVERY_RUN for experiment in SMOKE}
    assert found == wanted | {"sentence_map_words"}


def test_figures_show_something(smoke):
    for path in files(smoke.folder / "results" / "figures", "*.png"):
        pixels = matplotlib.image.imread(path)[..., :3]
        assert pixels.shape[1] == 1300  # the text's width, at 200 dots an inch
        assert (pixels < 0.5).any(axis=2).mean() > 0.002, path.name


def test_figures_carry_their_fonts(smoke):
    for path in files(smoke.folder / "results" / "figures", "*.pdf"):
        content = path.read_bytes()
        assert content.startswith(b"%PDF") and content.rstrip().endswith(b"%%EOF")
        descriptors = re.findall(rb"/Type /FontDescriptor\b.*?\bendobj", content, re.DOTALL)
        assert descriptors and all(b"/FontFile2 " in one for one in descriptors), path.name
        assert b"/Type3" not in content, path.name


def test_training_says_how_it_goes(smoke):
    logs = files(smoke.folder / "logs" / "train_networks", "*.log")
    assert len(logs) == 12
    line = r"step {0}/{0}  loss \d+\.\d+  gradient norm \S*\d\S*  time left 0 s"
    for log in logs:
        steps = SMOKE[log.parent.name]["training"]["steps"]
        assert re.fullmatch(line.format(steps), log.read_text().splitlines()[-1]), log


def test_nothing_half_made_is_left(smoke):
    assert files(smoke.folder, ".part-*") == []


# The host's name is no word of any result, but it may be part of one where it is very short.
HOST = re.escape(platform.node()) or "localhost"
TELLTALE = re.compile(
    rf"\b{HOST}\b|\d\d:\d\d:\d\d|\b20\d\d-\d\d-\d\d\b|(?<![\w.)}}])/\w[\w.-]*/\w|[A-Z]:\\\w"
)


def test_no_time_host_or_place_is_told(smoke):
    texts = files(smoke.folder / "results", "*.csv", "*.json", "*.tex", "*.yaml")
    assert len(texts) > 20
    for path in texts:
        if path.name != "provenance.json":
            assert TELLTALE.findall(path.read_text()) == [], path.name
    place = str(smoke.folder).encode()
    assert [name for name, content in smoke.results.items() if place in content] == []


def test_the_provenance_may_tell_the_time(smoke):
    """It does, which shows that the search above would find one."""
    text = (smoke.folder / "results" / "provenance.json").read_text()
    assert TELLTALE.search(text)


def test_the_results_are_those_of_the_reference(smoke):
    reference = project.ROOT / "tests/reference"
    assert verification.differences(smoke.folder / "results", reference, "smoke") == []
