"""Every cell, by its own one step: states, gradient by differences, and decomposition."""

import numpy as np
import pytest

import guide
import loops
import naive
import own_cells
import plain_cells
from gradient_horizon.gradients import contributions, forward_pass, measurement
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS, dynamics
from gradient_horizon.networks.initialisations import spectral_radius
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training import flossing, regulariser
from gradient_horizon.training.network import Network
from naive import OUTPUTS, SIZE, SYMBOLS

STEPS = 6
MASKS = {"dense": np.ones(STEPS, dtype=bool), "holes": np.arange(STEPS) % 3 == 1}
# One whose value tells the slope, and one without that and without bounds.
PHI = ("tanh", "gelu")
BATCH = 2

# The registered ones by name; others themselves, as a user brings them.
OWN = [own_cells.Diagonal(), guide.minimal_gated_unit()]
every = pytest.mark.parametrize(
    "cell", [*CELLS, *OWN], ids=lambda cell: cell if cell in CELLS else type(cell).__name__
)
both = pytest.mark.parametrize(
    ("activation", "mask"),
    [("tanh", "dense"), pytest.param("gelu", "holes", marks=pytest.mark.slow)],
)
quiet = pytest.mark.filterwarnings("error")


def draw(cell, seed=0, radius=None):
    """A net of the cell with all its weights random, inputs and targets (T, B)."""
    rng = np.random.default_rng(seed)
    size = loops.size_of(cell)
    net = loops.draw_cell(cell, rng, size, 4, radius)
    net |= {
        "W_s": 0.5 * rng.standard_normal((OUTPUTS, size)),
        "b_s": 0.3 * rng.standard_normal(OUTPUTS),
        "embedding": rng.standard_normal((SYMBOLS, 4)),
    }
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH))
    return net, inputs, rng.integers(0, OUTPUTS, inputs.shape)


def population(*nets, dtype=np.float64):
    """Their weights side by side."""
    shapes = {name: array.shape for name, array in nets[0].items()}
    weights = Weights(shapes, len(nets), np.dtype(dtype))
    for number, net in enumerate(nets):
        for name, array in net.items():
            weights[name][number] = array
    return weights


def network(cell, activation, weights, mask="dense", truncation=None):
    net = Network(cell, activation, weights, MASKS[mask], BATCH, options=loops.OPTIONS)
    net.recurrence.truncation = truncation
    return net


def trained_gradient(cell, activation, net, inputs, targets, mask="dense", truncation=None):
    """That of a population of one, in double precision."""
    weights, gradient = population(net), population(net)
    trained = network(cell, activation, weights, mask, truncation)
    trained.loss_and_gradient(inputs[..., None], targets[..., None], gradient)
    return {name: gradient[name][0].copy() for name in net}


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("cell", CELLS)
@quiet
def test_a_step_is_that_of_the_equations(cell, activation):
    """Written a second time, for one sequence, in `plain_cells`."""
    net, inputs, _ = draw(cell)
    one = loops.dynamics(cell, activation, net)
    before = np.random.default_rng(1).normal(0.0, 0.5, (BATCH, one.state_size))
    for x in loops.vectors(net, inputs):
        after = loops.step(one, before, x)
        for b in range(BATCH):
            state, h = plain_cells.STEP[cell](naive.PHI[activation], net, before[b], x[b])
            np.testing.assert_allclose(after[b], state, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(one.output(after)[b], h, rtol=1e-12, atol=1e-13)
        before = after


@every
@pytest.mark.parametrize("activation", PHI)
@quiet
def test_states_are_those_of_a_loop(cell, activation):
    net, inputs, targets = draw(cell)
    one = loops.dynamics(cell, activation, net)
    path = forward_pass.trace(one, inputs, targets, MASKS["dense"])
    unrolled = path.unrolled
    outputs = np.ldexp(unrolled.output, unrolled.exponent[1:, :, None])
    states = np.ldexp(unrolled.state, unrolled.exponent[..., None])
    for t, expected in enumerate(loops.states(one, inputs)):
        np.testing.assert_allclose(states[t], expected, rtol=1e-12, atol=1e-13)
        if t > 0:
            expected = one.output(expected)
            np.testing.assert_allclose(outputs[t - 1], expected, rtol=1e-12, atol=1e-13)
    expected = loops.loss(one, inputs, targets, MASKS["dense"])
    assert path.loss == pytest.approx(expected, rel=1e-12)


@every
@both
def test_training_follows_the_gradient_of_the_loss(cell, activation, mask):
    """Every weight of a population of two, against differences of the loss of plain loops."""
    nets = [draw(cell, seed)[0] for seed in (2, 3)]
    _, inputs, targets = draw(cell, 4)
    weights, gradient = population(*nets), population(*nets)
    both = [np.repeat(part[..., None], 2, axis=2) for part in (inputs, targets)]
    losses = network(cell, activation, weights, mask).loss_and_gradient(*both, gradient)
    given = inputs, targets, MASKS[mask]
    for number, net in enumerate(nets):
        expected = loops.loss(loops.dynamics(cell, activation, net), *given)
        assert losses[number] == pytest.approx(expected, rel=1e-12)
        for name in net:
            expected = loops.gradient(cell, activation, net, name, *given)
            assert abs(expected).max() > 1e-6
            np.testing.assert_allclose(gradient[name][number], expected, rtol=0, atol=2e-10)


@every
@both
@quiet
def test_every_distance_is_that_of_a_loop_over_pairs(cell, activation, mask):
    """C_d by differences of a loss in which the weights of the step t - d alone are varied."""
    net, *batch = draw(cell, 6)
    one = loops.dynamics(cell, activation, net)
    path = forward_pass.trace(one, *batch, MASKS[mask])
    for name, part in contributions.by_weight_and_distance(path).items():
        terms = loops.contributions(one, name, *batch, MASKS[mask])
        expected = np.linalg.norm(terms, axis=1)
        measured = 10.0**part.log10_contribution
        np.testing.assert_allclose(measured, expected, rtol=1e-7, atol=1e-10)
        # The norm of their sum, and the residual against backpropagation.
        expected = np.linalg.norm(terms.sum(axis=0))
        assert 10.0**part.log10_gradient_norm == pytest.approx(expected, rel=1e-8)
        assert part.residual < 1e-13
        assert part.signed_share.sum() == pytest.approx(1.0, rel=1e-12)


@every
@pytest.mark.parametrize("activation", PHI)
def test_jacobians_are_those_of_differences(cell, activation):
    net, inputs, _ = draw(cell, 7)
    one = loops.dynamics(cell, activation, net)
    drive = one.drives(inputs)
    unrolled = one.unroll(drive)
    state = np.ldexp(unrolled.state, unrolled.exponent[..., None])
    step, size = 1e-4, one.state_size
    for t in (0, 3, STEPS - 1):
        jacobian = unrolled.jacobian(t)
        assert jacobian.shape == (BATCH, size, size)
        for b in range(BATCH):
            moves = step * np.eye(size)
            values = [
                one.advance(state[t, b] + scale * moves, drive[t, b]) for scale in (1, -1, 2, -2)
            ]
            slope = (8.0 * (values[0] - values[1]) - (values[2] - values[3])) / (12.0 * step)
            np.testing.assert_allclose(jacobian[b], slope.T, rtol=0, atol=1e-10)


@every
def test_no_step_back_exceeds_its_bound(cell):
    for radius in (0.4, 1.0, 2.5):
        net, inputs, _ = draw(cell, 8, radius=radius)
        one = loops.dynamics(cell, "tanh", net)
        bound = one.step_bound(1.0)
        unrolled = one.unroll(one.drives(inputs))
        largest = max(np.linalg.norm(unrolled.jacobian(t)[0], 2) for t in range(STEPS))
        assert np.isnan(bound) or largest <= bound * (1 + 1e-12)


@every
@pytest.mark.parametrize("truncation", [1, 4, STEPS])
def test_truncated_backpropagation_cuts_between_stretches(cell, truncation):
    """The gradient of a net whose state is passed on as a constant every K steps, from the end."""
    net, *batch = draw(cell, 9)
    found = trained_gradient(cell, "tanh", net, *batch, truncation=truncation)
    whole = trained_gradient(cell, "tanh", net, *batch)
    for name in net:
        if truncation == STEPS:
            np.testing.assert_array_equal(found[name], whole[name])
        elif name != "embedding":
            expected = loops.truncated_gradient(
                cell, "tanh", net, name, *batch, MASKS["dense"], truncation
            )
            np.testing.assert_allclose(found[name], expected, rtol=0, atol=2e-10)


@every
@pytest.mark.parametrize("radius", [0.3, 0.95])
def test_the_radius_at_the_start_is_exact(cell, radius):
    net, _, _ = draw(cell, 10, radius=radius)
    matrices = [loops.dynamics(cell, "tanh", net).recurrent]
    if net.get("W_hh", np.zeros(0)).ndim == 2:
        matrices += list(net["W_hh"].reshape(-1, *matrices[0].shape))
    for matrix in matrices:
        assert spectral_radius(matrix) == pytest.approx(radius, rel=1e-13)


# The fast forms, and the same cells by one step and its derivative alone


@pytest.mark.parametrize("truncation", [None, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("name", own_cells.TWINS)
def test_a_fast_recurrence_is_that_of_the_step(name, activation, dtype, truncation):
    nets = [draw(name, seed)[0] for seed in (20, 21, 22)]
    rng = np.random.default_rng(23)
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH, len(nets)))
    targets = rng.integers(0, OUTPUTS, inputs.shape)
    found = []
    for cell in (name, own_cells.TWINS[name]):
        weights, gradient = population(*nets, dtype=dtype), population(*nets, dtype=dtype)
        trained = network(cell, activation, weights, truncation=truncation)
        # Twice: nothing of the first batch may be left.
        for _ in range(2):
            loss = trained.loss_and_gradient(inputs, targets, gradient)
        assert gradient.flat.dtype == trained.recurrence.states.dtype == dtype
        found.append((loss, gradient.flat, trained.evaluate(inputs[..., 0], targets[..., 0])))
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_allclose(plain, fast, rtol=0, atol=30 * np.finfo(dtype).eps)


@pytest.mark.parametrize("activation", PHI)
@pytest.mark.parametrize("name", own_cells.TWINS)
def test_a_fast_form_is_taken_apart_as_the_step_is(name, activation):
    net, inputs, targets = draw(name, 24)
    probe = {"inputs": inputs, "targets": targets, "loss_mask": MASKS["holes"]}
    tables = [
        measurement.measure(loops.dynamics(cell, activation, net), probe)
        for cell in (name, own_cells.TWINS[name])
    ]
    for fast, plain in zip(*tables, strict=True):
        for column in fast:
            if column in ("bound", "log10_bound", "worst_slope", "note_slope", "residual"):
                continue
            expected = np.nan_to_num(fast[column], nan=7.0, neginf=-7.0)
            got = np.nan_to_num(plain[column], nan=7.0, neginf=-7.0)
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12, err_msg=column)


def test_states_that_leave_the_floats_are_refused():
    net, inputs, targets = draw(own_cells.TWINS["rnn"], 25)
    net["W_hh"] *= 1e90
    one = loops.dynamics(own_cells.TWINS["rnn"], "linear", net)
    with pytest.raises(dynamics.InexactError, match=r"leave the floating-point numbers at step \d"):
        forward_pass.trace(one, inputs, targets, MASKS["dense"])


def test_signals_of_any_size_are_taken_apart():
    """300 steps of a linear unit that halves or doubles: transport is a power of 2, exactly."""
    rng = np.random.default_rng(26)
    inputs = rng.integers(0, SYMBOLS, (300, 1))
    for weight in (2.0**-8, 2.0**3):
        net = {
            "W_hh": np.array([[weight]]),
            "W_hx": 0.01 * rng.standard_normal((1, SYMBOLS)),
            "b_h": np.zeros(1),
            "W_s": np.full((1, 1), 2.0**-900),
            "b_s": np.zeros(1),
        }
        one = loops.dynamics(own_cells.TWINS["rnn"], "linear", net)
        targets, mask = np.ones((300, 1, 1)), np.arange(300) == 299
        path = forward_pass.trace(one, inputs, targets, mask)
        parts = contributions.by_weight_and_distance(path)
        expected = np.arange(300) * np.log10(weight)
        np.testing.assert_allclose(parts["W_hh"].log10_transport, expected, rtol=1e-12, atol=1e-12)
        assert max(part.residual for part in parts.values()) < 1e-13


# Single cells


def test_the_remedies_that_are_for_the_simple_cell_alone():
    """Its step back, and for flossing the weights as well, which no constraint undoes."""
    rnn = CELLS["rnn"]
    alike = [name for name, cell in CELLS.items() if cell.Recurrence is rnn.Recurrence]
    assert alike == list(regulariser.ALLOWED_CELLS)
    assert [name for name in alike if type(CELLS[name]) is type(rnn)] == list(
        flossing.ALLOWED_CELLS
    )


def test_a_leaky_integrator_without_leak_is_the_simple_cell():
    net, inputs, targets = draw("leaky", 11)
    one = CELLS["leaky"].Dynamics(ACTIVATIONS["tanh"], net, {"leak": 1.0})
    other = CELLS["rnn"].Dynamics(ACTIVATIONS["tanh"], net)
    results = [
        contributions.by_distance(forward_pass.trace(each, inputs, targets, MASKS["dense"]))
        for each in (one, other)
    ]
    np.testing.assert_allclose(results[0].share, results[1].share, rtol=1e-13)
    np.testing.assert_allclose(
        results[0].log10_transport, results[1].log10_transport, rtol=0, atol=1e-13
    )


def test_a_residual_net_without_recurrent_weights_keeps_every_signal():
    net, inputs, targets = draw("residual", 12)
    net["W_hh"][...] = 0.0
    one = loops.dynamics("residual", "tanh", net)
    path = forward_pass.trace(one, inputs, targets, MASKS["dense"])
    transport = contributions.by_distance(path).log10_transport
    np.testing.assert_allclose(transport, 0.0, rtol=0, atol=1e-14)


def test_scaled_orthogonal_weights_are_brought_back_to_the_nearest():
    """The polar factor: no orthogonal matrix is nearer (Higham, 1986, theorem 2.1)."""
    rng = np.random.default_rng(13)
    weights = {"W_hh": rng.standard_normal((2, SIZE, SIZE))}
    before = weights["W_hh"].copy()
    CELLS["scaled_orthogonal"].constrain(weights, 0.7)
    for matrix, start in zip(weights["W_hh"], before, strict=True):
        np.testing.assert_allclose(matrix @ matrix.T, 0.49 * np.eye(SIZE), rtol=0, atol=1e-14)
        distance = np.linalg.norm(matrix - start)
        for _ in range(200):
            skew = rng.standard_normal((SIZE, SIZE)) * 10.0 ** rng.uniform(-3, 0)
            turn = np.linalg.solve(np.eye(SIZE) + skew - skew.T, np.eye(SIZE) - skew + skew.T)
            assert np.linalg.norm(turn @ matrix - start) >= distance - 1e-12
