"""Stacks of recurrent layers in both directions, taken apart by distance.

The arrays are NumPy's or PyTorch's alike: whoever records a net says which by `xp`, the module
`numpy` or `torch`, of which only functions are used that both have.
"""
