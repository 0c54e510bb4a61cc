"""Gradient Horizon: how far back a recurrent network's learning signal reaches, exactly."""

import os

# One BLAS thread a job, jobs fill the cores; BLAS reads these once, when NumPy is first imported.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
