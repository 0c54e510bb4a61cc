"""What figures of spectra show is what the tables hold."""

import numpy as np

import figure_tables as tables
from figure_tables import names, panels, shows
from gradient_horizon.report.figures import spectra


def test_spectra():
    over_training, exponents = tables.summary(), tables.spectra()
    axes = panels(spectra.spectra(exponents, over_training))
    for place, activation in enumerate(tables.ACTIVATIONS):
        own = over_training[over_training["activation"] == activation]
        for radius in tables.RADII:
            rows = own[own["radius"] == radius]
            for column in ("spectral_radius", "sigma_max"):
                assert shows(axes[place], rows["step"], rows[column])
        after = own[own["step"] == tables.STEPS[-1]]
        best = after.loc[after["loss"].idxmin()]
        panel = axes[len(tables.ACTIVATIONS) + place]
        assert panel.get_xlabel().endswith(f"radius {best['radius']:g}")
        for step, dashes in zip(tables.STEPS, (":", "-"), strict=True):
            rows = exponents[(exponents["run"] == best["run"]) & (exponents["step"] == step)]
            rows = rows[rows["quantity"] == "lyapunov"]
            assert shows(panel, [1, 2, 3], rows["value"])
            (line,) = (x for x in panel.lines if np.array_equal(x.get_ydata(), rows["value"]))
            assert line.get_linestyle() == dashes


def test_spectra_of_one_net():
    """Exponents with their errors, and beside them the singular values that are not 0."""
    table = tables.spectra_of_net()
    figure = spectra.spectra(table)
    left, right = panels(figure)
    assert shows(left, [1, 2, 3], [-0.1, -0.4, -2.0])
    (errors,) = left.collections
    ends = [segment[:, 1] for segment in errors.get_segments()]
    np.testing.assert_allclose(ends, [[-0.11, -0.09], [-0.42, -0.38], [-2.0, -2.0]], rtol=1e-15)
    assert shows(right, [1, 2, 3], [1.0, 0.0, -0.5]) and shows(right, [1, 2, 3], [0.2, -3.0, -9.0])
    assert names(figure) == ["1 step", "10 steps"]
