"""Tests run as jobs do: on one BLAS thread, set before NumPy is imported, in this environment."""

import os
import sys
from pathlib import Path

# Programs that tests start are those of this environment, and use this checkout's library.
os.environ["PYTHONPATH"] = str(Path(__file__).parents[1] / "src")
os.environ.update(
    dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
)
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
