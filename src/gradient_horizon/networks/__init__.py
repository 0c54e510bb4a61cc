"""Recurrent networks: activations, cells, inputs and losses."""
