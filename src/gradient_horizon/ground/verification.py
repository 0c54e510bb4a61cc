"""Whether results are those of the reference: exact where numbers are whole, close where not.

Whole numbers (grids, drawn symbols, texts as tokens) are the same on every machine, so their files
are compared by checksum.  Floating-point numbers are not: another processor, with other BLAS
kernels, rounds the last bit of a product otherwise, and training carries that on.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from . import files

EXACT = ("*/grid.csv", "*/data.npz", "*/probe.npz")
TABLE = "tables/summary_median.parquet"
KEYS = ["experiment", "run", "step"]
# Absolute differences allowed in each column of the table. Other BLAS kernels and vector lengths
# were seen to change them by 2e-5 at most in the few training steps of the small configuration.
TOLERANCES = {
    "loss": 1e-4,
    "probe_loss": 1e-4,
    "spectral_radius": 1e-4,
    "sigma_max": 1e-4,
    "log10_gradient_norm": 1e-4,
}


def checksums(results: Path) -> dict[str, str]:
    """Return the sha256 of every file that holds whole numbers only, by its path in `results`."""
    found = sorted(path for pattern in EXACT for path in results.glob(pattern))
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def reference_values(results: Path) -> pd.DataFrame:
    """Return the columns that are compared, a row for each run and step."""
    return files.read_table(results / TABLE)[[*KEYS, *TOLERANCES]]


def write(results: Path, reference: Path, name: str) -> None:
    """Make the results at hand the reference `name`: `<name>.sha256` and `<name>.csv`."""
    lines = [f"{digest}  {path}\n" for path, digest in checksums(results).items()]
    files.write_text(reference / f"{name}.sha256", "".join(lines))
    files.write_table(reference / f"{name}.csv", reference_values(results).round(6))


def differences(results: Path, reference: Path, name: str) -> list[str]:
    """Return a line for each thing in which `results` are not the reference `name`.

    Raises
    ------
    FileError : a file cannot be read.
    """
    try:
        lines = (reference / f"{name}.sha256").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise files.FileError(f"cannot read the reference {name}: {error.strerror}") from error
    expected = {path: digest for digest, path in (line.split("  ", 1) for line in lines)}
    actual = checksums(results)
    found = []
    for path in sorted({*expected, *actual}):
        if path not in actual:
            found.append(f"{path}: missing")
        elif path not in expected:
            found.append(f"{path}: not in the reference")
        elif actual[path] != expected[path]:
            found.append(f"{path}: other bytes")
    return found + _table_differences(
        reference_values(results), files.read_table(reference / f"{name}.csv")
    )


def _table_differences(actual: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Compare two tables row by row, to the tolerance of each column."""
    both = expected.merge(actual, on=KEYS, how="outer", suffixes=("", "_here"), indicator="side")
    found = []
    for row in both.to_dict("records"):
        where = f"{TABLE}: {row['experiment']}/{row['run']}, step {row['step']}"
        if row["side"] != "both":
            found.append(f"{where}: {'missing' if row['side'] == 'left_only' else 'too much'}")
            continue
        for column, tolerance in TOLERANCES.items():
            value, here = row[column], row[f"{column}_here"]
            if not np.isclose(value, here, rtol=0.0, atol=tolerance, equal_nan=True):
                found.append(
                    f"{where}: {column} is {here:.6g}, the reference {value:.6g}, "
                    f"allowed difference {tolerance:g}"
                )
    return found
