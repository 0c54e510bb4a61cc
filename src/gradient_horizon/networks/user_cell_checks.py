"""What is wrong with the user's own cells, found before any job starts.

A tiny net of the cell is drawn, run, trained on and taken apart; whatever is a derivative is
compared with differences of the cell's own step.
"""

from collections.abc import Callable, Mapping

import numpy as np

from ..ground.files import CURVES
from ..ground.imports import GUESS, SEPARATOR, UserCodeError, calling
from ..ground.names import nearest
from ..numerics.population import Weights
from .activations import ACTIVATIONS
from .cells import CELLS, Cell, stepwise
from .cells.dynamics import PARTS, Dynamics
from .initialisations import gaussian, spectral_radius

PHI = ACTIVATIONS["tanh"]
STEPS, BATCH, POPULATION, SIZE, WIDTH, OUTPUTS = 4, 2, 2, 3, 2, 2
# Names of arrays that a net has besides its cell's.
TAKEN = ("W_s", "b_s", "embedding", *CURVES)
STEP = 1e-6
TOLERANCE = 1e-6
SINGLE_TOLERANCE = 1e-3
CUT_AFTER = 2


def problem(name: str, options: Mapping | None) -> str | None:
    """Say what is wrong with `module:name`, and what is allowed; None if nothing is.

    Parameters
    ----------
    name : as the configuration has it.
    options : the configuration's `model`; None where that is wrong, and the cell is only imported.
    """
    try:
        with calling("the module"):
            cell = CELLS[name]
        if not isinstance(cell, Cell):
            raise UserCodeError(
                f"{name.partition(SEPARATOR)[2]} is no cell; allowed: a class, or an object of "
                "one, that is made from `gradient_horizon.networks.cells.Cell`"
            )
        if options is not None:
            with calling("the cell"):
                check(cell, options)
    except UserCodeError as error:
        message = str(error)
        if GUESS not in message:
            message += nearest(name.strip(SEPARATOR), CELLS)
        return message
    return None


def check(cell: Cell, options: Mapping) -> None:
    """Refuse a cell that cannot be used.

    Raises
    ------
    UserCodeError : what is wrong, and what is allowed.
    """
    if cell.PARTS not in (PARTS[:1], PARTS):
        raise UserCodeError(f"PARTS is {cell.PARTS!r}; allowed: {PARTS[:1]} or {PARTS}")
    for size, width in ((SIZE, WIDTH), (SIZE + 1, WIDTH + 2)):
        _check_shapes(cell, size, width)
    nets = [_drawn(cell, options, seed) for seed in range(POPULATION)]
    drives = np.random.default_rng(9).normal(
        0.0, 1.0, (STEPS, BATCH, POPULATION, len(nets[0]["W_hx"]))
    )
    ones = []
    for number, net in enumerate(nets):
        with calling("Dynamics"):
            ones.append(cell.Dynamics(PHI, net, options))
        _check_steps(ones[-1], drives[:, :, number])
    if type(cell).Recurrence is Cell.Recurrence or type(cell).Dynamics is Cell.Dynamics:
        _check_back(stepwise.Dynamics(cell, PHI, nets[0], options), drives[0, :, 0])
    _check_training(cell, options, nets, ones, drives)
    _check_measuring(ones[0], drives[:, :, 0])


def _check_shapes(cell: Cell, size: int, width: int) -> None:
    """Refuse weights that cannot be made, or that a net has already."""
    with calling("shapes"):
        shapes = dict(cell.shapes(size, width))
    rows = shapes.get("W_hx", (0,))[0]
    needed = {"W_hx": (rows, width)} | ({"b_h": (rows,)} if "b_h" in shapes else {})
    if type(cell).Dynamics is Cell.Dynamics and "W_hh" not in shapes:
        raise UserCodeError("shapes has no W_hh, the weights that are taken apart; allowed: it has")
    for name, shape in (needed | shapes).items():
        taken = name in TAKEN or not str(name).isidentifier()
        if taken:
            raise UserCodeError(
                f"shapes has the name {name!r}; allowed: a name as in Python, none of "
                f"{', '.join(TAKEN)}"
            )
        whole = all(isinstance(length, int | np.integer) and length > 0 for length in shape)
        if not whole or len(shape) not in (1, 2) or shape != needed.get(name, shape):
            like = f"{needed[name]}" if name in needed else "one or two lengths above 0"
            raise UserCodeError(
                f"shapes({size}, {width}) gives {name} the shape {shape}; allowed: {like}"
            )


def _drawn(cell: Cell, options: Mapping, seed: int) -> dict[str, np.ndarray]:
    """Draw a net of which no weight is zero, once its first draw has passed."""
    radius = min(0.7, 0.7 * cell.RADIUS_LIMIT)
    shapes = cell.shapes(SIZE, WIDTH) | {"W_s": (OUTPUTS, SIZE), "b_s": (OUTPUTS,)}
    net = {name: np.zeros(shape) for name, shape in shapes.items()}
    rng = np.random.default_rng(seed)
    with calling("initialise"):
        cell.initialise(net, rng, gaussian, radius, 0.5, options)
    for name, array in net.items():
        if not np.isfinite(array).all():
            raise UserCodeError(f"initialise leaves {name} not finite; allowed: finite numbers")
    with calling("recurrent"):
        matrix = np.array(cell.Dynamics(PHI, net, options).recurrent)
    if matrix.ndim != 2 or len(matrix) != matrix.shape[1]:
        raise UserCodeError(f"recurrent has the shape {matrix.shape}; allowed: a square matrix")
    found = spectral_radius(matrix)
    if not abs(found - radius) <= TOLERANCE:
        raise UserCodeError(
            f"initialise gives `recurrent` the spectral radius {found:.6g} where {radius:g} is "
            "asked for; allowed: that very radius"
        )
    for array in net.values():
        array += rng.normal(0.0, 0.1, array.shape)
    return net


def _check_steps(one: Dynamics, drive: np.ndarray) -> None:
    """Refuse steps that change what they are given, or that depend on other rows."""
    start = np.random.default_rng(7).normal(0.0, 0.5, (BATCH, one.state_size))
    given = start.copy(), drive[0].copy()
    with calling("step"):
        after = np.asarray(one.advance(*given))
    if after.shape != start.shape or after.dtype.kind != "f" or not np.isfinite(after).all():
        raise UserCodeError(
            f"step of states of shape {start.shape} returns {after.dtype} of shape {after.shape}; "
            "allowed: finite states of the same shape"
        )
    if not (np.array_equal(given[0], start) and np.array_equal(given[1], drive[0])):
        raise UserCodeError("step changes its arguments; allowed: to return new arrays")
    for shape in ((1, BATCH), (BATCH, 1), (1, 1, BATCH)):
        states, rows = (part.reshape(*shape, -1) for part in (start, drive[0]))
        with calling(f"step of states of shape {states.shape}"):
            other = np.asarray(one.advance(states, rows))
        if other.shape != states.shape or not _near(other.reshape(after.shape), after):
            raise UserCodeError(
                f"step of states of shape {states.shape} is another one than of {start.shape}; "
                "allowed: the same for every row, whatever the axes before the last"
            )
    with calling("step"):
        alone = np.concatenate(
            [one.advance(*rows) for rows in zip(start[:, None], drive[0][:, None], strict=True)]
        )
    if not _near(alone, after):
        raise UserCodeError(
            "step of one sequence depends on the others; allowed: every row for itself"
        )


def _check_back(one: stepwise.Dynamics, drive: np.ndarray) -> None:
    """Refuse arrays of other shapes than what `step` and `back` are to return."""
    cell, net, state = one.cell, one.net, np.zeros((BATCH, one.state_size))
    with calling("step"):
        kept = cell.step(net, state, drive)[1]
    if not isinstance(kept, tuple) or not all(
        isinstance(part, np.ndarray) and part.shape[:1] == (BATCH,) for part in kept
    ):
        raise UserCodeError(
            "step returns beside the states something else than a tuple of arrays with the axes "
            "of the states before their last; allowed: (states, (a, ...))"
        )
    if not kept or kept[0].shape != (BATCH, one.hidden_size):
        shape = kept[0].shape if kept else "nothing"
        raise UserCodeError(
            f"step keeps {shape} first; allowed: what phi is taken of, of the shape "
            f"{(BATCH, one.hidden_size)}"
        )
    with calling("back"):
        before, delta, slopes = cell.back(net, kept, np.ones_like(state))
    for what, found, wanted in (("state", before, state), ("drive", delta, drive)):
        if np.shape(found) != wanted.shape:
            raise UserCodeError(
                f"back returns for the {what} the shape {np.shape(found)}; allowed: {wanted.shape}"
            )
    if not isinstance(slopes, dict) or slopes.keys() != net.weights.keys():
        raise UserCodeError(
            f"back returns derivatives by {', '.join(sorted(slopes))}; allowed: by "
            f"{', '.join(sorted(net.weights))}"
        )
    for name, slope in slopes.items():
        if net.weights[name].ndim == 1:
            fits = np.shape(slope) == (BATCH, *net.weights[name].shape)
            allowed = f"an array of the shape {(BATCH, *net.weights[name].shape)}"
        else:
            rows, columns = net.weights[name].shape
            fits = isinstance(slope, list) and all(
                isinstance(pair, tuple)
                and len(pair) == 2
                and np.ndim(pair[0]) == 2
                and np.shape(pair[1]) == (BATCH, columns)
                for pair in slope
            )
            fits = fits and sum(pair[0].shape[1] for pair in slope) == rows
            allowed = (
                f"a list of pairs (delta, source), {rows} rows of delta in all, each source of "
                f"the shape {(BATCH, columns)}"
            )
        if not fits:
            raise UserCodeError(f"back returns for {name} something else; allowed: {allowed}")


def _check_training(cell: Cell, options, nets, ones, drives) -> None:
    """Compare states and gradients of a population with those of plain loops, and of single."""
    errors = np.random.default_rng(8).normal(0.0, 1.0, (STEPS, BATCH, POPULATION, SIZE))
    for truncation in (None, CUT_AFTER):
        found = {}
        for precision in ("float64", "float32"):
            with calling("Recurrence"):
                found[precision] = _trained(
                    cell, options, nets, drives, errors, truncation, precision
                )
        for name, exact in found["float64"].items():
            single = found["float32"][name]
            if not _near(single, exact, SINGLE_TOLERANCE):
                raise UserCodeError(
                    f"the {name} of a population are others in float32 than in float64; allowed: "
                    f"the same to {SINGLE_TOLERANCE:g}"
                )
        for number, one in enumerate(ones):
            states = _states(one, drives[:, :, number])
            outputs = np.array([one.output(state) for state in states[1:]])
            if not _near(found["float64"]["states"][:, :, number], outputs):
                raise UserCodeError(
                    "the states of a population are others than those of its single nets; "
                    "allowed: weights with the population as their first axis, as in "
                    '`state @ net.weights["W_hh"].mT`'
                )
        _compare_gradients(
            {name: part for name, part in found["float64"].items() if name != "states"},
            cell,
            options,
            nets[-1],
            drives[:, :, -1],
            errors[:, :, -1],
            truncation,
        )


def _trained(cell, options, nets, drives, errors, truncation, precision) -> dict:
    """States (T, B, P, N), and what the gradients of all nets, and of the last alone, are."""
    shapes = {name: array.shape for name, array in nets[0].items()}
    weights, slopes = (Weights(shapes, POPULATION, np.dtype(precision)) for _ in range(2))
    for number, net in enumerate(nets):
        for name, array in net.items():
            weights[name][number] = array
    recurrence = cell.Recurrence(PHI, STEPS, BATCH, weights, options)
    recurrence.truncation = truncation
    recurrence.drive[...] = drives
    recurrence.forward()
    states = recurrence.states[1:].copy()
    recurrence.gradient[...] = errors
    delta = recurrence.backward()[:, :, -1].copy()
    recurrence.weight_gradient(slopes)
    names = cell.shapes(SIZE, WIDTH).keys() - {"W_hx", "b_h"}
    return {"states": states, "drive": delta} | {name: slopes[name][-1] for name in sorted(names)}


def _compare_gradients(found, cell, options, net, drive, errors, truncation) -> None:
    """Compare the gradients of one net with differences of its loops."""
    net, drive = {name: array.copy() for name, array in net.items()}, drive.copy()
    cuts = range(STEPS, 0, -truncation) if truncation else ()
    held = _states(cell.Dynamics(PHI, net, options), drive)

    def total() -> float:
        one, state, result = cell.Dynamics(PHI, net, options), held[0], 0.0
        for t, own in enumerate(drive):
            state = one.advance(held[t] if t in cuts else state, own)
            result += np.vdot(errors[t], one.output(state))
        return result

    for name, slope in found.items():
        expected = _differences(total, drive if name == "drive" else net[name])
        _compare(
            f"the gradient of {name} in training" + (" with truncation" if truncation else ""),
            slope,
            expected,
        )


def _check_measuring(one: Dynamics, drive: np.ndarray) -> None:
    """Compare one step of the net that is taken apart with differences."""
    with calling("Dynamics"):
        unrolled = one.unroll(drive.copy())
        jacobian = np.array(unrolled.jacobian(STEPS - 1))
    states = _states(one, drive)
    if not _near(np.ldexp(unrolled.state, unrolled.exponent[..., None]), np.array(states)):
        raise UserCodeError("the unrolled states are others than those of `step`; allowed: those")
    before, last = states[-2].copy(), drive[-1].copy()
    for entry in range(one.state_size):
        signal = np.eye(one.state_size)[entry]

        def total(signal=signal) -> float:
            return float((one.advance(before, last) @ signal).sum())

        expected = _differences(total, before)
        _compare("the Jacobian", jacobian[:, entry], expected)
    _check_taken_apart(one, unrolled, before, last)


def _check_taken_apart(one: Dynamics, unrolled, before: np.ndarray, last: np.ndarray) -> None:
    """Compare what a signal adds to the gradients at the last step, up to the order of rows."""
    rng, run = np.random.default_rng(6), slice(STEPS - 1, STEPS)
    signal, inputs = rng.normal(size=before.shape), rng.normal(size=(STEPS, BATCH, WIDTH))
    with calling("back"):
        delta, _ = unrolled.back(run, signal[None])
        pairs = unrolled.pairs(inputs.copy())
        found = {
            name: np.ldexp(*pair.total(run, delta, np.zeros((1, BATCH), int), per_sequence=False))
            for name, pair in pairs.items()
        }

    def total() -> float:
        return float(np.vdot(one.advance(before, last), signal))

    of_drive = _differences(total, last)
    expected = {"W_hx": of_drive.T @ inputs[-1]}
    if "W_hh" in one.weights:
        expected["W_hh"] = _differences(total, one.weights["W_hh"])
    for name, slope in expected.items():
        _compare(
            f"the norm of the gradient of {name} that is taken apart",
            np.linalg.norm(found[name]),
            np.linalg.norm(slope),
        )


def _states(one: Dynamics, drive: np.ndarray) -> list[np.ndarray]:
    """s_0 ... s_T, by a loop over the steps."""
    states = [np.zeros((BATCH, one.state_size))]
    for own in drive:
        states.append(one.advance(states[-1], own))
    return states


def _differences(function: Callable[[], float], array: np.ndarray) -> np.ndarray:
    """Return the slope of `function()` by each entry of an array that it reads."""
    slope = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + STEP
        above = function()
        array[index] = value - STEP
        slope[index] = (above - function()) / (2.0 * STEP)
        array[index] = value
    return slope


def _compare(what: str, found, expected) -> None:
    """Refuse a derivative that differences do not give."""
    if not _near(found, expected):
        off = np.abs(np.subtract(found, expected)).ravel()
        place = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
        raise UserCodeError(
            f"{what} is {np.ravel(found)[place]:.6g} where differences of `step` give "
            f"{np.ravel(expected)[place]:.6g}; allowed: the derivative, to {TOLERANCE:g}"
        )


def _near(found, expected, tolerance: float = TOLERANCE) -> bool:
    """Tell whether numbers are equal, to a part of the largest or of 1."""
    size = 1.0 + np.abs(expected).max()
    return bool((np.abs(np.subtract(found, expected)) <= tolerance * size).all())
