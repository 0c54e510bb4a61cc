"""PyTorch's recurrent modules in plain loops, with every recurrent edge scaled on the way back.

With the gradient that passes a recurrent edge multiplied by z, and the forward pass as it is, the
gradient becomes the polynomial sum over d of z^d C_d: distances are told apart without any notion
of distance.  Its coefficients come from as many values of z as there are distances.
"""

import numpy as np
import torch
from numpy.polynomial import chebyshev, polynomial


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, z):
        ctx.z = z
        return value.clone()

    @staticmethod
    def backward(ctx, signal):
        return ctx.z * signal, None


def edge(value, z):
    """Return a state as the next step reads it."""
    return _Scaled.apply(value, z)


def step(module, weights, x, state):
    """One step, as PyTorch's documentation writes it: x (B, D), state a tuple."""
    w_ih, w_hh = weights["weight_ih"], weights["weight_hh"]
    nothing = x.new_zeros(len(w_ih))
    a = x @ w_ih.T + weights.get("bias_ih", nothing)
    h = state[0] @ w_hh.T + weights.get("bias_hh", nothing)
    if isinstance(module, torch.nn.LSTM | torch.nn.LSTMCell):
        i, f, g, o = (a + h).chunk(4, -1)
        c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        out = torch.sigmoid(o) * torch.tanh(c)
        return (out @ weights["weight_hr"].T if "weight_hr" in weights else out), c
    if isinstance(module, torch.nn.GRU | torch.nn.GRUCell):
        (a_r, a_z, a_n), (h_r, h_z, h_n) = a.chunk(3, -1), h.chunk(3, -1)
        update = torch.sigmoid(a_z + h_z)
        new = torch.tanh(a_n + torch.sigmoid(a_r + h_r) * h_n)
        return ((1 - update) * new + update * state[0],)
    return (torch.relu(a + h) if module.nonlinearity == "relu" else torch.tanh(a + h),)


def weights_of(module, suffix=""):
    """Return the weights of a layer and direction, by role."""
    roles = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    found = {role: getattr(module, role + suffix, None) for role in roles}
    return {role: value for role, value in found.items() if isinstance(value, torch.Tensor)}


def run(module, x, state=None, lengths=None, z=1.0):
    """Run nn.RNN, GRU or LSTM: x (T, B, D), states (layers x directions, B, .), as PyTorch.

    Returns
    -------
    The output (T, B, .), zero beyond a sequence's length, and the final states.
    """
    steps, batch = x.shape[:2]
    lengths = [steps] * batch if lengths is None else [int(length) for length in lengths]
    directions = 2 if module.bidirectional else 1
    finals = []
    for level in range(module.num_layers):
        outputs = []
        for direction in range(directions):
            weights = weights_of(module, f"_l{level}" + "_reverse" * direction)
            row = level * directions + direction
            columns, last = [], []
            for b in range(batch):
                now = _start(module, x, state, row, b)
                given = [None] * steps
                order = range(lengths[b])
                for count, k in enumerate(reversed(order) if direction else order):
                    before = tuple(edge(part, z) for part in now) if count else now
                    now = step(module, weights, x[k, b : b + 1], before)
                    given[k] = now[0]
                nothing = torch.zeros_like(now[0])
                columns.append(torch.cat([nothing if y is None else y for y in given]))
                last.append(now)
            outputs.append(torch.stack(columns, 1))
            finals.append([torch.cat(parts) for parts in zip(*last, strict=True)])
        x = torch.cat(outputs, -1)
    return x, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def _start(module, x, state, row, b):
    if state is not None:
        return tuple(part[row, b : b + 1] for part in state)
    size = getattr(module, "proj_size", 0) or module.hidden_size
    start = [x.new_zeros(1, size)]
    if isinstance(module, torch.nn.LSTM):
        start.append(x.new_zeros(1, module.hidden_size))
    return tuple(start)


def coefficients(gradient, distances):
    """Return C_d, (distances, ...), of gradient(z) = sum over d of z^d C_d."""
    nodes = np.cos(np.pi * (np.arange(distances) + 0.5) / distances)
    values = np.array([np.asarray(gradient(float(z))) for z in nodes])
    fitted = chebyshev.chebfit(nodes, values.reshape(distances, -1), distances - 1)
    powers = np.zeros_like(fitted)
    for column in range(fitted.shape[1]):
        plain = chebyshev.cheb2poly(fitted[:, column])
        powers[: len(plain), column] = plain
    assert np.allclose(polynomial.polyval(1.0, powers), powers.sum(0))
    return powers.reshape(values.shape)


def check(rows, contributions):
    """Compare rows of the table of distances with what C_d, (D, ...), of one weight give."""
    c = np.asarray(contributions).reshape(len(contributions), -1)
    total, before = c.sum(0), np.cumsum(c, axis=0) - c
    norms, size = np.linalg.norm(c, axis=1), np.linalg.norm(total)
    # Rounding is relative to what is added up, also where it cancels.
    for column, right, scale in (
        ("contribution", norms, norms.sum()),
        ("share", norms / norms.sum(), 1.0),
        ("signed_share", c @ total / size**2, norms.sum() / size),
        ("truncation_bias", np.linalg.norm(total - before, axis=1) / size, norms.sum() / size),
    ):
        whole = np.append(rows[column], np.zeros(len(c) - len(rows)))
        np.testing.assert_allclose(whole, right, rtol=0, atol=1e-9 * scale, err_msg=column)


def compare(model, closure, distances, module, scaled, **options):
    """Measure a closure live, and compare with a scaled one, of z, that does the same.

    Returns
    -------
    The report.
    """
    import gradient_horizon as gh

    answer = gh.live.measure(model, closure, tolerance=0.0, progress=False, **options)
    rows = answer.distances[answer.distances["module"] == module]
    named = dict(model.named_parameters())
    parameters = set(rows["parameter"]) - {"all", "h0", "c0"}
    assert parameters
    for parameter in parameters:
        whole = f"{module}.{parameter}"
        weight = named[whole if whole in named else parameter]

        def gradient(z, weight=weight):
            return torch.autograd.grad(scaled(z), weight)[0].numpy()

        check(rows[rows["parameter"] == parameter], coefficients(gradient, distances))
    return answer
