"""Le, Jaitly and Hinton (2015): the adding problem with rectifiers started from the identity.

Section 4.1: nets of 100 units that add two marked numbers of a sequence of 150 to 400 steps:
rectifiers started from the identity (IRNN), an LSTM and a net of tanh units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..numerics.intervals import difference_interval, wilson_interval
from . import OPPOSITE, SAME, UNDECIDED, Claim, Measured, verdict
from .counts import NOT_MEASURED, by_length, interval, tally

if TYPE_CHECKING:
    import pandas as pd

PAPER = "Le, Jaitly and Hinton (2015)"
CITATION = "le2015"
TASK = "adding"

# The mean squared error of always answering 1; a net that halves it has found both numbers.
CHANCE = 1.0 / 6.0


def learnt(nets: pd.DataFrame) -> pd.Series:
    """Tell which nets have less than half the mean squared error of always answering 1.

    A net that knows one of the two numbers has just half of it: the variance of the other is 1/12.
    """
    return nets["loss"] < CHANCE / 2.0


def of_kind(nets: pd.DataFrame, name: str) -> pd.DataFrame:
    """Keep the nets of one of the paper's kinds: "IRNN", "LSTM" or "tanh"."""
    if name == "LSTM":
        return nets[nets["cell"] == "lstm"]
    plain = nets[nets["cell"] == "rnn"]
    if name == "tanh":
        return plain[plain["activation"] == "tanh"]
    return plain[(plain["activation"] == "relu") & (plain["initialisation"] == "identity")]


def as_good_as_lstm(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether IRNN and LSTM both learn the longest sequences in most nets; which fails if not."""
    irnn, other = of_kind(nets, "IRNN"), of_kind(nets, "LSTM")
    if not (len(irnn) and len(other)):
        return Measured(NOT_MEASURED, UNDECIDED)
    longest = min(kind["length"].max() for kind in (irnn, other))
    counts = [tally(learnt(kind[kind["length"] == longest])) for kind in (irnn, other)]
    most = all(wilson_interval(*count, confidence)[0] > 0.5 for count in counts)
    low, high = difference_interval(*counts, confidence)
    here = (
        f"IRNN {_levels(irnn)}; LSTM {_levels(other)}; IRNN less LSTM at {longest} steps "
        f"{interval(low, high, confidence)}"
    )
    apart = low > 0.0 or high < 0.0
    return Measured(here, OPPOSITE if apart else SAME if most else UNDECIDED)


def beyond_tanh(nets: pd.DataFrame, confidence: float) -> Measured:
    """Whether more IRNN than tanh nets learn the longest sequences."""
    irnn, other = of_kind(nets, "IRNN"), of_kind(nets, "tanh")
    if not (len(irnn) and len(other)):
        return Measured(NOT_MEASURED, UNDECIDED)
    longest = min(kind["length"].max() for kind in (irnn, other))
    counts = [tally(learnt(kind[kind["length"] == longest])) for kind in (irnn, other)]
    ends = difference_interval(*counts, confidence)
    here = (
        f"IRNN {_levels(irnn)}; tanh {_levels(other)}; IRNN less tanh at {longest} steps "
        f"{interval(*ends, confidence)}"
    )
    return Measured(here, verdict(*ends, 0.0))


def _levels(nets: pd.DataFrame) -> str:
    """Write how many nets learn at each length, and the median errors."""
    medians = ", ".join(f"{loss:.3f}" for loss in nets.groupby("length")["loss"].median())
    return f"{by_length(nets, learnt(nets))} (median error {medians})"


CLAIMS = (
    Claim(
        "abstract, section 4.1",
        "on the adding problem the IRNN is comparable to an LSTM",
        as_good_as_lstm,
    ),
    Claim(
        "section 4.1, table 1",
        "at 200 steps and more the IRNN learns, and no setting was found with which tanh does",
        beyond_tanh,
    ),
)
