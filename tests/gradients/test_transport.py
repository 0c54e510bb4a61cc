"""Transport against Jacobian products, the worst-case bound and closed forms."""

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import bounds, contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from gradient_horizon.networks.initialisations import gaussian
from naive import draw_batch

LAST = np.arange(naive.STEPS) == naive.STEPS - 1


def measured(activation, net, inputs, targets, loss_mask):
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, loss_mask
    )
    return path, contributions.by_distance(path)


def orthogonal(rng, size):
    return np.linalg.qr(rng.standard_normal((size, size)))[0]


def jacobians(activation, net, inputs):
    """J_t = dh_t / dh_{t-1} for all t of one sequence, by central differences."""
    _, states, _ = naive.forward(activation, net, inputs)
    result = []
    for t, symbol in enumerate(inputs):
        before = states[t].copy()

        def state(before=before, symbol=symbol):
            drive = net["W_hx"][:, symbol] + net["b_h"]
            return naive.PHI[activation](net["W_hh"] @ before + drive)

        columns = [
            naive.central_differences(lambda i=i, state=state: state()[i], before)
            for i in range(len(before))
        ]
        result.append(np.array(columns))
    return result


@pytest.mark.parametrize("activation", naive.NAMES)
def test_transport_is_the_product_of_the_jacobians_newest_on_the_left(activation):
    net, inputs, targets = draw_batch(1, batch=1)
    path, result = measured(activation, net, inputs, targets, LAST)
    steps = jacobians(activation, net, inputs[:, 0])
    error = path.error[-1, 0]
    product = reverse = np.eye(len(error))
    wrong = []
    for d in range(len(inputs)):
        expected = np.linalg.norm(product.T @ error) / np.linalg.norm(error)
        assert 10 ** result.log10_transport[d] == pytest.approx(expected, rel=1e-8)
        wrong.append(abs(np.linalg.norm(reverse.T @ error) / np.linalg.norm(error) / expected - 1))
        # One step farther back joins on the right: J_t J_{t-1} ... J_{k+1}.
        product, reverse = product @ steps[-1 - d], steps[-1 - d] @ reverse
    if activation != "linear":  # whose Jacobians are all the same
        assert max(wrong) > 0.1


@pytest.mark.parametrize("radius", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("activation", naive.NAMES)
def test_no_pair_exceeds_the_worst_case(activation, radius):
    net, inputs, targets = draw_batch(2, radius=radius)
    steps = len(inputs)
    phi = ACTIVATIONS[activation]
    bound = bounds.log10_bound(rnn.Dynamics(phi, net).step_bound(phi.slope_bound), steps)
    dense = np.ones(steps, dtype=bool)
    for (_, t, k), error, g, _, _ in naive.pairs(activation, net, inputs, targets, dense):
        largest = 10.0 ** bound[t - k] * np.linalg.norm(error)
        assert np.linalg.norm(g) <= largest * (1 + 1e-12)
    _, result = measured(activation, net, inputs, targets, dense)
    assert (result.log10_transport <= bound + 1e-12).all()


@pytest.mark.parametrize("activation", naive.NAMES)
def test_a_largest_singular_value_below_the_inverse_slope_suffices_to_vanish(activation):
    """Pascanu, Mikolov and Bengio (2013), section 2.1; for the sigmoid, below 4."""
    net, inputs, targets = draw_batch(3, batch=2, steps=100)
    gamma = {"sigmoid": 0.25}.get(activation, 1.0)
    net["W_hh"] *= 0.9 / gamma / np.linalg.svd(net["W_hh"])[1].max()
    _, result = measured(activation, net, inputs, targets, np.arange(100) == 99)
    distance = np.arange(100)
    assert (result.log10_transport <= distance * np.log10(0.9) + 1e-12).all()
    assert result.log10_transport[99] < -4.5


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_an_orthogonal_matrix_transports_exactly(scale):
    """Linear, W = r Q: every singular value of W^d is r^d."""
    net, inputs, targets = draw_batch(4, batch=3, steps=101)
    net["W_hh"] = scale * orthogonal(np.random.default_rng(0), 6)
    _, result = measured("linear", net, inputs, targets, np.ones(101, dtype=bool))
    ratio = 10 ** (result.log10_transport - np.arange(101) * np.log10(scale))
    np.testing.assert_allclose(ratio, 1.0, rtol=1e-12)


@pytest.mark.parametrize("weight", [0.01, 0.5, 1.0, 2.0, 100.0, -3.0])
def test_shares_of_a_scalar_linear_net_are_flat(weight):
    """x_t = w^t x_0: d x_t / d w has t equal terms (Pascanu et al., 2013, section 2)."""
    steps = 60
    net = {
        "W_hh": np.array([[weight]]),
        "W_hx": np.array([[0.7, 0.0]]),  # only the first symbol drives the net
        "b_h": np.zeros(1),
        "W_s": np.array([[0.3], [-0.4]]),
        "b_s": np.zeros(2),
    }
    inputs = np.array([0] + [1] * (steps - 1))[:, None]
    loss_mask = np.arange(steps) == steps - 1
    # The less likely class: where the net is sure and right the gradient would underflow.
    target = np.full((steps, 1), int(naive.forward("linear", net, inputs[:, 0])[1][-1, 0] > 0))
    _, result = measured("linear", net, inputs, target, loss_mask)
    # The last distance is paired with h_0 = 0.
    np.testing.assert_allclose(result.share, [1 / (steps - 1)] * (steps - 1) + [0.0], rtol=1e-11)
    np.testing.assert_allclose(result.signed_share, result.share, rtol=1e-11)
    slope = np.diff(result.log10_transport)
    np.testing.assert_allclose(slope, np.log10(abs(weight)), rtol=0, atol=1e-12)


def test_the_second_step_of_a_shared_gaussian_matrix():
    """E ||W W v||^2 = g^4 (1 + 2/N^2), W_ij ~ N(0, g^2/N); a fresh W each step would give g^4."""
    size, draws, g = 2, 2500, 0.8
    rng = np.random.default_rng(5)
    net, inputs, targets = draw_batch(5, batch=1, steps=3)
    loss_mask = np.arange(3) == 2
    net["W_s"], net["W_hx"] = net["W_s"][:, :size], net["W_hx"][:size]
    net["b_h"] = net["b_h"][:size]
    squares = np.empty(draws)
    for i in range(draws):
        net["W_hh"] = rng.normal(0.0, g / np.sqrt(size), (size, size))
        _, result = measured("linear", net, inputs, targets, loss_mask)
        squares[i] = 10 ** (2 * result.log10_transport[2])
    error = squares.std() / np.sqrt(draws)
    assert abs(squares.mean() - g**4 * (1 + 2 / size**2)) < 3 * error
    assert squares.mean() - g**4 > 5 * error


def test_saturated_units_are_told_from_zero_slopes():
    """tanh at a pre-activation of 40: sech^2 is 7e-35, while 1 - tanh^2 would be 0."""
    net, inputs, targets = draw_batch(6, batch=1)
    net["b_h"][:] = 40.0
    net["W_hh"], net["W_hx"] = 0.001 * net["W_hh"], 0 * net["W_hx"]
    path, result = measured("tanh", net, inputs, targets, LAST)
    slopes = 4 * np.exp(-2 * (40.0 + net["W_hh"] @ np.ones(6)))
    g = error = path.error[-1, 0]
    for d in range(5):
        expected = np.log10(np.linalg.norm(g) / np.linalg.norm(error))
        assert result.log10_transport[d] == pytest.approx(expected, rel=1e-10, abs=1e-13)
        g = net["W_hh"].T @ (slopes * g)
    assert result.log10_transport[4] < -130


def test_gaussian_matrices_are_what_the_grid_uses():
    """Its transport at initialisation shrinks like the spectral radius in the long run."""
    rng = np.random.default_rng(7)
    net, inputs, targets = draw_batch(7, batch=1, steps=400)
    net["W_hh"] = gaussian(rng, 6, 0.95)
    _, result = measured("linear", net, inputs, targets, np.arange(400) == 399)
    slope = (result.log10_transport[399] - result.log10_transport[99]) / 300
    assert slope == pytest.approx(np.log10(0.95), abs=0.002)
