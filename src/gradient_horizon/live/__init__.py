"""Live PyTorch models: how far back the gradient of their recurrent modules arises."""

try:
    import torch  # noqa: F401
except ImportError as error:
    message = "gradient_horizon.live needs PyTorch: pip install 'gradient-horizon[torch]'"
    raise ImportError(message, name="torch") from error

from .measuring import measure, measure_step
from .monitor import Monitor, TruncationWarning
from .report import Report

__all__ = ["Monitor", "Report", "TruncationWarning", "measure", "measure_step"]
