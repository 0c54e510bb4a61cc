"""Small tables, of a run and of a trained net, to draw figures from; and how to read a figure."""

import numpy as np
import pandas as pd

RADII = (0.5, 1.0, 2.0)
ACTIVATIONS = ("sigmoid", "tanh")
STEPS = (0, 5)
DISTANCES = np.arange(4)


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


def learning_curves():
    table = grid()
    return measured(table, loss=numbers(len(table), 0.1, 2))


def of_net(parts=False):
    """`contributions` of one net: no axes, no steps, no intervals."""
    largest = {"share": 0.5, "input_share": 0.4, "truncation_bias": 1, "input_truncation_bias": 0.9}
    table = pd.DataFrame({name: numbers(4, 0.01, high) for name, high in largest.items()})
    table.insert(0, "distance", DISTANCES)
    table["log10_transport"] = [0.0, -0.5, -1.5, -2.0]
    table["log10_bound"] = [0.0, np.nan, np.nan, np.nan] if parts else DISTANCES / 4
    table["log10_transport_hidden"] = [0.0, -1.0, -2.0, -3.0] if parts else np.nan
    table["log10_transport_cell"] = [-np.inf, -0.6, -1.6, -2.1] if parts else np.nan
    table.loc[3, "share"] = 0.0  # h_0 = 0
    return table


def rises_of_net(at_zero=0.8):
    rises = [at_zero, 0.2, 0.05]
    return pd.DataFrame({"distance": [0, 1, 3], "rise": rises, "standard_error": 0.01})


def spectra_of_net():
    exponents = {
        "quantity": "lyapunov",
        "distance": 0,
        "index": range(3),
        "value": [-0.1, -0.4, -2],
    }
    table = pd.DataFrame(exponents | {"standard_error": [0.01, 0.02, np.nan]})
    values = [1.0, 0.0, -0.5, -np.inf], [0.2, -3.0, -9.0, -np.inf]
    others = [
        pd.DataFrame({"quantity": "singular", "distance": d, "index": range(4), "value": own})
        for d, own in zip((1, 10), values, strict=True)
    ]
    return pd.concat([table, *others], ignore_index=True)


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
