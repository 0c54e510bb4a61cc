"""Gradient Horizon: how far back a recurrent network's learning signal reaches, exactly.

>>> import gradient_horizon as gh
>>> trained = gh.train("delayed_echo", radius=1.2, seeds=2, steps=100)
>>> gh.measure(trained.net(seed=0), trained.probe)
99 % of the gradient arises within ...
"""

import sys

__version__ = "1.0.0"

# What is public, and where it lies.  It is loaded when it is asked for: this import costs nothing.
_PLACES = {
    "ACTIVATIONS": "api.catalogues",
    "Activation": "api.own_activation",
    "CELLS": "api.catalogues",
    "Cell": "networks.cells.cell",
    "TASKS": "api.catalogues",
    "measure": "api.measuring",
    "net": "api.nets",
    "task": "api.tasks",
    "train": "api.training",
}
__all__ = list(_PLACES)
# A room of its own, which needs PyTorch.
_LIVE = "live"


def __getattr__(name: str):
    """Load a public name."""
    if name == _LIVE:
        from importlib import import_module

        return import_module(f"{__name__}.{_LIVE}")
    if name not in _PLACES:
        message = f"module '{__name__}' has no attribute '{name}'"
        raise AttributeError(message, name=name, obj=sys.modules[__name__])
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what is public."""
    return [*__all__, _LIVE, "__version__"]
