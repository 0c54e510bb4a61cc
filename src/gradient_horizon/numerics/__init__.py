"""Numbers that nothing of a network is in: powers of two, products of a population, statistics."""
