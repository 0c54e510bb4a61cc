"""Nets for the tests of the audit, and the verdicts that they are known to lead to."""

import numpy as np

import naive
from gradient_horizon.audit import audited_net, equations, jacobians
from gradient_horizon.audit.claims import CORRECTED, FAILS, HOLDS, AuditedClaim
from gradient_horizon.networks.activations import ACTIVATIONS

MEASURES = equations.EQUATIONS | jacobians.JACOBIANS
VERDICTS = {
    **dict.fromkeys((2, 3, 5, 9, 10, 11), HOLDS),
    **dict.fromkeys((1, 4, 6, 7, 8, 14), CORRECTED),
    12: FAILS,
}


def draw(activation="tanh", seed=0, embedding_size=3, **kinds):
    """A random net with 9 steps of 4 sequences, all of which carry a loss."""
    weights, inputs, targets = naive.draw_batch(seed, embedding_size=embedding_size, **kinds)
    mask = np.ones(len(inputs), dtype=bool)
    return audited_net.Net(ACTIVATIONS[activation], weights, inputs, targets, mask)


def verdict(number, net, **readings):
    return AuditedClaim(number, MEASURES[number](net, **readings)).verdict


def verdicts(net):
    return {number: verdict(number, net) for number in MEASURES}
