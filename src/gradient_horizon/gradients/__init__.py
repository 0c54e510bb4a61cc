"""Gradients taken apart by temporal distance, and what theory says of them."""
