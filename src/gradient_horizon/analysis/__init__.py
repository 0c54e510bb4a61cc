"""Tables over all runs, and what is read off them."""
