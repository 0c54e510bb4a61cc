"""The contributions of all distances against a double loop over pairs (t, k) of plain numbers."""

from itertools import product

import numpy as np
import pytest

import naive
from gradient_horizon.gradients import contributions, forward_pass
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from naive import BATCH, SIZE, STEPS, draw_batch

MASKS = {
    "dense": np.ones(STEPS, dtype=bool),
    "last": np.arange(STEPS) == STEPS - 1,
    "holes": np.arange(STEPS) % 4 == 2,
}


def brute_force(activation, net, inputs, targets, loss_mask):
    """By weight C_d of every sequence (T, B, N, M) and incoherent sums (T,); log10 transports."""
    steps = len(loss_mask)
    vectors = net.get("embedding", np.eye(net["W_hx"].shape[1]))
    widths = {"W_hh": SIZE, "W_hx": vectors.shape[1]}
    terms = {name: np.zeros((steps, BATCH, SIZE, width)) for name, width in widths.items()}
    incoherent = {name: np.zeros(steps) for name in widths}
    transport = [[] for _ in range(steps)]
    pairs = naive.pairs(activation, net, inputs, targets, loss_mask)
    for (b, t, k), error, g, delta, state in pairs:
        for name, source in {"W_hh": state, "W_hx": vectors[inputs[k, b]]}.items():
            terms[name][t - k, b] += np.outer(delta, source)
            incoherent[name][t - k] += np.linalg.norm(delta) * np.linalg.norm(source)
        with np.errstate(divide="ignore"):
            transport[t - k].append(np.log10(np.linalg.norm(g) / np.linalg.norm(error)))
    return terms, incoherent, transport


def measured(activation, net, inputs, targets, loss_mask):
    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, loss_mask
    )
    return path, contributions.by_distance(path)


def check_columns(result, contribution, incoherent):
    gradient = contribution.sum(axis=0)
    norms = np.linalg.norm(contribution, axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):  # distances no loss reaches back over
        for name, expected in {"contribution": norms, "incoherent": incoherent}.items():
            actual = getattr(result, f"log10_{name}")
            np.testing.assert_allclose(actual, np.log10(expected), rtol=0, atol=1e-12)
        along = (contribution * gradient).sum(axis=(1, 2))
        cosine = along / norms / np.linalg.norm(gradient)
    np.testing.assert_allclose(result.share, norms / norms.sum(), rtol=1e-12)
    np.testing.assert_allclose(result.signed_share, along / (gradient**2).sum(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.cosine, cosine, rtol=0, atol=1e-12)
    assert result.share.sum() == pytest.approx(1.0, rel=1e-13)
    assert result.signed_share.sum() == pytest.approx(1.0, rel=1e-12)
    left = [np.linalg.norm(contribution[d:].sum(axis=0)) for d in range(len(norms))]
    bias = left / np.linalg.norm(gradient)
    np.testing.assert_allclose(result.truncation_bias, bias, rtol=0, atol=1e-12)
    assert 10**result.log10_gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-12)
    assert result.residual < 1e-13


@pytest.mark.parametrize("embedding_size", [None, 4])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("activation", naive.NAMES)
@pytest.mark.filterwarnings("error")
def test_every_column_is_that_of_the_double_loop(activation, mask, embedding_size):
    given = (activation, *draw_batch(1, embedding_size=embedding_size), MASKS[mask])
    terms, incoherent, transport = brute_force(*given)
    path = forward_pass.trace(rnn.Dynamics(ACTIVATIONS[activation], given[1]), *given[2:])
    results = contributions.by_weight_and_distance(path)
    for name, result in results.items():
        contribution = terms[name].sum(axis=1)
        check_columns(result, contribution, incoherent[name])
        alone = (terms[name] ** 2).sum(axis=(1, 2, 3))
        # M_b has no 1/B, the term has.
        squares = BATCH**2 * ((contribution**2).sum(axis=(1, 2)) - alone)
        signal = squares / (BATCH * (BATCH - 1))
        np.testing.assert_allclose(
            result.signal_squared, signal, rtol=1e-11, atol=1e-14 * alone.max()
        )

    for d, values in enumerate(transport):
        if values:
            alive = np.isfinite(values)
            mean = np.mean(np.array(values)[alive]) if alive.any() else -np.inf
            assert result.log10_transport[d] == pytest.approx(mean, rel=0, abs=1e-12)
            assert result.extinct[d] == pytest.approx(1.0 - np.mean(alive), rel=0, abs=1e-15)
        else:
            assert np.isnan(result.log10_transport[d]) and np.isnan(result.extinct[d])

    loss, accuracy = naive.loss_and_accuracy(*given)
    assert path.loss == pytest.approx(loss, rel=1e-13)
    assert path.accuracy == pytest.approx(accuracy, rel=1e-13)


@pytest.mark.parametrize("embedding_size", [None, 4])
@pytest.mark.parametrize("activation", naive.NAMES)
def test_one_distance_at_a_time_or_per_sequence_is_the_same(activation, embedding_size):
    net, inputs, targets = draw_batch(9, embedding_size=embedding_size)
    path, alone = measured(activation, net, inputs, targets, MASKS["dense"])
    assert np.isnan(alone.signal_squared).all()
    both = contributions.by_weight_and_distance(path)["W_hh"]
    for name in ("log10_contribution", "cosine", "truncation_bias", "log10_transport"):
        np.testing.assert_allclose(getattr(alone, name), getattr(both, name), rtol=0, atol=1e-12)


def test_the_signal_is_unbiased():
    """Over all batches that a pool can give, its mean is the squared norm of the pool's own term.

    Each of the pool's sequences is as likely as the others, so that this is their expectation.
    """
    pool, size = 5, 3
    net, inputs, targets = draw_batch(10, batch=pool)
    estimates = []
    for drawn in product(range(pool), repeat=size):
        given = net, inputs[:, drawn], targets[:, drawn], MASKS["dense"]
        path = forward_pass.trace(rnn.Dynamics(ACTIVATIONS["tanh"], net), *given[1:])
        part = contributions.by_weight_and_distance(path, ["W_hh"])["W_hh"]
        estimates.append(part.signal_squared)
    _, whole = measured("tanh", net, inputs, targets, MASKS["dense"])
    expected = 10.0 ** (2 * whole.log10_contribution)
    np.testing.assert_allclose(np.mean(estimates, axis=0), expected, rtol=1e-11)
    assert (np.std(estimates, axis=0)[:-1] > 0.1 * expected[:-1]).all()


@pytest.mark.parametrize("weight", ["W_hh", "W_hx"])
@pytest.mark.parametrize(
    ("activation", "mask"),
    [*((activation, "holes") for activation in naive.NAMES), ("tanh", "dense"), ("tanh", "last")],
)
def test_backpropagation_is_the_gradient_of_the_loss(activation, mask, weight):
    net, inputs, targets = draw_batch(3, embedding_size=4)

    def loss():
        return naive.loss_and_accuracy(activation, net, inputs, targets, MASKS[mask])[0]

    path = forward_pass.trace(
        rnn.Dynamics(ACTIVATIONS[activation], net), inputs, targets, MASKS[mask]
    )
    gradient, exponent = contributions.gradient_through_time(path)[weight]
    expected = naive.central_differences(loss, net[weight])
    assert abs(expected).max() > 1e-3
    np.testing.assert_allclose(np.ldexp(gradient, exponent), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("activation", naive.NAMES)
def test_a_pass_gives_states_slopes_and_errors(activation):
    given = net, inputs, targets = draw_batch(4)
    path, _ = measured(activation, *given, MASKS["holes"])
    states = np.ldexp(path.unrolled.state, path.unrolled.exponent[..., None])
    for b in range(BATCH):
        pre_activations, expected, logits = naive.forward(activation, net, inputs[:, b])
        np.testing.assert_allclose(states[:, b], expected, rtol=1e-12)
        slopes = naive.SLOPE[activation](pre_activations)
        np.testing.assert_allclose(path.slope[:, b], slopes, rtol=1e-12)
        for t in range(STEPS):

            def loss(logits=logits, t=t, b=b):
                return naive.cross_entropy(logits[t], targets[t, b])

            by_logits = naive.central_differences(loss, logits[t])
            error = MASKS["holes"][t] * net["W_s"].T @ by_logits / (MASKS["holes"].sum() * BATCH)
            np.testing.assert_allclose(path.error[t, b], error, rtol=0, atol=1e-11)


def test_errors_keep_their_digits_where_the_net_is_sure():
    """With two classes e_t = (1 - p) (w_other - w_right) / count, however near p is to 1."""
    net, inputs, targets = draw_batch(5)
    targets = np.minimum(targets, 1)
    net["W_s"], net["b_s"] = net["W_s"][:2], np.array([50.0, 0.0])
    path, _ = measured("tanh", net, inputs, targets, MASKS["dense"])
    for b in range(BATCH):
        _, states, _ = naive.forward("tanh", net, inputs[:, b])
        for t in range(STEPS):
            right, other = targets[t, b], 1 - targets[t, b]
            gap = (net["W_s"][right] - net["W_s"][other]) @ states[t + 1]
            gap += net["b_s"][right] - net["b_s"][other]
            wrong = 1.0 / (1.0 + np.exp(gap))
            error = wrong * (net["W_s"][other] - net["W_s"][right]) / (STEPS * BATCH)
            np.testing.assert_allclose(path.error[t, b], error, rtol=1e-11)
