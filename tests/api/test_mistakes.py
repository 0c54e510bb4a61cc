"""Every mistake is one sentence: what, what is allowed, and the nearest name."""

import inspect
import itertools
import traceback
from pathlib import Path

import numpy as np
import pytest

import gradient_horizon as gh

PACKAGE = Path(gh.__file__).parent
RNG = np.random.default_rng(0)
SYMBOLS = RNG.integers(0, 4, (12, 30))
VECTORS = RNG.normal(size=(12, 30, 2))
QUICK = {"hidden_size": 4, "seeds": 1, "steps": 1}
WEIGHTS = {
    "W_hh": np.eye(3),
    "W_hx": np.ones((3, 4)),
    "b_h": np.zeros(3),
    "W_s": np.ones((2, 3)),
    "b_s": np.zeros(2),
}


def echo(**arguments):
    return gh.train("delayed_echo", **{**QUICK, **arguments})


def arrays(inputs, targets, *mask, **arguments):
    return gh.train((inputs, targets, *mask), **{**QUICK, **arguments})


def measure(inputs, targets, *mask):
    return gh.measure(gh.net("rnn", WEIGHTS), (inputs, targets, *mask))


def weights(**changes):
    changed = {name: array for name, array in {**WEIGHTS, **changes}.items() if array is not None}
    return gh.net("rnn", changed)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: echo(steps=0), ValueError, "steps: 0 is not possible; allowed: whole number"),
        (lambda: echo(steps="many"), TypeError, "steps: 'many' is not possible; allowed: whole"),
        (lambda: echo(steps=1.5), TypeError, "steps: 1.5 is not possible; allowed: whole number"),
        (lambda: echo(radius=0), ValueError, "radius: 0.0 is not possible; allowed: number at"),
        (lambda: echo(radius=-1.0), ValueError, "radius: -1.0 is not possible; allowed: number"),
        (lambda: echo(radius=float("nan")), ValueError, "radius: nan is not a finite number"),
        (lambda: echo(seeds=True), TypeError, "seeds: True is not possible; allowed: whole number"),
        (lambda: echo(cell="lstn"), ValueError, "did you mean 'lstm'?"),
        (lambda: echo(activation="tahn"), ValueError, "did you mean 'tanh'?"),
        (lambda: echo(activation=np.tanh), TypeError, "gh.Activation(function, its derivative)"),
        (lambda: echo(cell=3), TypeError, "cell: int has no shapes; allowed: a registered name"),
        (lambda: echo(optimiser="addam"), ValueError, "optimiser: 'addam' is not known; allowed"),
        (lambda: echo(gradient_clip=-1), ValueError, "allowed: number above 0, or None"),
        (lambda: echo(checkpoints=9), ValueError, "9 checkpoints do not fit into 1 training steps"),
        (lambda: echo(cell="lru"), ValueError, "radius: 1 cannot be the radius of the cell `lru`"),
        (
            lambda: echo(cell="gru", regulariser="pascanu_2013_code"),
            ValueError,
            "regulariser: not for the cell `gru`; allowed: None, or cells among rnn",
        ),
        (
            lambda: echo(flossing={"exponents": 5}),
            ValueError,
            "exponents: 5 exponents of 4 hidden units; allowed: 1 to 4",
        ),
        (
            lambda: echo(flossing={"exponent": 5}),
            ValueError,
            "flossing.exponent: unknown key; allowed: exponents, steps, learning_rate, every, "
            "episodes; did you mean 'exponents'?",
        ),
        (lambda: echo(name="My echo"), ValueError, "did you mean 'my_echo'?"),
        (lambda: echo(say=3), TypeError, "say: 3 cannot be called"),
        (lambda: gh.train("delayed_eco"), ValueError, "did you mean 'delayed_echo'?"),
        (lambda: gh.train(3), TypeError, "task: int has no OPTIONS; allowed: a registered name"),
        (lambda: gh.task("delayed_echo", lagg=3), TypeError, "did you mean 'lag'?"),
        (lambda: gh.task("delayed_echo", lag="x"), TypeError, "lag: 'x' is not possible"),
        (lambda: gh.task("arrays"), TypeError, "task: the option 'file' is missing"),
        (
            lambda: gh.train(gh.task("delayed_echo", lag=50)),
            ValueError,
            "lag: 50 is not shorter than the sequence; allowed: 1 to 39",
        ),
        (lambda: arrays(SYMBOLS, SYMBOLS, batch_size=99), ValueError, "batch_size: 99 sequences"),
        (lambda: arrays(SYMBOLS.T, SYMBOLS), ValueError, "inputs (30, 12) and targets (12, 30)"),
        (lambda: arrays(SYMBOLS, SYMBOLS[-1]), ValueError, "targets are int64 (30,); allowed:"),
        (lambda: arrays(VECTORS[0], SYMBOLS), ValueError, "inputs (30, 2) and targets (12, 30)"),
        (lambda: arrays(SYMBOLS, SYMBOLS, SYMBOLS[0] > 0), ValueError, "bool (12,), one for each"),
        (lambda: arrays(SYMBOLS - 1, SYMBOLS), ValueError, "inputs are integers from -1 to 2"),
        (lambda: arrays(np.full((12, 30, 1), np.nan), SYMBOLS), ValueError, "not all finite: nan"),
        (lambda: arrays(SYMBOLS.astype(str), SYMBOLS), ValueError, "inputs are of type <U"),
        (lambda: arrays([[1, 2], [3]], SYMBOLS), TypeError, "inputs: no array can be made of thi"),
        (lambda: gh.train((SYMBOLS,)), TypeError, "targets are missing"),
        (lambda: gh.train({"input": SYMBOLS}), TypeError, "did you mean 'inputs'?"),
        (
            lambda: gh.train(lambda count, rng: SYMBOLS),
            TypeError,
            "is to return inputs and targets, two arrays",
        ),
        (
            lambda: gh.train(lambda count, rng: (SYMBOLS, SYMBOLS)),
            ValueError,
            "returns inputs (12, 30); allowed: (T, 500) or (T, 500, D), time first",
        ),
        (lambda: weights(b_h=None), ValueError, "weights: b_h is missing; the cell rnn has W_hh"),
        (lambda: weights(bias=np.zeros(3)), ValueError, "weights: bias is not known; the cell rnn"),
        (lambda: weights(W_hh=np.ones((3, 2))), ValueError, "W_hh has the shape (3, 2); the cell"),
        (lambda: weights(W_s=np.ones(3)), ValueError, "W_s has the shape (3,); allowed: two axes"),
        (lambda: weights(b_s=[0.0, np.inf]), ValueError, "weights: b_s is not finite everywhere"),
        (lambda: weights(b_s=["a", "b"]), TypeError, "weights: b_s is of type <U1; allowed: num"),
        (lambda: gh.net("rnn", [1, 2]), TypeError, "weights: list has no names"),
        (lambda: gh.net("rnn", WEIGHTS, leak=0), ValueError, "leak: 0.0 is not possible"),
        (lambda: measure(SYMBOLS + 1, SYMBOLS // 2), ValueError, "inputs are integers from 1 to 4"),
        (lambda: measure(SYMBOLS, SYMBOLS), ValueError, "targets are integers from 0 to 3; allow"),
        (lambda: measure(VECTORS, SYMBOLS // 2), ValueError, "inputs are vectors of length 2"),
        (lambda: measure(SYMBOLS[:1], SYMBOLS[:1] // 2), ValueError, "allowed: 2 to 100,000 steps"),
        (lambda: gh.measure(WEIGHTS, (SYMBOLS, SYMBOLS)), TypeError, "net: dict is no net"),
        (
            lambda: gh.measure(gh.net("rnn", WEIGHTS), SYMBOLS),
            TypeError,
            "ndarray holds no sequences; allowed: (inputs, targets)",
        ),
        (
            lambda: measure(SYMBOLS, SYMBOLS // 2).plot("contributions"),
            ValueError,
            "figure: 'contributions' is not known; allowed: contribution, ",
        ),
        (
            lambda: gh.measure(
                gh.net("rnn", WEIGHTS), (SYMBOLS, SYMBOLS // 2), jacobian_distances=[0]
            ),
            ValueError,
            "jacobian_distances",
        ),
        (lambda: gh.Activation(3, np.cos), TypeError, "activation: value is int; allowed: a func"),
        (lambda: gh.Activation(np.exp, np.exp), ValueError, "activation: exp is inf at a = "),
        (lambda: gh.Activation(np.tanh, np.cos), ValueError, "activation: tanh_slope is "),
    ],
)
def test_a_mistake_is_a_sentence(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


JUNK = (
    *(None, True, -1, 0, 0.5, 7, 10**30, float("inf"), float("nan"), 1j, "x", "", b"x"),
    *([], (), {}, {1: 2}, [0], object(), np.zeros(3), np.array("x"), np.float32(0.5), np.int64(2)),
)
ARGUMENTS = [name for name in inspect.signature(gh.train).parameters if name != "say"]


def own(error):
    """Tell whether an error was raised by the package itself, knowing what it does."""
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    return isinstance(error, ValueError | TypeError) and PACKAGE in Path(place).parents


@pytest.mark.parametrize("name", ARGUMENTS)
def test_whatever_an_argument_is_the_error_is_ours(name):
    ours = 0
    for junk in JUNK:
        try:
            gh.train(**{"task": "delayed_echo", **QUICK, name: junk})
        except Exception as error:
            assert own(error), (name, junk, error)
            ours += 1
    assert ours > 5


ODD = (
    *(None, 3, "x", [], [[]], [[1, 2], [3]], {}, object(), SYMBOLS, SYMBOLS[0], SYMBOLS.T),
    *(
        VECTORS,
        VECTORS[0],
        VECTORS[..., None],
        SYMBOLS.astype(object),
        SYMBOLS.astype("datetime64[s]"),
    ),
    *(SYMBOLS > 0, SYMBOLS * 1j, SYMBOLS[:1], SYMBOLS[:, :0], SYMBOLS.astype(np.uint64) + 2**63),
)


def test_whatever_arrays_are_given_the_error_is_ours():
    refused = 0
    net = gh.net("rnn", WEIGHTS)
    for inputs, targets in itertools.product(ODD, ODD):
        for call, *given in (
            (gh.measure, net, (inputs, targets)),
            (gh.task, (inputs, targets)),
            (gh.measure, net, (SYMBOLS, SYMBOLS // 2, inputs)),
        ):
            try:
                call(*given)
            except Exception as error:
                assert own(error), (inputs, targets, error)
                refused += 1
    assert refused > 500


def test_whatever_weights_are_given_the_error_is_ours():
    for name, junk in itertools.product(WEIGHTS, (*JUNK, *ODD)):
        try:
            weights(**{name: junk})
        except Exception as error:
            assert own(error), (name, junk, error)
        else:
            assert junk is None or np.shape(junk) == WEIGHTS[name].shape
