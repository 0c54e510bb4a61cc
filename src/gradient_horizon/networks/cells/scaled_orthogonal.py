"""The simple cell with W_hh held at a radius times an orthogonal matrix: unitary-style.

Every singular value of W_hh is the radius, before training and after each of its steps, so that
W_hh alone neither shrinks nor stretches any signal but by the radius (Arjovsky, Shah and Bengio,
2016).  After an update W_hh is replaced by the nearest such matrix, the radius times the
orthogonal factor of its polar decomposition: projected gradient descent, to first order the step
along the manifold of Wisdom, Powers, Hershey, Le Roux and Atlas (2016), equation 6.
"""

import numpy as np

from .rnn import Rnn


class ScaledOrthogonal(Rnn):
    """The simple cell whose recurrent matrix stays a radius times an orthogonal one."""

    def initialise(self, net, rng, draw_recurrent, radius, scale, options):
        """Draw the simple cell's weights; W_hh becomes the nearest scaled orthogonal matrix."""
        super().initialise(net, rng, draw_recurrent, radius, scale, options)
        self.constrain({"W_hh": net["W_hh"][None]}, radius)

    def constrain(self, weights, radius):
        """Bring `W_hh` (P, N, N) of all nets back to the radius times an orthogonal matrix."""
        left, _, right = np.linalg.svd(weights["W_hh"].astype(np.float64))
        weights["W_hh"][...] = radius * (left @ right)
