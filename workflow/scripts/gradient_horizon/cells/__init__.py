"""Recurrent cells, one file each."""

from . import rnn

CELLS = {"rnn": rnn}
