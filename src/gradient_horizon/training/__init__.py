"""Training a population of networks, and the remedies."""
