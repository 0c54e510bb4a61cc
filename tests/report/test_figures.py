"""What figures show is what the tables hold, whatever these hold."""

import matplotlib
import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

from gradient_horizon.report import figures, plotting

RADII = (0.5, 1.0, 2.0)
ACTIVATIONS = ("sigmoid", "tanh")
STEPS = (0, 5)
DISTANCES = np.arange(4)


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        plotting.use_style()
        yield


def grid(steps=STEPS, initialisations=("gaussian",)):
    """The axes of a small grid, a row for each run and step."""
    return pd.DataFrame(
        [
            {
                "run": f"{initialisation}_{activation}_{radius}",
                "cell": "rnn",
                "activation": activation,
                "initialisation": initialisation,
                "remedy": "none",
                "radius": radius,
                "step": step,
            }
            for activation in ACTIVATIONS
            for initialisation in initialisations
            for radius in RADII
            for step in steps
        ]
    )


def measured(table, **columns):
    """Add columns, each with an interval of a tenth of it on either side."""
    for name, values in columns.items():
        table[name] = np.asarray(values, dtype=float)
        margin = 0.1 * table[name].abs()
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - margin, table[name] + margin
    return table


def numbers(count, low, high):
    """So many numbers between two, no two alike."""
    return np.random.default_rng(0).permutation(np.linspace(low, high, count))


def contributions():
    table = grid().merge(pd.DataFrame({"distance": DISTANCES}), how="cross")
    count = len(table)
    measured(
        table,
        share=numbers(count, 0.01, 0.5),
        log10_transport=numbers(count, -3, 1),
        truncation_bias=numbers(count, 1e-4, 1),
    )
    table["log10_bound"] = numbers(count, 0, 2)
    # h_0 = 0.
    table.loc[table["distance"] == DISTANCES[-1], "share"] = 0.0
    return table


def summary(**options):
    table = grid(**options)
    count = len(table)
    measured(
        table,
        loss=numbers(count, 0.1, 2),
        h99=numbers(count, 1, 9),
        spectral_radius=numbers(count, 0.4, 2),
        sigma_max=numbers(count, 1, 4),
    )
    table["h99_censored"] = False
    return table


def slopes(**options):
    table = grid(**options)
    count = len(table)
    measured(table, slope=numbers(count, -2, 0), mean_field_slope=numbers(count, -2.1, 0.1))
    table["worst_slope"] = np.log(table["radius"] * 1.9)
    sigmoid = table["activation"] == "sigmoid"
    table["note_slope"] = table["worst_slope"]
    table.loc[sigmoid, "worst_slope"] -= np.log(4)
    return table


def rises(at_zero=1.0):
    table = grid(steps=STEPS[-1:]).merge(pd.DataFrame({"distance": [0, 1, 3]}), how="cross")
    measured(table, rise=at_zero * 4.0 ** -table["distance"])
    return table


def spectra():
    exponents = pd.DataFrame({"quantity": "lyapunov", "distance": 0, "index": range(3)})
    others = pd.DataFrame({"quantity": "singular", "distance": 10, "index": range(5)})
    table = grid().merge(pd.concat([exponents, others]), how="cross")
    return measured(table, value=numbers(len(table), -1.5, 0.5))


def parts():
    """Of the tanh nets only: transport through the hidden and through the cell state."""
    table = contributions()
    count, known = len(table), table["activation"] == "tanh"
    hidden, cell = (np.where(known, numbers(count, low, 0.0), np.nan) for low in (-3.0, -1.0))
    cell = np.where(table["distance"] == 0, np.where(known, -np.inf, np.nan), cell)
    with np.errstate(invalid="ignore"):
        return measured(table, log10_transport_hidden=hidden, log10_transport_cell=cell)


def panels(figure):
    """The axes in order, row by row; colour bars left out."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def shows(axes, x, y):
    """Whether some line of a panel holds exactly these points."""
    return any(
        np.array_equal(line.get_xdata(), x) and np.array_equal(line.get_ydata(), y)
        for line in axes.lines
    )


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_transport_through_the_parts_of_the_state():
    """Where it is known, the cell state solid and the hidden state dashed."""
    table = parts()
    figure = figures.transport_parts(table)
    both = panels(figure)
    assert len(both) == len(STEPS)
    known = table[table["activation"] == "tanh"]
    for axes, step in zip(both, STEPS, strict=True):
        for _, rows in known[known["step"] == step].groupby("radius"):
            for column in ("log10_transport_hidden", "log10_transport_cell"):
                assert shows(axes, rows["distance"], rows[column])
        solid = [line for line in axes.lines if line.get_linestyle() == "-"]
        assert len(solid) == len(axes.lines) / 2 == len(RADII)
        assert all(line.get_ydata()[0] == -np.inf for line in solid)
    radii = [f"radius {radius:g}" for radius in RADII]
    assert names(figure) == [*radii, "cell state", "hidden state"]


@pytest.mark.parametrize(
    ("draw", "column"),
    [
        (figures.transport, "log10_transport"),
        (figures.transport, "log10_bound"),
        (figures.contribution, "share"),
        (figures.truncation, "truncation_bias"),
    ],
)
def test_curves_by_distance(draw, column):
    table = contributions()
    axes = iter(panels(draw(table)))
    for step in STEPS:
        for activation in ACTIVATIONS:
            panel = next(axes)
            for radius in RADII:
                rows = table[
                    (table["step"] == step)
                    & (table["activation"] == activation)
                    & (table["radius"] == radius)
                ]
                rows = rows[rows[column] > 0] if column == "share" else rows
                assert len(rows) >= 3
                assert shows(panel, rows["distance"], rows[column])


def test_a_bound_that_is_unknown_is_not_in_the_legend():
    table = contributions()
    assert "worst-case bound" in names(figures.transport(table))
    unknown = table.assign(log10_bound=np.nan)
    assert "worst-case bound" not in names(figures.transport(unknown))


def test_slopes_beside_theory():
    table = slopes()
    figure = figures.slopes(table)
    axes = iter(panels(figure))
    for step in STEPS:
        for activation in ACTIVATIONS:
            panel = next(axes)
            rows = table[(table["step"] == step) & (table["activation"] == activation)]
            for column in ("slope", "mean_field_slope", "worst_slope"):
                assert shows(panel, rows["radius"], rows[column])
            # Only for the sigmoid is the note's bound another.
            assert shows(panel, rows["radius"], rows["note_slope"])
            assert len(panel.lines) == (5 if activation == "sigmoid" else 4)
            segments = panel.collections[-1].get_segments()
            ends = rows[["slope_low", "slope_high"]].to_numpy()
            np.testing.assert_array_equal([segment[:, 1] for segment in segments], ends)
    assert "the note's bound" in names(figure)
    rest = table[table["activation"] != "sigmoid"]
    assert "the note's bound" not in names(figures.slopes(rest))


def test_vanishing_is_certain_where_the_worst_case_falls():
    table = slopes()
    table["worst_slope"] = table["radius"] - 1.5
    for panel in panels(figures.slopes(table)):
        across = panel.collections[0].get_paths()[0].vertices[:, 0]
        # The crossing is at 1.5, found on a raster of 400 points over the radii.
        assert across.min() == RADII[0]
        assert across.max() == pytest.approx(1.5, abs=(RADII[-1] - RADII[0]) / 399)
    table["worst_slope"] = 0.1
    assert not any(panel.collections[0].get_paths() for panel in panels(figures.slopes(table)))


def test_slopes_of_several_initialisations_are_told_apart():
    table = slopes(initialisations=("gaussian", "orthogonal"))
    figure = figures.slopes(table)
    assert names(figure)[:2] == ["measured, gaussian", "measured, orthogonal"]
    for panel in panels(figure):
        np.testing.assert_array_equal(panel.get_xticks(), RADII)
    for initialisation in ("gaussian", "orthogonal"):
        own = table["initialisation"] == initialisation
        rows = table[own & (table["step"] == 0) & (table["activation"] == "sigmoid")]
        (marks,) = (
            line.get_xdata() - rows["radius"]
            for line in panels(figure)[0].lines
            if np.array_equal(line.get_ydata(), rows["slope"])
        )
        # Side by side: 0.15 of the smallest gap between radii, one to each side.
        side = -1.0 if initialisation == "gaussian" else 1.0
        np.testing.assert_allclose(marks, side * 0.075, rtol=1e-12)


def test_nothing_is_certain_where_a_bound_is_unknown():
    def shaded(table):
        axes = panels(figures.slopes(table))[0]
        return any(len(path.vertices) for area in axes.collections[:1] for path in area.get_paths())

    table = slopes(initialisations=("gaussian", "orthogonal"))
    assert shaded(table)
    table.loc[table["initialisation"] == "orthogonal", "worst_slope"] = np.nan
    assert not shaded(table)
    assert "certain to vanish" in names(figures.slopes(table))
    unknown = table.assign(worst_slope=np.nan, note_slope=np.nan, mean_field_slope=np.nan)
    measured_alone = names(figures.slopes(unknown))
    assert measured_alone == ["measured, gaussian", "measured, orthogonal"]


def test_a_figure_grows_with_its_legend():
    """By the rows that there was no room for; the panels keep their height."""
    heights = []
    for count in (3, 8, 30):
        figure, _ = plotting.new_figure(2.0, 1, 1)
        plotting.add_legend(figure, {f"a name of some length {k}": {} for k in range(count)})
        figure.draw_without_rendering()
        heights.append(figure.axes[0].get_window_extent().height)
        assert (figure.get_figheight() > 2.0) == (count > 3)
    assert max(heights) < 1.1 * min(heights)


def test_influence_is_drawn_at_the_radius_that_learns_best():
    shares, loss, rise = contributions(), summary(), rises(at_zero=0.2)
    figure = figures.influence(shares, rise, loss, relevant=2)
    for panel, activation in zip(panels(figure), ACTIVATIONS, strict=True):
        after = loss[(loss["activation"] == activation) & (loss["step"] == STEPS[-1])]
        best = after.loc[after["loss"].idxmin()]
        assert panel.get_title() == f"{activation}, radius {best['radius']:g}"
        assert shows(panel, [2, 2], [0, 1])
        own = shares[(shares["run"] == best["run"]) & (shares["step"] == STEPS[-1])]
        share = list(own["share"])
        farther = [sum(share[d:]) / sum(share) for d in range(3)]
        _, gradient, loss_rise = panel.lines
        np.testing.assert_array_equal(gradient.get_xdata(), DISTANCES[:-1])
        # Sums of four numbers, each rounded.
        np.testing.assert_allclose(gradient.get_ydata(), farther, rtol=1e-15)
        np.testing.assert_array_equal(loss_rise.get_xdata(), [0, 1, 3])
        np.testing.assert_allclose(loss_rise.get_ydata(), [1, 1 / 4, 1 / 64], rtol=1e-15)
        assert not panel.texts


@pytest.mark.parametrize("at_zero", [0.2, -0.2, np.nan])
def test_a_net_that_makes_no_use_of_its_past_says_so(at_zero):
    rise = rises(at_zero)
    rise["rise_low"] = np.where(rise["activation"] == "tanh", rise["rise_low"], -0.01)
    sigmoid, tanh = panels(figures.influence(contributions(), rise, summary()))
    assert [text.get_text() for text in sigmoid.texts] == ["nothing\nlearnt"]
    assert len(sigmoid.lines) == 1
    assert bool(tanh.texts) == (at_zero != 0.2)


def test_one_seed_has_no_interval_and_may_have_learnt():
    rise = rises().assign(rise_low=np.nan, rise_high=np.nan)
    for panel in panels(figures.influence(contributions(), rise, summary())):
        assert not panel.texts and len(panel.lines) == 2


def test_influence_that_is_not_measured_is_not_judged():
    for panel in panels(figures.influence(contributions(), rises().iloc[:0], summary())):
        assert not panel.texts and len(panel.lines) == 1


def test_spectra():
    over_training, exponents = summary(), spectra()
    axes = panels(figures.spectra(over_training, exponents))
    for place, activation in enumerate(ACTIVATIONS):
        own = over_training[over_training["activation"] == activation]
        for radius in RADII:
            rows = own[own["radius"] == radius]
            for column in ("spectral_radius", "sigma_max"):
                assert shows(axes[place], rows["step"], rows[column])
        after = own[own["step"] == STEPS[-1]]
        best = after.loc[after["loss"].idxmin()]
        panel = axes[len(ACTIVATIONS) + place]
        assert panel.get_xlabel().endswith(f"radius {best['radius']:g}")
        for step, dashes in zip(STEPS, (":", "-"), strict=True):
            rows = exponents[(exponents["run"] == best["run"]) & (exponents["step"] == step)]
            rows = rows[rows["quantity"] == "lyapunov"]
            assert shows(panel, [1, 2, 3], rows["value"])
            (line,) = (x for x in panel.lines if np.array_equal(x.get_ydata(), rows["value"]))
            assert line.get_linestyle() == dashes


def test_an_interval_without_end_goes_to_the_frame():
    table = summary()
    table["h99_high"] = table["h99"] + 1
    expected = panels(figures.horizon_over_training(table))[0].get_ylim()
    highest = table["h99_high"].idxmax()
    lower = table.index[0] if highest != table.index[0] else table.index[1]
    table.loc[lower, ["h99_high", "h99_censored"]] = np.inf, True
    panel = panels(figures.horizon_over_training(table))[0]
    assert panel.get_ylim() == expected
    # The lines are drawn radius by radius, and this is the first's.
    band = panel.collections[0].get_paths()[0].vertices[:, 1]
    assert np.isfinite(band).all() and band.max() == expected[1]
    hollow = [line for line in panel.lines if matplotlib.colors.same_color(line.get_mfc(), "white")]
    assert [value for line in hollow for value in line.get_ydata()] == [table["h99"][lower]]


def test_every_interval_without_end():
    table = summary().assign(h99_high=np.inf, h99_censored=True)
    for draw in (figures.horizon_over_training, figures.phase_diagram):
        for panel in panels(draw(table)):
            assert np.isfinite(panel.get_ylim()).all()
    assert panels(figures.horizon_over_training(table))[0].get_ylim()[1] > table["h99"].max()


def test_only_a_lower_bound_is_marked_as_one():
    table = summary()
    table.loc[table["radius"] == RADII[-1], "h99_censored"] = True
    for panel in panels(figures.phase_diagram(table)):
        for text in panel.texts:
            at_bound = text.get_position()[0] == len(RADII) - 1
            assert text.get_text().startswith("≥") == at_bound


def test_numbers_that_are_not_finite_break_no_figure():
    def spoilt(table, *columns):
        tanh = table["activation"] == "tanh"
        for radius, worst in zip(RADII, (np.nan, np.inf, -np.inf), strict=True):
            table.loc[tanh & (table["radius"] == radius), [*columns]] = worst
        return table

    shares = spoilt(contributions(), "log10_transport", "log10_transport_high")
    nets = spoilt(summary(), "spectral_radius", "sigma_max", "h99", "h99_high")
    drawn = [
        figures.transport(shares),
        figures.slopes(spoilt(slopes(), "slope", "slope_low", "mean_field_slope", "worst_slope")),
        figures.influence(shares, spoilt(rises(), "rise", "rise_high"), nets),
        figures.spectra(nets, spoilt(spectra(), "value", "value_low")),
        figures.horizon_over_training(nets),
        figures.phase_diagram(nets),
    ]
    for figure in drawn:
        for panel in panels(figure):
            assert np.isfinite([*panel.get_xlim(), *panel.get_ylim()]).all()
        figure.draw_without_rendering()


def test_the_same_tables_give_the_same_bytes(tmp_path):
    net = summary().query("activation == 'tanh'")
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        figure = figures.influence(contributions(), rises(), net, relevant=2)
        plotting.save(figure, tmp_path / attempt / "influence")
    for name in ("influence.pdf", "influence.png"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("cross_entropy", "training loss (nats)"),
        ("squared_error", "training mean\nsquared error"),
    ],
)
def test_learning_curves_name_their_loss(loss, text):
    table = measured(grid(), loss=numbers(len(grid()), 0.1, 2))
    figure = figures.learning_curves(table, {"guessing": 1.0}, loss)
    assert figure.axes[0].get_ylabel() == text
