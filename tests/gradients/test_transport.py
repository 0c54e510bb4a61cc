"""Transport against Jacobian products, the worst-case bound and closed forms."""

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import bounds, contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from naive import draw_batch

LAST = np.arange(naive.STEPS) == naive.STEPS - 1


def measured(activation, net, inputs, targets, loss_mask):
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, loss_mask
    )
    return path, contributions.by_distance(path)


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


@pytest.mark.parametrize("gain", [1.2, np.sqrt(2.0), 1.65])
def test_relu_neither_shrinks_nor_grows_at_a_gain_of_the_root_of_two(gain):
    """Half of the units are on, so that a step takes g^2 / 2 of the squared signal.

    Over ten nets, to three standard errors and 2/N, the order of what is left out.
    """
    size, draws, farthest = 200, 10, 8
    rng = np.random.default_rng(1)
    slopes = np.empty(draws)
    for i in range(draws):
        net = {
            "W_hh": rng.normal(0.0, gain / np.sqrt(size), (size, size)),
            "W_hx": 5.0 * rng.standard_normal((size, 50)),
            "b_h": np.zeros(size),
            "W_s": 0.01 * rng.standard_normal((3, size)),
            "b_s": np.zeros(3),
        }
        inputs = rng.integers(0, 50, (farthest + 2, 8))
        last = np.arange(len(inputs)) == len(inputs) - 1
        _, result = measured("relu", net, inputs, np.zeros_like(inputs), last)
        slopes[i] = np.log(10.0) * result.log10_transport[farthest] / farthest
    error = slopes.std(ddof=1) / np.sqrt(draws)
    assert error < 0.01
    assert abs(slopes.mean() - np.log(gain / np.sqrt(2.0))) < 3 * error + 2 / size
