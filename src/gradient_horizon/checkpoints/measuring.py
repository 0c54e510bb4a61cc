"""The tables of one trained net from elsewhere: those of a run, without seeds and steps."""

import pandas as pd

from ..gradients import measurement
from ..networks.cells import gru, lstm, net_of, rnn
from .checkpoint import Checkpoint

# Those of the nets that can be read, for which this module is run again when they change.
CELLS = {"rnn": rnn.Rnn, "gru": gru.Gru, "lstm": lstm.Lstm}

NAMES = ("contributions", "summary", "spectra", "influence")


def measure(checkpoint: Checkpoint, distances: list[int]) -> dict[str, pd.DataFrame]:
    """Measure a net on its probe batch.

    The rise of the loss when far inputs are replaced is taken on the same batch, of which two
    sequences or more are needed; the net has been trained elsewhere, on what is not known here.

    Parameters
    ----------
    checkpoint : the net and its batch.
    distances : as `measurement.jacobian_spectra` takes them.

    Returns
    -------
    The tables of `NAMES`, with the columns that the functions of `measurement` describe.

    Raises
    ------
    measurement.InexactError : as `measurement.measure`.
    """
    labels = {"cell": checkpoint.cell, "activation": checkpoint.activation}
    settings = labels | {"cell": CELLS[checkpoint.cell], "model": {}}
    net, probe = net_of(settings, checkpoint.weights), checkpoint.probe
    rows, row = measurement.measure(net, probe)
    rises, reach = measurement.influence(net, probe, relevant=None)
    return {
        "contributions": pd.DataFrame(rows),
        "summary": pd.DataFrame([labels | row | reach]),
        "spectra": pd.DataFrame(measurement.jacobian_spectra(net, probe, distances)),
        "influence": pd.DataFrame(rises),
    }
