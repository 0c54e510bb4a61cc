"""`python -m gradient_horizon` is the command `gradient-horizon`."""

from .cli import main

main()
