"""The registered cells: where each is.  A new one is a line here.

This list is read where all names are asked for and where one is imported, and it is not part of
what a job depends on: a line more runs nothing again.
"""

REGISTERED = {
    "rnn": "rnn:Rnn",
    "leaky": "leaky:Leaky",
    "residual": "residual:Residual",
    "scaled_orthogonal": "scaled_orthogonal:ScaledOrthogonal",
    "lstm": "lstm:Lstm",
    "gru": "gru:Gru",
    "layer_norm": "layer_norm:LayerNorm",
    "lru": "lru:Lru",
}
