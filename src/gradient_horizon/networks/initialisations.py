"""Initial recurrent matrices whose spectral radius is exactly the asked one."""

import numpy as np

INCOMING = 15  # connections of a unit of a sparse net


def spectral_radius(matrix: np.ndarray) -> float:
    """Largest modulus of the eigenvalues of a square matrix (N, N)."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def largest_singular_value(matrix: np.ndarray) -> float:
    """sigma_max, the 2-norm, of a matrix (N, D)."""
    return float(np.linalg.norm(matrix, 2))


def gaussian(rng: np.random.Generator, size: int, radius: float) -> np.ndarray:
    """Independent normal entries, each draw rescaled to the exact spectral radius.

    Parameters
    ----------
    rng : the generator that the draw is taken from.
    size : N, the number of hidden units.
    radius : the spectral radius of the result, above 0.

    Returns
    -------
    (N, N) float64.  Without the rescaling the radius of a draw with variance 1/N is 1 only in
    the limit of large N (Girko's circular law); at N = 32 it scatters by 8 %.
    """
    return _rescaled(rng.standard_normal((size, size)), radius)


def uniform(rng: np.random.Generator, size: int, radius: float) -> np.ndarray:
    """Independent uniform entries, each draw rescaled; parameters and result as of `gaussian`.

    Glorot and Bengio (2010), equation 1, for the distribution; the rescaling makes its width
    irrelevant.
    """
    return _rescaled(rng.uniform(-1.0, 1.0, (size, size)), radius)


def orthogonal(rng: np.random.Generator, size: int, radius: float) -> np.ndarray:
    """Draw an orthogonal matrix by Haar measure, times the radius; parameters as of `gaussian`.

    All N singular values are the radius, and so are the moduli of all eigenvalues (Saxe, McClelland
    and Ganguli, 2014).  The Q of a Gaussian matrix is distributed by Haar measure once the diagonal
    of R is positive (Mezzadri, 2007, section 5); as LAPACK leaves it, it is not.
    """
    turn, triangle = np.linalg.qr(rng.standard_normal((size, size)))
    return turn * np.copysign(radius, np.diagonal(triangle))


def identity(rng: np.random.Generator, size: int, radius: float) -> np.ndarray:
    """Return the identity times the radius (Le, Jaitly and Hinton, 2015); nothing is drawn."""
    return radius * np.eye(size)


def sparse(rng: np.random.Generator, size: int, radius: float) -> np.ndarray:
    """Let every unit read `INCOMING` others, all if there are fewer; rescaled as of `gaussian`.

    Martens (2010), section 5, and Sutskever, Martens, Dahl and Hinton (2013), section 3: the
    weights are standard normal, the units chosen at random, a unit's own state among them.
    """
    order = rng.permuted(np.broadcast_to(np.arange(size), (size, size)), axis=1)
    incoming = order[:, : min(size, INCOMING)]
    matrix = np.zeros((size, size))
    np.put_along_axis(matrix, incoming, rng.standard_normal(incoming.shape), axis=1)
    return _rescaled(matrix, radius)


def orthonormal_columns(batch: int, size: int, columns: int) -> np.ndarray:
    """Orthonormal columns (B, N, k) to start from, random but always the same, all B alike."""
    drawn = np.random.default_rng(0).standard_normal((size, size))[:, :columns]
    return np.broadcast_to(np.linalg.qr(drawn)[0], (batch, size, columns))


def _rescaled(matrix, radius):
    return matrix * (radius / spectral_radius(matrix))


INITIALISATIONS = {
    "gaussian": gaussian,
    "uniform": uniform,
    "orthogonal": orthogonal,
    "identity": identity,
    "sparse": sparse,
}
