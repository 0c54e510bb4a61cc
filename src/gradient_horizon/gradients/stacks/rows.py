"""Rows of the tables that say how far back the gradient of a stack reaches."""

from collections.abc import Iterator

import numpy as np

from ..horizon import horizon, truncation_horizon
from .far import in_between
from .joined import joined
from .stack import Place
from .taking_apart import Apart

ALL = "all"


class Rows:
    """A module that has been taken apart, as rows.

    Parameters
    ----------
    module : its name.
    apart : what was found.
    steps : of the longest sequence.
    farthest : how many distances there are, at least; more than steps where directions mix.
    places : by weight, the layer and direction that it belongs to; initial states have none.
    """

    def __init__(
        self, module: str, apart: Apart, steps: int, farthest: int, places: dict[str, Place]
    ):
        self.module, self.apart, self.places, self.length = module, apart, places, steps
        weights = {name: columns for name, columns in apart.columns.items() if name in places}
        self.whole = joined(list(weights.values()))
        self.columns = {ALL: self.whole, **apart.columns}
        self.walked = len(self.whole.share)
        self.steps = max(farthest, self.walked)
        self.sparse = bool((np.diff(apart.distances) > 1).any())
        sizes = [
            10.0 ** (columns.log10_gradient_norm - self.whole.log10_gradient_norm)
            if np.isfinite(self.whole.log10_gradient_norm)
            else 0.0
            for columns in weights.values()
        ]
        rests = [apart.remainder[name] for name in weights]
        self.remainder = {ALL: float(np.linalg.norm(np.multiply(sizes, rests))), **apart.remainder}
        self.signed_from = sum(
            size**2 * apart.signed_from[name] for size, name in zip(sizes, weights, strict=True)
        )
        # A weight without a gradient has nothing to lose.
        biases = [
            size * np.nan_to_num(apart.chunk_bias[name])
            for size, name in zip(sizes, weights, strict=True)
        ]
        self.known_chunk_bias = np.linalg.norm(biases, axis=0)
        self.residual = {ALL: max(apart.residual[name] for name in weights), **apart.residual}

    def distances(self) -> Iterator[dict]:
        """Give columns, (D,) each, for all weights together, for each, and for initial states.

        `contribution` is the Frobenius norm of C_d, `share` its part of the sum of these norms,
        `signed_share` <C_d, G> / norm(G)^2, `cosine` that of the angle between the two,
        `transport` the geometric mean of how a signal is scaled on its way to the weight's layer,
        `truncation_bias` norm(G - C_0 - ... - C_{d-1}) / norm(G).
        """
        for name, columns in self.columns.items():
            with np.errstate(over="ignore", under="ignore"):
                contribution = 10.0**columns.log10_contribution
                transport = 10.0 ** self._log10_transport(name)
            yield {
                "module": self.module,
                "parameter": name,
                "distance": self.apart.distances,
                "contribution": contribution,
                "share": self.share(name)[self.apart.distances],
                "signed_share": columns.signed_share,
                "cosine": columns.cosine,
                "transport": transport,
                "truncation_bias": columns.truncation_bias,
            }

    def _log10_transport(self, name: str) -> np.ndarray:
        rows = self.apart.log10_transport
        place = next(iter(rows)) if name == ALL and len(rows) == 1 else self.places.get(name)
        return rows[place] if place in rows else np.full(self.walked, np.nan)

    def summary(self) -> Iterator[dict]:
        """Give a row for all weights together, for each, and for initial states.

        `h99` is the distance within which 99 % of the contributions arise, `k01` the steps that
        backpropagation has to keep to lose at most 1 % of the gradient; either is a lower bound
        where it is censored.  `residual` is by how much the sum over distances differs from
        the gradient, `remainder` what lies farther back than was walked, both relative to it.
        """
        for name, columns in self.columns.items():
            h99, h99_censored = horizon(self.share(name))
            bias = self.truncation_bias(name)
            k01, k01_censored = truncation_horizon(bias[:-1])
            known = self.complete
            yield {
                "module": self.module,
                "parameter": name,
                "h99": h99,
                "h99_censored": h99_censored or not known,
                "k01": k01,
                "k01_censored": k01_censored or not known,
                "gradient_norm": 10.0**columns.log10_gradient_norm,
                "residual": self.residual[name],
                "remainder": self.remainder[name],
                "distances": self.walked,
                "steps": self.length,
            }

    @property
    def complete(self) -> bool:
        """Whether all that matters was walked: to the end, or to the tolerance."""
        return self.apart.why in ("end", "tolerance", "doubling")

    def share(self, name: str = ALL) -> np.ndarray:
        """Return the share of every distance, (T,): zeros beyond what was walked.

        Where distances were chosen it is read off between them, the logarithm of the contribution
        being linear in that of 1 + d.
        """
        columns = self.columns[name]
        if not self.sparse:
            return self._padded(columns.share, 0.0)
        logs = in_between(self.apart.distances, columns.log10_contribution, self.steps)
        sizes = 10.0 ** (logs - logs.max())
        return sizes / sizes.sum()

    def truncation_bias(self, name: str = ALL) -> np.ndarray:
        """Return what truncating loses, (T + 1,) for k = 0 ... T steps, relative to G.

        Beyond the distances that were walked it is what the last of them left; between chosen ones
        it is read off as the share is.
        """
        if self.sparse:
            known = self.columns[name].truncation_bias
            return np.append(in_between(self.apart.distances, known, self.steps), 0.0)
        bias = self._padded(self.columns[name].truncation_bias, self.remainder[name])
        return np.append(bias, 0.0)

    def angle(self) -> np.ndarray:
        """Return the angle between the truncated gradient and G, (T + 1,) in degrees.

        With a the signed share that is kept and b the truncation bias, the truncated gradient is
        a G and a part at right angles to it of norm sqrt(b^2 - (1-a)^2) norm(G).
        """
        return _angle(self._signed(), self.truncation_bias())

    def _signed(self) -> np.ndarray:
        """Return the signed share of the distances below k, for k = 0 ... T steps."""
        if self.sparse:
            beyond = in_between(self.apart.distances, self.signed_from, self.steps)
            return 1.0 - np.append(beyond, 0.0)
        return np.append(0.0, np.cumsum(self._padded(self.whole.signed_share, 0.0)))

    def chunk_bias(self) -> np.ndarray:
        """Return what training in chunks of k = 0 ... T steps loses, (T + 1,), relative to G.

        The state is carried from chunk to chunk; see `chunks`.  Beyond what was walked, what is
        missing of the sum of partial sums stays, but for what the remainder adds; nan where
        distances were chosen.
        """
        known = self.known_chunk_bias
        k = np.arange(len(known) + 1, self.steps + 1)
        farther = len(known) * known[-1] / k + self.remainder[ALL] * (k - len(known)) / k
        if self.sparse:
            farther[:] = np.nan
        return np.concatenate([[1.0], known, farther])

    def chunk_angle(self) -> np.ndarray:
        """Return the angle between the gradient of chunks and G, (T + 1,) in degrees."""
        k = np.arange(1, self.steps + 1)
        signed = np.append(0.0, np.cumsum(self._signed()[1:]) / k)
        return _angle(signed, self.chunk_bias())

    def truncations(self) -> dict:
        """Give columns for truncation after k = 1 ... steps, of all weights together.

        `kept` is 1 - truncation bias, `angle` in degrees, where every error goes back k steps;
        `chunk_kept` and `chunk_angle` are those of training in chunks of k steps; `cost` is the
        part of the steps that are gone back over, from each.
        """
        k = np.arange(1, self.steps + 1)
        if self.sparse:
            k = np.append(self.apart.distances[1:], self.steps)
        return {
            "module": self.module,
            "k": k,
            "kept": 1.0 - self.truncation_bias()[k],
            "angle": self.angle()[k],
            "chunk_kept": 1.0 - self.chunk_bias()[k],
            "chunk_angle": self.chunk_angle()[k],
            "cost": np.minimum(1.0, k / self.length),
        }

    def _padded(self, values: np.ndarray, fill: float) -> np.ndarray:
        return np.append(values, np.full(self.steps - self.walked, fill))


def _angle(signed: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return angles in degrees, of signed shares and biases for k = 0 ... T."""
    across = np.sqrt(np.maximum(bias**2 - (1.0 - signed) ** 2, 0.0))
    angle = np.degrees(np.arctan2(across, signed))
    angle[0] = np.nan  # no gradient has no direction
    return angle


def half_lives(mean_gates: np.ndarray) -> np.ndarray:
    """Return after how many steps half of a state is left, (N,): -ln 2 / ln(mean gate).

    Parameters
    ----------
    mean_gates : (N,), the mean of the gate that each unit keeps its state by.
    """
    with np.errstate(divide="ignore"):
        return -np.log(2.0) / np.log(mean_gates)
