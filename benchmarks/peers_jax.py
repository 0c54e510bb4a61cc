"""The same work in JAX, in several forms each: whole steps under `jit`, recurrences by `scan`."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
from workloads import LARGEST_NORM, LEARNING_RATE, Workload, draw

jax.config.update("jax_enable_x64", True)


def _loss(net, symbols, wanted, indexed: bool, unroll: int):
    """Mean cross-entropy of one net; the target's logit by index, or by comparison (no scatter)."""
    drive = (net["embedding"] @ net["W_hx"].T + net["b_h"])[symbols]
    transposed = net["W_hh"].T

    def advance(state, now):
        state = jnp.tanh(now + state @ transposed)
        return state, state

    _, states = jax.lax.scan(advance, jnp.zeros_like(drive[0]), drive, unroll=unroll)
    logits = states @ net["W_s"].T + net["b_s"]
    if indexed:
        right = jnp.take_along_axis(logits, wanted[..., None], axis=-1)[..., 0]
    else:
        hit = jnp.arange(logits.shape[-1]) == wanted[..., None]
        right = jnp.where(hit, logits, 0.0).sum(axis=-1)
    return (jax.nn.logsumexp(logits, axis=-1) - right).mean()


def _update(net, symbols, wanted, indexed, unroll):
    """One net after one step."""
    slopes = jax.grad(_loss)(net, symbols, wanted, indexed, unroll)
    norm = jnp.sqrt(sum(jnp.vdot(slope, slope) for slope in slopes.values()))
    factor = LEARNING_RATE * jnp.minimum(1.0, LARGEST_NORM / norm)
    return {name: net[name] - factor * slopes[name] for name in net}


def training(workload: Workload, dtype: str) -> Iterator[tuple[str, Callable, Callable]]:
    """Yield, for every form, its name, a function that trains one step, and one for the weights."""
    arrays, inputs, targets = draw(workload)
    population = range(workload.population)
    forms = product(("vmap", "loop"), ("indexed", "compared"), (1, 5))
    for over_nets, loss, unroll in forms:
        update = partial(_update, indexed=loss == "indexed", unroll=unroll)
        nets = {name: jnp.asarray(array, dtype) for name, array in arrays.items()}
        symbols, wanted = (jnp.asarray(part.transpose(2, 0, 1)) for part in (inputs, targets))
        if over_nets == "vmap":
            step = jax.jit(jax.vmap(update), donate_argnums=0)
        else:
            nets = [{name: array[p] for name, array in nets.items()} for p in population]
            symbols, wanted = list(symbols), list(wanted)
            step = jax.jit(partial(_each, update), donate_argnums=0)
        held = [nets]

        def run(held=held, step=step, symbols=symbols, wanted=wanted):
            held[0] = jax.block_until_ready(step(held[0], symbols, wanted))

        def weights(held=held, over_nets=over_nets):
            if over_nets == "vmap":
                return {name: np.array(array) for name, array in held[0].items()}
            return {name: np.stack([net[name] for net in held[0]]) for name in arrays}

        yield f"{over_nets}, {loss}, unroll {unroll}", run, weights


def _each(update, nets, symbols, wanted):
    """Update every net of a list."""
    return [update(*given) for given in zip(nets, symbols, wanted, strict=True)]


def _pass(net, symbols, wanted, shift):
    """Loss of every step (T,) with `shift` (T, B, N) added to the pre-activations; and states."""
    drive = (net["embedding"] @ net["W_hx"].T + net["b_h"])[symbols] + shift
    transposed = net["W_hh"].T

    def advance(state, now):
        state = jnp.tanh(now + state @ transposed)
        return state, state

    start = jnp.zeros_like(drive[0])
    _, states = jax.lax.scan(advance, start, drive)
    return _step_losses(net, states, wanted), jnp.concatenate([start[None], states])


def _step_losses(net, states, wanted):
    logits = states @ net["W_s"].T + net["b_s"]
    right = jnp.take_along_axis(logits, wanted[..., None], axis=-1)[..., 0]
    return (jax.nn.logsumexp(logits, axis=-1) - right).sum(axis=1) / wanted.size


def _by_jacobian(net, symbols, wanted, steps):
    """Reverse-mode Jacobian of all losses by all pre-activations, (T, T, B, N)."""
    shift = jnp.zeros((*symbols.shape, len(net["b_h"])))
    delta, states = jax.jacrev(partial(_pass, net, symbols, wanted), has_aux=True)(shift)
    slope = 1.0 - states[1:] ** 2
    deltas = [jnp.diagonal(delta, -d).transpose(2, 0, 1) for d in range(steps)]
    # g = delta / phi', exact here: tanh is far from saturation.
    columns = [_columns(deltas[d] / slope[: steps - d], deltas[d], states) for d in range(steps)]
    return _with_transport(columns)


def _by_lag(net, symbols, wanted, steps):
    """The recursion down the distances, unrolled: arrays get shorter with the distance."""
    _, states = _pass(net, symbols, wanted, 0.0)
    signal = jax.grad(lambda h: _step_losses(net, h, wanted).sum())(states[1:])
    slope = 1.0 - states[1:] ** 2
    columns = []
    for d in range(steps):
        delta = slope[: steps - d] * signal
        columns.append(_columns(signal, delta, states))
        signal = (delta @ net["W_hh"])[1:]
    return _with_transport(columns)


def _columns(signal, delta, states):
    """One distance: norm of C_d, log10 norms of the signals, incoherent sum."""
    before = states[: len(delta)]
    term = jnp.einsum("tbi,tbj->ij", delta, before)
    norms = jnp.linalg.norm(delta, axis=-1) * jnp.linalg.norm(before, axis=-1)
    size = jnp.log10(jnp.linalg.norm(signal, axis=-1))
    return jnp.linalg.norm(term), size, norms.sum()


def _with_transport(columns):
    norms, sizes, incoherent = zip(*columns, strict=True)
    transport = [(size - sizes[0][d:]).mean() for d, size in enumerate(sizes)]
    return jnp.stack(norms), jnp.stack(transport), jnp.stack(incoherent)


def _by_scan(net, symbols, wanted, steps):
    """The recursion as a `scan`: arrays of one length, zeros moving in."""
    _, states = _pass(net, symbols, wanted, 0.0)
    signal = jax.grad(lambda h: _step_losses(net, h, wanted).sum())(states[1:])
    slope = 1.0 - states[1:] ** 2
    start = jnp.log10(jnp.linalg.norm(signal, axis=-1))
    norm_before = jnp.linalg.norm(states[:-1], axis=-1)
    row = jnp.arange(steps)

    def farther(signal, d):
        delta = slope * signal
        term = jnp.einsum("tbi,tbj->ij", delta, states[:-1])
        now = jnp.log10(jnp.linalg.norm(signal, axis=-1))
        ratio = jnp.where(row[:, None] < steps - d, now - jnp.roll(start, -d, axis=0), 0.0)
        transport = ratio.sum() / ((steps - d) * symbols.shape[1])
        incoherent = (jnp.linalg.norm(delta, axis=-1) * norm_before).sum()
        signal = jnp.concatenate([(delta @ net["W_hh"])[1:], jnp.zeros_like(signal[:1])])
        return signal, (jnp.linalg.norm(term), transport, incoherent)

    return jax.lax.scan(farther, signal, row)[1]


DECOMPOSITIONS = {"jacrev": _by_jacobian, "lag, scan": _by_scan, "lag, unrolled": _by_lag}


def decomposition(workload: Workload) -> Iterator[tuple[str, Callable]]:
    """Yield, for every form, its name and a function that takes one net's gradient apart."""
    arrays, inputs, targets = draw(workload)
    net = {name: jnp.asarray(array[0]) for name, array in arrays.items()}
    given = net, jnp.asarray(inputs[..., 0]), jnp.asarray(targets[..., 0])
    for name, form in DECOMPOSITIONS.items():
        compiled = jax.jit(partial(form, steps=workload.steps))
        yield name, lambda compiled=compiled: jax.block_until_ready(compiled(*given))
