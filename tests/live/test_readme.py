"""The first lines of the README run as they stand, and say what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="no PyTorch")

ROOT = Path(__file__).parents[2]


def test_the_first_lines_of_the_readme(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines, said = re.search(r"```python\n(.*?)```\n\nsays\n\n(.*?)\n\n!", text, re.DOTALL).groups()
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = "".join(f"{line.strip()}\n" for line in said.splitlines())
    rounding = r"to \de-1\d"
    assert re.sub(rounding, "", done.stdout) == re.sub(rounding, "", expected)
    assert (tmp_path / "horizon.png").read_bytes().startswith(b"\x89PNG")
