"""Activations that a user might bring, good and bad, to be imported as a module of the folder."""

import numpy as np


def mish(a):
    """a tanh(ln(1 + e^a)) (Misra, 2019)."""
    return a * np.tanh(np.logaddexp(a, 0.0))


def mish_slope(a):
    rise = np.tanh(np.logaddexp(a, 0.0))
    return rise + a * (1.0 - rise**2) * (1.0 + np.tanh(a / 2.0)) / 2.0


def rational(a):
    return a / (1.0 + a * a)


def rational_slope(a):
    return (1.0 - a * a) / (1.0 + a * a) ** 2


def ReLU_6(a):
    return np.clip(a, 0.0, 6.0)


def ReLU_6_slope(a):
    return (a > 0) & (a < 6)


def late(a):
    return np.maximum(a - 0.3, 0.0)


def late_slope(a):
    return np.where(a > 0.3, 1, 0)


def asinh(a):
    return np.arcsinh(a)


def asinh_slope(a):
    return 1.0 / np.hypot(1.0, a)


def flank(a):
    """Level on the left, which it approaches like 1/a."""
    return np.where(a > 0.0, a, a / (1.0 + np.abs(a)))


def flank_slope(a):
    return np.where(a > 0.0, 1.0, 1.0 / (1.0 + np.abs(a)) ** 2)


def sine(a):
    return np.sin(a)


def sine_slope(a):
    return np.cos(a)


# What is wrong with the following is what `test_user_activations.BAD` says.


def quadratic(a):
    return a * a


def quadratic_slope(a):
    return 2.0 * a


def cubic(a):
    return a * a * a


def cubic_slope(a):
    return 3.0 * a * a


def half_logarithm(a):
    return np.where(a > 0.0, np.log1p(np.abs(a)), a)


def half_logarithm_slope(a):
    return np.where(a > 0.0, 1.0 / (1.0 + np.abs(a)), 1.0)


def square_root(a):
    return np.sqrt(np.abs(a))


def square_root_slope(a):
    return np.sign(a) / (2.0 * np.sqrt(np.abs(a)))


def overflows(a):
    return a * np.exp(a) / (1.0 + np.exp(a))


def overflows_slope(a):
    return np.ones_like(a)


def narrow(a):
    return a / (1.0 + a**2)  # a^2 leaves float32 beyond 1e19, a^4 already beyond 1e9


def narrow_slope(a):
    return (1.0 - a**4) / (1.0 + a**2) ** 3


def slip(a):
    return np.tanh(a)


def slip_slope(a):
    return 1.0 - np.tanh(a)


def nearly(a):
    return np.tanh(a)


def nearly_slope(a):
    return 1.00001 / np.cosh(np.clip(a, -300.0, 300.0)) ** 2


def at_the_kink(a):
    return np.maximum(a, 0.0)


def at_the_kink_slope(a):
    return np.where(a > 0.0, 1.0, np.where(a == 0.0, 1.1, 0.0))


def step(a):
    return np.where(a > 0.0, 1.0, 0.0)


def step_slope(a):
    return np.zeros_like(a)


def jump(a):
    return np.tanh(a) + np.where(a > 3.3, 0.01, 0.0)


def jump_slope(a):
    return 1.0 / np.cosh(np.clip(a, -300.0, 300.0)) ** 2


def constant(a):
    return np.ones_like(a)


def constant_slope(a):
    return np.zeros_like(a)


def normalised(a):
    return a / np.abs(a).max()


def normalised_slope(a):
    return np.ones_like(a) / np.abs(a).max()


def total(a):
    return a.sum()


def total_slope(a):
    return np.ones_like(a)


def in_place(a):
    a *= 2.0
    return a


def in_place_slope(a):
    return 2.0 * np.ones_like(a)


def scalar(a):
    return a if a > 0.0 else 0.0 * a


def scalar_slope(a):
    return np.ones_like(a)


def listed(a):
    return list(a)


def listed_slope(a):
    return np.ones_like(a)


def imaginary(a):
    return a + 0.0j


def imaginary_slope(a):
    return np.ones_like(a)


def leaves(a):
    raise SystemExit("bye\nbye")


def leaves_slope(a):
    return np.ones_like(a)


def alone(a):
    return a


word = "no function"
word_slope = mish_slope
