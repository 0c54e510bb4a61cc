"""What is measured on one net, against loops over all pairs, NumPy on tiny nets, and by hand."""

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import contributions, forward_pass, measurement
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from naive import OUTPUTS, SIZE, STEPS, SYMBOLS, draw_batch

DENSE = np.ones(STEPS, dtype=bool)
every = pytest.mark.parametrize("activation", naive.NAMES)
quiet = pytest.mark.filterwarnings("error")
LN10 = np.log(10.0)


def batch_of(inputs, targets, loss_mask=None):
    mask = np.ones(len(inputs), dtype=bool) if loss_mask is None else loss_mask
    return {"inputs": inputs, "targets": targets, "loss_mask": mask}


def measured(activation, net, inputs, targets, loss_mask=None):
    probe = batch_of(inputs, targets, loss_mask)
    return measurement.measure(rnn.Dynamics(ACTIVATIONS[activation], net), probe)


# By distance


@pytest.mark.parametrize("embedding_size", [None, 3])
@quiet
def test_columns_are_the_contributions_of_both_weights(embedding_size):
    """These are tested by themselves, in `test_contributions`."""
    net, *batch = draw_batch(21, embedding_size=embedding_size)
    rows, row = measured("tanh", net, *batch)
    path = forward_pass.trace(rnn.Dynamics(ACTIVATIONS["tanh"], net), *batch, DENSE)
    parts = contributions.by_weight_and_distance(path)
    for prefix, part in {"": parts["W_hh"], "input_": parts["W_hx"]}.items():
        for name in ("contribution", "incoherent"):
            np.testing.assert_array_equal(
                rows[f"{prefix}log10_{name}"], getattr(part, f"log10_{name}")
            )
        for name in ("share", "signed_share", "cosine", "signal_squared", "truncation_bias"):
            np.testing.assert_array_equal(rows[prefix + name], getattr(part, name))
        assert row[f"{prefix}log10_gradient_norm"] == part.log10_gradient_norm
    # The first step pairs with h_0 = 0, but with an input like any other.
    assert rows["contribution"][-1] == 0.0 < rows["input_contribution"][-1]


@pytest.mark.parametrize("radius", [0.1, 0.4, 1.0, 2.0])
@every
def test_horizons_are_those_of_the_columns(activation, radius):
    net, inputs, targets = draw_batch(23, radius=radius, steps=20)
    rows, row = measured(activation, net, inputs, targets)
    for prefix in ("", "input_"):
        reached = np.cumsum(rows[f"{prefix}share"])
        h99 = int(row[f"{prefix}h99"])
        assert reached[h99] >= 0.99 and (reached[:h99] < 0.99).all()
        bias = np.append(rows[f"{prefix}truncation_bias"], 0.0)
        k01 = int(row[f"{prefix}k01"])
        assert (bias[k01:] <= 0.01).all() and bias[k01 - 1] > 0.01
        assert 1 <= k01 <= len(inputs)
        if radius == 0.1:  # far inside of the sequence
            assert h99 < 5 and k01 < 6
            assert not row[f"{prefix}h99_censored"] and not row[f"{prefix}k01_censored"]
        if radius == 2.0 and activation == "linear":
            assert row[f"{prefix}h99_censored"] and row[f"{prefix}k01_censored"]


# The net as a whole


# Where the slope of tanh, sech^2 a, is a tenth of its largest.
EDGE = np.arccosh(np.sqrt(10.0))
# By activation, the pre-activation of every symbol and whether it saturates.
UNITS = {
    "tanh": [(0.0, False), (0.999 * EDGE, False), (1.001 * EDGE, True), (-1.001 * EDGE, True)],
    # A quarter of sech^2 (a / 2), of which the largest is a quarter.
    "sigmoid": [(0.0, False), (1.998 * EDGE, False), (2.002 * EDGE, True), (-2.002 * EDGE, True)],
    "relu": [(1e-9, False), (5.0, False), (-1e-9, True), (-5.0, True)],
    "linear": [(0.0, False), (9.0, False), (-9.0, False), (1e9, False)],
    # The slope falls to -.129 at -sqrt 2, which is more than a tenth.
    "gelu": [(0.0, False), (-np.sqrt(2.0), False), (-0.75, True), (-3.5, True)],
}


@pytest.mark.parametrize("activation", UNITS)
def test_the_saturated_fraction_by_hand(activation):
    """One unit that reads nothing but its input: symbols 2 and 3 are 5 of the 8 read."""
    values, saturated = zip(*UNITS[activation], strict=True)
    net = {
        "W_hh": np.zeros((1, 1)),
        "W_hx": np.array([values]),
        "b_h": np.zeros(1),
        "W_s": np.ones((2, 1)),
        "b_s": np.zeros(2),
    }
    inputs = np.array([[0, 1], [2, 2], [2, 3], [1, 3]])
    _, row = measured(activation, net, inputs, np.zeros_like(inputs))
    assert row["saturated"] == np.array(saturated)[inputs].mean()


@pytest.mark.parametrize("embedding_size", [None, 3])
def test_what_the_mean_field_is_told(embedding_size):
    net, inputs, targets = draw_batch(24, embedding_size=embedding_size)
    _, row = measured("tanh", net, inputs, targets)
    pre_activations = []
    for symbols in inputs.T:
        a, states, _ = naive.forward("tanh", net, symbols)
        pre_activations.append(a - states[:-1] @ net["W_hh"].T)
    assert row["drive_variance"] == pytest.approx(np.square(pre_activations).mean(), rel=1e-12)
    # W_ij ~ N(0, g^2/N) have the mean square g^2/N.
    assert row["gain"] ** 2 / SIZE == pytest.approx(np.square(net["W_hh"]).mean(), rel=1e-13)
    assert row["hidden_size"] == SIZE


@quiet
def test_a_drive_beyond_all_numbers():
    net, inputs, targets = draw_batch(25)
    net["W_hx"] *= 1e160
    _, row = measured("tanh", net, inputs, targets)
    assert row["drive_variance"] == np.inf and np.isfinite(row["gain"])


def test_the_slope_is_a_fit_over_the_first_ten_distances():
    net, inputs, targets = draw_batch(26, steps=20)
    rows, row = measured("tanh", net, inputs, targets)
    distance = np.arange(1, 11)
    fit = np.polyfit(distance, np.log(rows["transport"][distance]), 1)
    assert row["slope"] == pytest.approx(fit[0], rel=1e-10)
    log10_transport = rows["log10_transport"]
    log10_transport[[4, 7]] = -np.inf, np.nan
    kept = np.setdiff1d(distance, [4, 7])
    expected = np.polyfit(kept, log10_transport[kept], 1)[0] * LN10
    assert contributions.transport_slope(log10_transport) == pytest.approx(expected, rel=1e-11)
    # Distances 1 to 3 are as few as make a slope.
    assert np.isfinite(contributions.transport_slope(np.arange(4.0)))
    assert np.isnan(contributions.transport_slope(np.arange(3.0)))


# Spectra


def small_net(seed, size, radius=1.3):
    """A net of few units, all of which stay on; and six sequences of eight steps."""
    rng = np.random.default_rng(seed)
    net = naive.draw_net(rng, size, SYMBOLS, OUTPUTS, radius=radius)
    inputs = rng.integers(0, SYMBOLS, (8, 6))
    return net, batch_of(inputs, rng.integers(0, OUTPUTS, inputs.shape))


def jacobians(activation, net, inputs):
    """J_t of every step and of the first four sequences, (T, 4, N, N)."""
    slopes = [
        naive.SLOPE[activation](naive.forward(activation, net, symbols)[0])
        for symbols in inputs.T[:4]
    ]
    return np.stack(slopes, axis=1)[..., None] * net["W_hh"]


def values(spectra, quantity, distance, column="value"):
    """A column by index."""
    chosen = (spectra["quantity"] == quantity) & (spectra["distance"] == distance)
    assert spectra["index"][chosen].tolist() == list(range(chosen.sum()))
    return spectra[column][chosen]


@quiet
def test_the_exponent_of_a_single_unit_and_its_error():
    net, probe = small_net(32, 1)
    spectra = measurement.jacobian_spectra(rnn.Dynamics(ACTIVATIONS["tanh"], net), probe, [1])
    growth = np.log(abs(jacobians("tanh", net, probe["inputs"])[2:, :, 0, 0])).mean(axis=0)
    assert values(spectra, "lyapunov", 0) == pytest.approx([growth.mean()], rel=1e-12)
    error = growth.std(ddof=1) / np.sqrt(4)
    assert values(spectra, "lyapunov", 0, "standard_error") == pytest.approx([error], rel=1e-10)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign", "linear"])
@quiet
def test_singular_values_are_those_of_the_product(activation):
    """log10 of the last factors' product; that of nine factors does not exist."""
    net, probe = small_net(33, 3)
    distances = [1, 3, 8, 9]
    spectra = measurement.jacobian_spectra(
        rnn.Dynamics(ACTIVATIONS[activation], net), probe, distances
    )
    assert set(spectra["distance"]) == {0, 1, 3, 8}
    factors = jacobians(activation, net, probe["inputs"])
    for distance in distances[:-1]:
        products = np.broadcast_to(np.eye(3), (4, 3, 3))
        for factor in factors[8 - distance :]:
            products = factor @ products
        log10_values = np.log10(np.linalg.svd(products, compute_uv=False))
        # Off by a relative 2e-16 of the largest, which is up to 1e6 times the smallest.
        for column, expected in (
            ("value", log10_values.mean(axis=0)),
            ("standard_error", log10_values.std(axis=0, ddof=1) / np.sqrt(4)),
        ):
            found = values(spectra, "singular", distance, column)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@quiet
def test_spectra_of_more_units_than_exponents_are_taken():
    """Of a scaled orthogonal matrix all exponents are ln r, all singular values r^d."""
    net, probe = small_net(34, 12)
    net["W_hh"] = 0.8 * np.linalg.qr(net["W_hh"])[0]
    spectra = measurement.jacobian_spectra(rnn.Dynamics(ACTIVATIONS["linear"], net), probe, [5])
    expected = [*[np.log(0.8)] * 8, *[5 * np.log10(0.8)] * 12]
    np.testing.assert_allclose(spectra["value"], expected, rtol=1e-13)


@quiet
def test_spectra_of_one_sequence_and_of_units_that_are_off():
    net, probe = small_net(35, 3)
    one = batch_of(probe["inputs"][:, :1], probe["targets"][:, :1])
    spectra = measurement.jacobian_spectra(rnn.Dynamics(ACTIVATIONS["tanh"], net), one, [1])
    assert np.isfinite(spectra["value"]).all() and np.isnan(spectra["standard_error"]).all()
    net["b_h"] -= 1e3
    spectra = measurement.jacobian_spectra(rnn.Dynamics(ACTIVATIONS["relu"], net), probe, [1, 8])
    assert len(spectra["value"]) == 9 and np.isneginf(spectra["value"]).all()


# Influence

NEAR = list(range(9))


@pytest.mark.parametrize(
    ("steps", "first", "relevant", "expected"),
    [
        # 8 (19/8)^(n/5): 9.5, 11.3, 13.4, 16.0, 19; and 8 (38/8)^(n/5): 10.9, 14.9, 20.4, 27.8, 38.
        (40, 0, None, [*NEAR, 10, 11, 13, 16, 19]),
        (40, 0, 10, [*NEAR, 9, 10, 11, 13, 16, 19]),
        (40, 10, 10, [*NEAR, 9, 10, 11, 13, 16, 19]),
        (40, 0, 15, [*NEAR, 10, 11, 13, 14, 15, 16, 19]),
        (40, 0, 20, [*NEAR, 10, 11, 13, 16, 19, 20]),
        (40, 39, None, [*NEAR, 11, 15, 20, 28, 38]),
        (40, 39, 36, [*NEAR, 11, 15, 20, 28, 35, 36, 38]),
        (12, 4, 4, [*range(6)]),
        (12, 11, 10, [*range(11)]),
        (3, 0, 1, [0, 1]),
        (2, 0, None, [0]),
        (2, 1, 1, [0]),
        (1, 0, None, []),
    ],
)
def test_distances_beyond_which_inputs_are_replaced(steps, first, relevant, expected):
    """A loss from step `first` to the last, counted from 0."""
    mask = np.arange(steps) >= first
    assert measurement.influence_distances(mask, relevant).tolist() == expected


def delay_line(lag, symbols=3):
    """A linear net that hands every symbol on from block to block and says the last one."""
    size = symbols * (lag + 1)
    return {
        "W_hh": np.eye(size, k=-symbols),
        "W_hx": np.eye(size, symbols),
        "b_h": np.zeros(size),
        "W_s": 4.0 * np.eye(symbols, size, k=size - symbols),
        "b_s": np.zeros(symbols),
    }


def echo(lag, sequences, steps=40, seed=0):
    inputs = np.random.default_rng(seed).integers(0, 3, (steps, sequences))
    return batch_of(inputs, np.roll(inputs, lag, axis=0), np.arange(steps) >= lag)


@pytest.mark.parametrize(("relevant", "reach"), [(12, 12.0), (None, 13.0)])
@quiet
def test_a_delay_line_reaches_as_far_as_its_lag(relevant, reach):
    """Only where the relevant distance is one of those chosen is the horizon exact.

    Each replaced symbol that differs, two of three, costs the read-out's gain of 4.
    """
    columns, row = measurement.influence(
        rnn.Dynamics(ACTIVATIONS["linear"], delay_line(12)), echo(12, 60), relevant
    )
    assert row == {"forward_horizon": reach, "forward_horizon_censored": False}
    needed = columns["distance"] < 12
    # 60 sequences of 19 targets: a standard error of 0.06 at most.
    np.testing.assert_allclose(columns["rise"][needed], 4.0 * 2 / 3, rtol=0, atol=0.3)
    np.testing.assert_allclose(columns["rise"][~needed], 0.0, rtol=0, atol=1e-13)
    assert (columns["standard_error"][needed] > 0.0).all()


def test_noise_has_no_horizon():
    """Random targets: inputs change the predictions, but make them neither better nor worse."""
    net, inputs, targets = draw_batch(46, batch=100)
    columns, row = measurement.influence(
        rnn.Dynamics(ACTIVATIONS["tanh"], net), batch_of(inputs, targets), None
    )
    assert 0.0 < columns["rise"].max() < 3.0 * columns["standard_error"][columns["rise"].argmax()]
    assert np.isnan(row["forward_horizon"]) and row["forward_horizon_censored"] is False


@pytest.mark.parametrize(("steps", "sequences"), [(9, 1), (1, 5)])
@quiet
def test_nothing_to_replace_or_to_replace_it_with(steps, sequences):
    net, inputs, targets = draw_batch(42, batch=sequences, steps=steps)
    columns, row = measurement.influence(
        rnn.Dynamics(ACTIVATIONS["tanh"], net), batch_of(inputs, targets), 2
    )
    assert list(columns) == ["distance", "rise", "standard_error"]
    assert [len(column) for column in columns.values()] == [0, 0, 0]
    assert columns["distance"].dtype == np.int64
    assert np.isnan(row["forward_horizon"]) and row["forward_horizon_censored"] is False


def test_a_hundred_sequences_from_the_first_to_the_last():
    """Of 250 the numbers 0, 3, 5 ... 249: those left out do not count, the others do."""
    net, inputs, targets = draw_batch(43, batch=250)

    def rises(*changed):
        other = targets.copy()
        other[:, changed] = (other[:, changed] + 1) % OUTPUTS
        found = measurement.influence(
            rnn.Dynamics(ACTIVATIONS["tanh"], net), batch_of(inputs, other), None
        )
        return found[0]["rise"]

    once, again = rises(), rises()
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(rises(1, 2, 4, 248), once)
    for number in (0, 3, 249):
        assert not np.array_equal(rises(number), once)
