"""Lyapunov exponents of the driven net, and singular values of products of its Jacobians.

Along h_t = phi(W_hh h_{t-1} + u_t) a small change of the state is carried forward by the Jacobians
J_t = diag(phi'(a_t)) W_hh, and the gradient is carried back by their transposes.  Over d steps both
meet the product J_t J_{t-1} ... J_{t-d+1}, newest on the left: the transport
norm(g_{t,t-d}) / norm(e_t) always lies between the smallest and the largest singular value of that
product.  The exponents are the limits of ln(singular value) / d for large d (Oseledets, 1968), so
that in the long run ln transport falls or rises by the largest exponent a step, unless the errors
e_t have no part along the one direction that does.  Over the few steps of a training sequence the
three still differ: transport is an average over the directions of the errors, the largest exponent
follows the one direction that has grown most so far, and the largest singular value is the worst
case of all directions at these very states.
"""

from collections.abc import Sequence

import numpy as np

from ..networks.initialisations import orthonormal_columns
from ..numerics import scaled

# The power of two of a row of zeros: below that of any other row.
NOTHING = -(2**40)

# Singular values that LAPACK finds with all their bits span somewhat more powers of two than this.
RANGE = 900
PRECISION = 53


def lyapunov_spectrum(
    jacobians: Sequence[np.ndarray],
    discard: int,
    leading: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lyapunov exponents along given trajectories, by QR.

    Orthonormal columns are carried one step and made orthonormal again, J_t Q_{t-1} = Q_t R_t; the
    exponents are the means over t of ln |diagonal of R_t| (Benettin, Galgani, Giorgilli and
    Strelcyn, 1980; Geist, Parlitz and Lauterborn, 1990; Engelken, Wolf and Abbott, 2023, for
    recurrent networks).

    Parameters
    ----------
    jacobians : (T, B, N, N) float64, or a sequence of T (B, N, N): J_t along B trajectories, such
        as diag(phi'(a_t)) W_hh; rows of zeros are allowed.
    discard : how many first steps only turn the columns, which start at random, towards the
        directions that grow most, and do not count; 0 to T-1.
    leading : k, how many of the exponents, from the largest on; all N if None.

    Returns
    -------
    exponents : (k,), natural logarithm per step, over all trajectories and counted steps, sorted
        downwards: of some that are closer than their errors the first tends to be too large, which
        `leading=1` avoids.  -inf where one of the trajectories loses so many directions that none
        is left for it, such as to ReLU units that are off.
    standard_errors : (k,), from the scatter of the B trajectories' means, taken for independent:
        what all share, such as too short a `discard`, does not show.  0 for an exponent of -inf,
        which no more data can change; nan if there is one trajectory only.

    Notes
    -----
    With all N columns the exponents add up to the mean of ln |det J_t|, however many steps there
    are.  A W_hh of deficient rank shows as an exponent near ln(2**-53), and not as -inf: its last
    direction is filled up by rounding.
    """
    steps, (batch, size, _) = len(jacobians), jacobians[0].shape
    leading = size if leading is None else leading
    basis = orthonormal_columns(batch, size, leading)
    growth = np.empty((steps - discard, batch, leading))
    for t in range(steps):
        turned, triangle = _carry(jacobians[t], basis)
        basis = turned
        if t >= discard:
            basis, stretching = _without_lost(turned, triangle)
            with np.errstate(divide="ignore"):
                growth[t - discard] = np.log(stretching)
    exponents = growth.mean(axis=(0, 1))
    errors = _standard_errors(growth, exponents)
    order = np.argsort(-exponents, kind="stable")
    return exponents[order], errors[order]


def _carry(jacobian, basis):
    """QR decomposition of J (B, N, N) times columns (B, N, k): Q and R.

    The largest rows are eliminated first (Cox and Higham, 1998): so small slopes do not drown in
    the rounding of large ones, and where fewer rows than columns are not zero, the diagonal of R
    ends in exact zeros.
    """
    image = jacobian @ basis
    order = np.argsort(-np.abs(image).max(axis=2), axis=1, kind="stable")
    order += image.shape[1] * np.arange(len(image))[:, None]
    rows = image.reshape(-1, image.shape[2])
    rows[order], triangle = np.linalg.qr(rows[order])
    return image, triangle


def _without_lost(basis, triangle):
    """Columns of which those that R maps to zero are zero for good, and |diagonal of R|."""
    stretching = np.abs(np.diagonal(triangle, axis1=1, axis2=2))
    return basis * (stretching > 0.0)[:, None], stretching


def _standard_errors(growth, exponents):
    """Standard errors of the means of `growth` (T, B, k), from the scatter of the trajectories."""
    steps, batch, _ = growth.shape
    errors = np.zeros_like(exponents)
    finite = np.isfinite(exponents)
    sums = np.add.reduceat(growth[..., finite], [0])[0]  # a plain sum rounds otherwise
    squares = np.square(sums - steps * exponents[finite]).sum(axis=0)
    correction = batch / (batch - 1) if batch > 1 else np.nan
    errors[finite] = np.sqrt(correction * squares) / (steps * batch)
    return errors


def jacobian_log10_singular_values(jacobians: Sequence[np.ndarray], distance: int) -> np.ndarray:
    """log10 of the singular values of J_T J_{T-1} ... J_{T-d+1} of every trajectory.

    In a product that is multiplied out, singular values below 1e-16 of the largest are rounding
    errors.  Here it is kept as an orthogonal matrix times a triangle (Stewart, 1995) whose rows
    have powers of two of their own.

    Parameters
    ----------
    jacobians : (T, B, N, N) float64, or a sequence of T (B, N, N): J_t along B trajectories, such
        as diag(phi'(a_t)) W_hh; rows of zeros are allowed.
    distance : d, the number of factors; 0 to T.

    Returns
    -------
    (B, N), descending; -inf where a singular value is zero.

    Notes
    -----
    Rounding acts on every J_t as a change of its rows by a relative 2**-53: for nets whose units
    are all coupled the singular values, small or large, are off by about d times that times the
    condition number of the J_t.  Only units that are off give exact zeros: a rank that is lost
    otherwise, such as by a W_hh of deficient rank, leaves a value of the size of rounding errors.
    Where W_hh leaves directions uncoupled, as the identity does, and one of them first falls behind
    another by a factor of 1e16 and then overtakes it, small singular values are lost; and so is
    the smaller of two directions that come 1e300 apart.
    """
    steps, (batch, size, _) = len(jacobians), jacobians[0].shape
    basis = orthonormal_columns(batch, size, size)
    rows, exponent = np.eye(size), np.zeros((batch, size), dtype=np.int64)
    for t in range(steps - distance, steps):
        turned, triangle = _carry(jacobians[t], basis)
        basis, _ = _without_lost(turned, triangle)
        rows, exponent = _times(triangle, rows, exponent)
    rows = np.broadcast_to(rows, (batch, size, size))
    return _log10_singular_values(rows, exponent)


def _times(triangle, rows, exponent):
    """Multiply upper triangles (B, N, N) by rows (B, N, N) with powers of two (B, N)."""
    power = np.maximum.accumulate(exponent[:, ::-1], axis=1)[:, ::-1].copy()
    below = np.minimum(exponent[:, None, :] - power[:, :, None], 0)
    result = np.ldexp(triangle, below) @ rows
    scaled.normalise(result, power)
    power[~result.any(axis=2)] = NOTHING
    return result, power


def _log10_singular_values(rows, exponent):
    """log10 singular values of matrices (B, N, N) whose rows have powers of two (B, N).

    The decomposition of the transpose leaves a triangle in which every entry is about as small as
    the smaller of its row's and its column's singular values (Stewart, 1999): of such a matrix
    LAPACK, which reduces it to a bidiagonal one and applies the quotient-difference algorithm
    (Fernando and Parlett, 1994), finds small singular values with as many digits as large ones.

    Each further round shrinks what couples the rows above a gap in their sizes with those below
    it by that gap; with so many rounds the matrix falls apart, to all digits, at every gap that is
    so large that the rows between two gaps never span more than `RANGE`.
    """
    batch, size, _ = rows.shape
    gap = RANGE / max(size - 1, 1)
    for _ in range(1 + int(PRECISION / (2.0 * gap))):
        rows, exponent = _largest_first(rows, exponent)
        triangle = np.linalg.qr(rows.swapaxes(1, 2), mode="r")
        rows, exponent = _times(triangle, np.eye(size), exponent)
    rows, exponent = _largest_first(rows, exponent)
    result = np.empty((batch, size))
    for matrix, power, log10_values in zip(rows, exponent, result, strict=True):
        starts = np.flatnonzero(np.diff(power) <= -gap) + 1
        for run in np.split(np.arange(size), starts):
            top = power[run[0]]
            block = np.ldexp(matrix[run], (power[run] - top)[:, None])
            with np.errstate(divide="ignore"):
                log10_values[run] = np.log10(np.linalg.svd(block, compute_uv=False))
            log10_values[run] += top * scaled.LOG10_OF_2
    return -np.sort(-result, axis=1)


def _largest_first(rows, exponent):
    order = np.argsort(-exponent, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order[..., None], axis=1)
    return ordered, np.take_along_axis(exponent, order, axis=1)
