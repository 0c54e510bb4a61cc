"""Figures, numbers and LaTeX: what readers see."""
