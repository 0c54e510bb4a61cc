"""Results against a reference: whole numbers to the byte, others to a tolerance."""

import numpy as np
import pandas as pd
import pytest

from gradient_horizon.ground import files, verification


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    files.write_arrays(folder / "words/data.npz", {"train": np.arange(9)})
    files.write_text(folder / "words/grid.csv", "run\na\n")
    rows = {"experiment": "words", "run": ["a", "b"], "step": [0, 10]}
    columns = {column: [1.0, np.nan] for column in verification.TOLERANCES}
    files.write_table(folder / verification.TABLE, pd.DataFrame({**rows, **columns, "other": 3.0}))
    verification.write(folder, tmp_path / "reference", "small")
    return folder


def differences(results):
    return verification.differences(results, results.parent / "reference", "small")


def change(results, place, column, value):
    table = files.read_table(results / verification.TABLE)
    table.loc[place, column] = value
    files.write_table(results / verification.TABLE, table)


def test_the_same(results):
    assert differences(results) == []


def test_other_bytes(results):
    files.write_arrays(results / "words/data.npz", {"train": np.arange(10)})
    files.write_text(results / "echo/grid.csv", "run\n")
    (results / "words/grid.csv").unlink()
    assert differences(results) == [
        "echo/grid.csv: not in the reference",
        "words/data.npz: other bytes",
        "words/grid.csv: missing",
    ]


def test_within_and_beyond_the_tolerance(results):
    change(results, 0, "loss", 1.00009)
    assert differences(results) == []
    change(results, 0, "loss", 1.00011)
    (line,) = differences(results)
    assert line == (
        "tables/summary_median.parquet: words/a, step 0: loss is 1.00011, the reference 1, "
        "allowed difference 0.0001"
    )
    change(results, 0, "loss", np.nan)
    assert "loss is nan" in differences(results)[0]


def test_rows_that_only_one_has(results):
    change(results, 1, "step", 20)
    assert [line.rpartition(": ")[2] for line in differences(results)] == ["missing", "too much"]


def test_no_reference(results):
    with pytest.raises(files.FileError, match="cannot read the reference other"):
        verification.differences(results, results, "other")
