"""The LSTM and the GRU: what their gates do, in closed forms and against differences."""

import numpy as np
import pytest

import loops
import naive
import plain_cells
from gradient_horizon.gradients import contributions, forward_pass, measurement
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import CELLS, gates
from gradient_horizon.networks.initialisations import INITIALISATIONS, gaussian
from gradient_horizon.training import grid_point

# Which rows of the biases belong to the gate that keeps, and to the one that lets in.
KEEPS = {"lstm": 1, "gru": 1}
LETS_IN = {"lstm": 0}
SIZE, OUTPUTS, SYMBOLS = 5, 3, 4

gated = pytest.mark.parametrize("cell", KEEPS)


def drawn(cell, seed=0, chrono=None, size=SIZE, radius=0.9):
    """A net of the cell as it is drawn, but with random read-out."""
    rng = np.random.default_rng(seed)
    net = {name: np.zeros(shape) for name, shape in CELLS[cell].shapes(size, SYMBOLS).items()}
    CELLS[cell].initialise(net, rng, gaussian, radius, 1.0, {"chrono": chrono})
    net["W_s"], net["b_s"] = rng.standard_normal((OUTPUTS, size)), np.zeros(OUTPUTS)
    return net


def batch(steps, sequences=3, seed=1):
    """Inputs and targets (T, B)."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, count, (steps, sequences)) for count in (SYMBOLS, OUTPUTS))


def last_of(steps):
    return np.arange(steps) == steps - 1


def traced(cell, net, steps, loss_mask=None, activation="tanh"):
    one = CELLS[cell].Dynamics(ACTIVATIONS[activation], net, {})
    mask = np.ones(steps, bool) if loss_mask is None else loss_mask
    return forward_pass.trace(one, *batch(steps), mask)


def part(net, cell, name, number):
    size = net["W_s"].shape[1]
    return net[name][number * size : (number + 1) * size]


@gated
@pytest.mark.parametrize("bias", [-3.0, 0.0, 2.5, 7.0])
def test_without_weights_a_signal_shrinks_by_the_gate_alone(cell, bias):
    """The constant error carousel (Hochreiter and Schmidhuber, 1997): sigmoid(b) ^ d.

    A log10 of 40 steps carries 40 roundings of 2^-53 each, well below the tolerance.
    """
    net, steps = drawn(cell), 40
    for name in ("W_hh", "W_hx"):
        net[name][...] = 0.0
    part(net, cell, "b_h", KEEPS[cell])[...] = bias
    found = contributions.by_distance(traced(cell, net, steps, last_of(steps)))
    if cell == "lstm":
        # The first step back is into the cell state, on which the signal then stays.
        carousel = found.log10_transport_parts["cell"][1:]
        assert np.isneginf(found.log10_transport_parts["cell"][0])
        assert np.isneginf(found.log10_transport_parts["hidden"][1:]).all()
    else:
        carousel = found.log10_transport
        assert carousel[0] == 0.0
        assert not found.log10_transport_parts
    kept = -np.log10(1.0 + np.exp(-bias))
    expected = carousel[0] + kept * np.arange(len(carousel))
    np.testing.assert_allclose(carousel, expected, rtol=0, atol=1e-13)


def signals_by_differences(net, inputs, targets):
    """g_{t,k} = dE_t/ds_k of every sequence, by differences of plain loops: (B, T, T, 2 N)."""
    steps, sequences = inputs.shape
    phi, size = naive.PHI["tanh"], 2 * SIZE
    states = loops.states(loops.dynamics("lstm", "tanh", net), inputs)
    result = np.zeros((sequences, steps, steps, size))
    for b, k in np.ndindex(sequences, steps):
        x = net["embedding"][inputs[:, b]]
        after, _ = plain_cells.STEP["lstm"](phi, net, states[k][b], x[k])

        def losses(state, b=b, k=k, x=x):
            found = np.zeros(steps)
            for t in range(k, steps):
                h = state[:SIZE]
                if t > k:
                    state, h = plain_cells.STEP["lstm"](phi, net, state, x[t])
                found[t] = naive.cross_entropy(net["W_s"] @ h + net["b_s"], targets[t, b])
            return found

        for entry in range(size):
            move = 1e-3 * np.eye(size)[entry]
            near, far = (losses(after + d * move) - losses(after - d * move) for d in (1, 2))
            result[b, :, k, entry] = (8.0 * near - far) / 12e-3
    return result


def test_transport_through_hidden_and_cell_state_is_that_of_differences():
    """Differences of fourth order at 1e-3 are wrong by about 1e-12, of signals above 1e-4."""
    net, steps = drawn("lstm", 2), 6
    net["b_h"] += np.random.default_rng(3).standard_normal(net["b_h"].shape)
    net["embedding"] = np.eye(SYMBOLS)
    inputs, targets = batch(steps)
    one = CELLS["lstm"].Dynamics(ACTIVATIONS["tanh"], net)
    path = forward_pass.trace(one, inputs, targets, np.ones(steps, bool))
    found = contributions.by_distance(path)
    signals = signals_by_differences(net, inputs, targets)
    sent = np.linalg.norm(signals[:, range(steps), range(steps)], axis=-1)
    for name, entries in (("hidden", slice(0, SIZE)), ("cell", slice(SIZE, None))):
        for d in range(1 if name == "cell" else 0, steps):
            t = np.arange(d, steps)
            arrived = np.linalg.norm(signals[:, t, t - d, entries], axis=-1)
            expected = np.log10(arrived / sent[:, t]).mean()
            assert found.log10_transport_parts[name][d] == pytest.approx(expected, abs=1e-8)


def test_the_largest_part_carries_the_whole():
    """norm(g)^2 = norm(hidden part)^2 + norm(cell part)^2, of a single pair at each distance."""
    steps = 12
    net = drawn("lstm", 4)
    one = CELLS["lstm"].Dynamics(ACTIVATIONS["tanh"], net)
    inputs, targets = batch(steps, sequences=1)
    found = contributions.by_distance(
        forward_pass.trace(one, inputs, targets, loss_mask=last_of(steps))
    )
    squares = sum(100.0**values for values in found.log10_transport_parts.values())
    np.testing.assert_allclose(squares, 100.0**found.log10_transport, rtol=1e-12)


def test_the_columns_of_the_parts_are_those_of_the_state():
    columns = [f"log10_transport_{name}" for name in measurement.PARTS]
    for cell in KEEPS:
        net, steps = drawn(cell), 8
        one = CELLS[cell].Dynamics(ACTIVATIONS["tanh"], net)
        rows, _ = measurement.gradient_by_distance(one, traced(cell, net, steps))
        told = [np.isfinite(rows[column][1:]).all() for column in columns]
        assert told == ([True, True] if cell == "lstm" else [False, False])


def test_the_chrono_bias_keeps_for_its_time():
    """sigmoid(ln(T - 1)) = 1 - 1/T: the exponential forgets at the rate 1/T."""
    times = np.array([2.5, 10.0, 1000.0])
    kept = gates.sigmoid(np.log(times - 1.0))
    np.testing.assert_allclose(kept, 1.0 - 1.0 / times, rtol=1e-15)


@gated
def test_chrono_times_are_uniform(cell):
    """Kolmogorov and Smirnov at 1e-6: 2.65 / sqrt(n) for n draws."""
    longest, size = 50.0, 1000
    net = {name: np.zeros(shape) for name, shape in CELLS[cell].shapes(size, 1).items()}
    CELLS[cell].initialise(
        net, np.random.default_rng(5), INITIALISATIONS["identity"], 1.0, 1.0, {"chrono": longest}
    )
    biases = net["b_h"].reshape(-1, size)
    drawn_times = np.sort(np.exp(biases[KEEPS[cell]]))
    assert drawn_times[0] >= 1.0
    assert drawn_times[-1] <= longest - 1.0
    expected = (drawn_times - 1.0) / (longest - 2.0)
    assert abs(expected - (np.arange(size) + 0.5) / size).max() < 2.65 / np.sqrt(size)
    if cell in LETS_IN:
        np.testing.assert_array_equal(biases[LETS_IN[cell]], -biases[KEEPS[cell]])
    others = [row for row in range(len(biases)) if row not in (KEEPS[cell], LETS_IN.get(cell))]
    assert not biases[others].any()


@gated
def test_chrono_changes_nothing_but_its_biases(cell):
    settings = {
        "base_seed": 1,
        "identity": "x/y",
        "cell": cell,
        "initialisation": "gaussian",
        "radius": 1.0,
        "seeds": 3,
        "training": {"precision": "float64"},
    }
    facts = {"input_size": SYMBOLS, "output_size": OUTPUTS, "embedded": True}
    model = {"hidden_size": SIZE, "embedding_size": 4, "input_scale": 1.0}
    without, with_it = (
        grid_point.weights_of(settings | {"model": model | {"chrono": longest}}, facts)
        for longest in (None, 20.0)
    )
    for name in without.names():
        same = np.array_equal(without[name], with_it[name])
        assert same == (name != "b_h")
    assert not without["b_h"].any()
    first, second, _ = with_it["b_h"]
    assert not np.array_equal(first, second)


def test_a_trained_chrono_net_reaches_farther_at_the_start():
    """Its units keep for 2 to 39 steps, those of a net without biases for 2."""
    slopes = []
    for longest in (None, 40.0):
        path = traced("lstm", drawn("lstm", 6, longest, size=16, radius=0.5), 30)
        slopes.append(
            contributions.transport_slope(contributions.by_distance(path).log10_transport)
        )
    assert slopes[0] < np.log(0.75)
    assert slopes[1] > np.log(0.85)


@gated
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [30.0, 800.0])
def test_closed_and_open_gates_leave_an_exact_decomposition(cell, size):
    """Sums so large that sigmoids are 0 and 1 to all digits, and their slopes tiny or zero."""
    net = drawn(cell, 7)
    net["W_hx"] *= size
    path = traced(cell, net, 20)
    for found in contributions.by_weight_and_distance(path).values():
        assert found.residual < 1e-13
        assert np.isfinite(found.log10_gradient_norm)


def growing(cell, factor):
    """A net with all gates open but that of the GRU that keeps, and W_hh a multiple of identity."""
    net = drawn(cell, 8)
    net["W_hh"][...] = 0.0
    part(net, cell, "W_hh", 2)[...] = factor * np.eye(SIZE)
    net["W_hx"][...] = np.abs(net["W_hx"])
    net["b_h"][...] = 20.0
    if cell == "gru":
        part(net, cell, "b_h", KEEPS[cell])[...] = -20.0
    return net


@gated
@pytest.mark.filterwarnings("error")
def test_states_beyond_all_numbers_are_refused_in_one_line(cell):
    """30^t reaches 2^1024 at t = 208.7; the first state is above 1 and the cell state adds up."""
    one = CELLS[cell].Dynamics(ACTIVATIONS["linear"], growing(cell, 30.0))
    inputs, targets = batch(230)
    probe = {"inputs": inputs, "targets": targets, "loss_mask": last_of(230)}
    with pytest.raises(measurement.InexactError, match=r"states leave .* at step 20\d of 230"):
        measurement.measure(one, probe)


@gated
def test_large_states_are_measured(cell):
    """States whose squares are no floating-point numbers any more."""
    path = traced(cell, growing(cell, 30.0), 150, activation="relu")
    assert abs(path.unrolled.state[-1]).max() < 1.0  # brought down, with a power of two
    assert path.unrolled.exponent[-1].min() > 600
    for found in contributions.by_weight_and_distance(path).values():
        assert found.residual < 1e-9
        assert np.isfinite(found.log10_gradient_norm)


def test_the_step_bound_of_a_gru_needs_bounds_of_the_states():
    bounded = CELLS["gru"].Dynamics(ACTIVATIONS["tanh"], drawn("gru"))
    assert 1.0 < bounded.step_bound(1.0) < np.inf
    unbounded = CELLS["gru"].Dynamics(ACTIVATIONS["relu"], drawn("gru"))
    assert np.isnan(unbounded.step_bound(1.0))
    assert np.isnan(CELLS["lstm"].Dynamics(ACTIVATIONS["tanh"], drawn("lstm")).step_bound(1.0))
