"""Weights files of trained networks, measured without PyTorch."""
