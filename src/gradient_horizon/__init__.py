"""Gradient Horizon: how far back a recurrent network's learning signal reaches, exactly."""

__version__ = "1.0.0"
