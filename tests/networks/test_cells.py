"""Every cell: its equations as plain loops, its gradient by differences, and its decomposition."""

import numpy as np
import pytest

import naive
import plain_cells
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS
from gradient_horizon.networks.initialisations import gaussian, spectral_radius
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training.network import Network
from naive import OUTPUTS, SIZE, STEPS, SYMBOLS
from plain_cells import OPTIONS

MASKS = {"dense": np.ones(STEPS, dtype=bool), "holes": np.arange(STEPS) % 4 == 2}
# One whose value tells the slope, and one without that and without bounds.
PHI = ("tanh", "gelu")
BATCH = 2

every = pytest.mark.parametrize("cell", CELLS)
quiet = pytest.mark.filterwarnings("error")


def draw(cell, seed=0, radius=None):
    """A net of the cell with all its weights random, inputs and targets (T, B)."""
    rng = np.random.default_rng(seed)
    radius = radius or plain_cells.RADIUS.get(cell, 0.9)
    size = plain_cells.SIZES[cell]
    net = {name: np.zeros(shape) for name, shape in CELLS[cell].shapes(size, 4).items()}
    CELLS[cell].initialise(net, rng, gaussian, radius, 1.0, OPTIONS)
    for name, array in net.items():
        if name.startswith("b_") or name in ("gain", "shift"):
            array += 0.3 * rng.standard_normal(array.shape)
    net |= {
        "W_s": 0.5 * rng.standard_normal((OUTPUTS, size)),
        "b_s": 0.3 * rng.standard_normal(OUTPUTS),
        "embedding": rng.standard_normal((SYMBOLS, 4)),
    }
    inputs = rng.integers(0, SYMBOLS, (STEPS, BATCH))
    return net, inputs, rng.integers(0, OUTPUTS, inputs.shape)


def dynamics(cell, activation, net):
    return CELLS[cell].Dynamics(ACTIVATIONS[activation], net, OPTIONS)


def loss_of(cell, activation, net, inputs, targets, loss_mask):
    """The mean loss, by plain loops."""
    losses = [
        naive.cross_entropy(net["W_s"] @ h + net["b_s"], targets[t, b])
        for b in range(inputs.shape[1])
        for t, h in enumerate(plain_cells.outputs(cell, activation, net, inputs[:, b]))
        if loss_mask[t]
    ]
    return np.mean(losses)


@every
@pytest.mark.parametrize("activation", PHI)
@quiet
def test_states_are_those_of_a_loop(cell, activation):
    net, inputs, targets = draw(cell)
    path = forward_pass.trace(dynamics(cell, activation, net), inputs, targets, MASKS["dense"])
    outputs = np.ldexp(path.unrolled.output, path.unrolled.exponent[1:, :, None])
    for b in range(BATCH):
        expected = plain_cells.outputs(cell, activation, net, inputs[:, b])
        np.testing.assert_allclose(outputs[:, b], expected, rtol=1e-12, atol=1e-13)
    expected = loss_of(cell, activation, net, inputs, targets, MASKS["dense"])
    assert path.loss == pytest.approx(expected, rel=1e-12)


@every
def test_steps_one_at_a_time_are_the_unrolled_ones(cell):
    net, inputs, _ = draw(cell, 1)
    one = dynamics(cell, "tanh", net)
    drive = one.drives(inputs)
    unrolled = one.unroll(drive)
    state = np.zeros((BATCH, one.state_size))
    for t, own in enumerate(drive):
        state = one.advance(state, own)
        np.testing.assert_allclose(state, unrolled.state[t + 1], rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(one.output(state), unrolled.output[t], rtol=1e-13, atol=1e-14)


def by_differences(cell, activation, net, inputs, targets, loss_mask, name):
    def loss():
        return loss_of(cell, activation, net, inputs, targets, loss_mask)

    return naive.central_differences(loss, net[name])


@every
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("activation", PHI)
def test_training_follows_the_gradient_of_the_loss(cell, activation, mask):
    """Every weight of a population of two, against differences of the loss of plain loops."""
    nets = [draw(cell, seed)[0] for seed in (2, 3)]
    _, inputs, targets = draw(cell, 4)
    shapes = {name: array.shape for name, array in nets[0].items()}
    weights, gradient = (Weights(shapes, 2, np.dtype(np.float64)) for _ in range(2))
    for number, net in enumerate(nets):
        for name, array in net.items():
            weights[name][number] = array
    network = Network(cell, activation, weights, MASKS[mask], BATCH, options=OPTIONS)
    both = [np.repeat(part[..., None], 2, axis=2) for part in (inputs, targets)]
    losses = network.loss_and_gradient(*both, gradient)
    for number, net in enumerate(nets):
        given = cell, activation, net, inputs, targets, MASKS[mask]
        assert losses[number] == pytest.approx(loss_of(*given), rel=1e-12)
        for name in net:
            expected = by_differences(*given, name)
            assert abs(expected).max() > 1e-6
            np.testing.assert_allclose(gradient[name][number], expected, rtol=0, atol=2e-10)


@every
@pytest.mark.parametrize("activation", PHI)
@quiet
def test_the_distances_add_up_to_the_gradient_of_the_loss(cell, activation):
    """Norms of sums that know nothing of each other, and the residual against BPTT."""
    net, *batch = draw(cell, 5)
    path = forward_pass.trace(dynamics(cell, activation, net), *batch, MASKS["dense"])
    given = plain_cells.taken_apart(cell, net), *batch
    parts = contributions.by_weight_and_distance(path)
    for name, part in parts.items():
        assert part.residual < 1e-13
        arrays = plain_cells.GRADIENTS[cell][name]
        expected = np.sqrt(
            sum(
                np.square(by_differences(cell, activation, *given, MASKS["dense"], array)).sum()
                for array in arrays
            )
        )
        assert 10.0**part.log10_gradient_norm == pytest.approx(expected, rel=1e-8)


@every
@pytest.mark.parametrize("activation", PHI)
def test_every_distance_is_that_of_a_loop_over_pairs(cell, activation):
    """C_d by differences of a loss in which the weights of the step t - d alone are varied."""
    net, inputs, targets = draw(cell, 6)
    path = forward_pass.trace(dynamics(cell, activation, net), inputs, targets, MASKS["holes"])
    parts = contributions.by_weight_and_distance(path)
    net = plain_cells.taken_apart(cell, net)
    states = plain_cells.states_before(cell, activation, net, inputs)
    given = cell, activation, net, inputs, targets, MASKS["holes"], states
    for name, arrays in plain_cells.GRADIENTS[cell].items():
        totals = np.zeros(STEPS)
        for array in arrays:
            terms = np.zeros((STEPS, *net[array].shape))
            for k in range(STEPS):
                for index in np.ndindex(net[array].shape):
                    changes = plain_cells.step_losses_slope(*given, array, index, k)
                    for t in range(k, STEPS):
                        terms[(t - k, *index)] += changes[t]
            totals += np.square(terms).reshape(STEPS, -1).sum(axis=1)
        measured = 10.0 ** parts[name].log10_contribution
        np.testing.assert_allclose(measured, np.sqrt(totals), rtol=1e-7, atol=1e-10)


@every
@pytest.mark.parametrize("activation", PHI)
def test_jacobians_are_those_of_differences(cell, activation):
    net, inputs, _ = draw(cell, 7)
    one = dynamics(cell, activation, net)
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
        net, inputs, _ = draw(cell, 8, radius=min(radius, plain_cells.LARGEST_RADIUS[cell]))
        one = dynamics(cell, "tanh", net)
        bound = one.step_bound(1.0)
        unrolled = one.unroll(one.drives(inputs))
        largest = max(np.linalg.norm(unrolled.jacobian(t)[0], 2) for t in range(STEPS))
        assert np.isnan(bound) or largest <= bound * (1 + 1e-12)


@every
@pytest.mark.parametrize("truncation", [1, 3, STEPS])
def test_truncated_backpropagation_cuts_between_stretches(cell, truncation):
    """The gradient of a net whose state is passed on as a constant every K steps, from the end."""
    net, inputs, targets = draw(cell, 9)
    shapes = {name: array.shape for name, array in net.items()}
    weights, gradient, whole = (Weights(shapes, 1, np.dtype(np.float64)) for _ in range(3))
    for name, array in net.items():
        weights[name][0] = array
    network = Network(cell, "tanh", weights, MASKS["dense"], BATCH, options=OPTIONS)
    network.loss_and_gradient(inputs[..., None], targets[..., None], whole)
    network.recurrence.truncation = truncation
    network.loss_and_gradient(inputs[..., None], targets[..., None], gradient)
    if truncation == STEPS:
        np.testing.assert_array_equal(gradient.flat, whole.flat)
        return
    for name in net:
        if name == "embedding":
            continue
        expected = plain_cells.truncated_gradient(
            cell, "tanh", net, inputs, targets, MASKS["dense"], name, truncation
        )
        np.testing.assert_allclose(gradient[name][0], expected, rtol=0, atol=2e-10)


@every
@pytest.mark.parametrize("radius", [0.3, 0.95])
def test_the_radius_at_the_start_is_exact(cell, radius):
    net, _, _ = draw(cell, 10, radius=radius)
    for block in plain_cells.blocks(cell, net):
        assert spectral_radius(block) == pytest.approx(radius, rel=1e-13)


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
    path = forward_pass.trace(dynamics("residual", "tanh", net), inputs, targets, MASKS["dense"])
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
