"""The user's own activations: the good ones are measured exactly, each bad one has its line."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize

import naive
from gradient_horizon.config import configuration, grid
from gradient_horizon.gradients import contributions, forward_pass, measurement
from gradient_horizon.ground import digests, imports
from gradient_horizon.networks import user_activations
from gradient_horizon.networks.activations import ACTIVATIONS
from gradient_horizon.networks.cells import rnn
from gradient_horizon.numerics.population import Weights
from gradient_horizon.training.network import Network

GOOD = ["mish", "rational", "ReLU_6", "late", "asinh", "flank", "sine"]
good = pytest.mark.parametrize("function", GOOD)
BAD = {
    "quadratic": "quadratic is no straight line from a = -100000 on, where its slope is -200000",
    "cubic": "cubic is -inf at a = -5.81468e+102 in float64; allowed: finite from -2^500",
    "half_logarithm": "half_logarithm is no straight line from a = 100000 on, where its slope is",
    "square_root": "square_root_slope is nan at a = 0 in float64; allowed: finite from -2^500 to",
    "overflows": "overflows is nan at a = 7",
    "narrow": "narrow_slope is nan at a = ",
    "slip": "slip_slope is 2 at a = -",
    "nearly": "nearly_slope is 1.00001 at a = 0, where differences of nearly give 1; allowed: its",
    "at_the_kink": "at_the_kink_slope is 1.1 at a = 0, where differences of at_the_kink give 0.5;",
    "step": "step rises by 1 from a = 0 to 0.001, and step_slope nowhere exceeds 0; allowed: a",
    "jump": "jump rises by 0.01",
    "constant": "constant is constant: nothing can be learnt",
    "normalised": "normalised at a = 0.",
    "total": "total of an array of shape (3,) has shape (); allowed: the same",
    "in_place": "in_place changes its argument; allowed: to return a new array",
    "scalar": "scalar of an array of shape (3,) raises ValueError: The truth value of an array",
    "listed": "listed returns list; allowed: a NumPy array of real numbers, float32 or float64",
    "imaginary": "imaginary returns complex128; allowed: a NumPy array of real numbers, float32",
    "leaves": "leaves of an array of shape (3,) raises SystemExit: bye bye; allowed: a function",
    "alone": "the module 'own_activations' has no function 'alone_slope'; allowed: `module:func",
    "word": "the module 'own_activations' has no function 'word'; allowed: `module:function`",
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the module, in which the run is started; nothing stays imported."""
    # The folder that it is copied from is on the path, and would do as well.
    source = Path(naive.__file__).with_name("own_activations.py")
    path = [place for place in sys.path if place != str(source.parent)]
    monkeypatch.setattr(sys, "path", path)
    monkeypatch.setattr(ACTIVATIONS, "_found", {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_activations", raising=False)
    before = set(sys.modules)
    shutil.copy(source, tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def own(function):
    return f"own_activations:{function}"


def config_with(*activations):
    grids = {"activations": list(activations), "spectral_radii": [1.0]}
    return {"experiments": {"echo": {"task": {"name": "delayed_echo"}, "grid": grids}}}


def lines(*activations):
    with pytest.raises(configuration.ConfigError) as error:
        configuration.resolve(config_with(*activations))
    return error.value.lines


# Good ones


@good
def test_what_is_right_is_resolved(function):
    resolved = configuration.resolve(config_with("tanh", own(function)))
    runs = grid.runs(resolved["experiments"]["echo"])
    assert [run["activation"] for run in runs] == ["tanh", own(function)]
    assert runs[1]["run"] == f"rnn_own_activations.{function.lower()}_gaussian_rho1.00"
    assert configuration.resolve(resolved) == resolved
    assert ACTIVATIONS[own(function)].label == function.replace("_", " ")
    assert own(function) not in set(ACTIVATIONS)


@good
def test_contributions_add_up_to_differences_of_the_loss(function, monkeypatch):
    """What is left out and rounding are below 1e-8: the steps are 1e-4, of fourth order."""
    monkeypatch.setitem(naive.PHI, function, getattr(_module(), function))
    net, inputs, targets = naive.draw_batch(seed=1)
    mask = np.ones(len(inputs), bool)

    def loss():
        return naive.loss_and_accuracy(function, net, inputs, targets, mask)[0]

    expected = naive.central_differences(loss, net["W_hh"])
    path = forward_pass.trace(rnn.Dynamics(ACTIVATIONS[own(function)], net), inputs, targets, mask)
    parts = contributions.by_distance(path)
    assert parts.residual < 1e-12
    assert path.loss == pytest.approx(loss(), rel=1e-12)
    gradient = 10.0**parts.log10_gradient_norm
    assert gradient == pytest.approx(np.linalg.norm(expected), rel=1e-7)
    assert gradient > 1e-3
    trained, found = (
        Weights({name: array.shape for name, array in net.items()}, 1, np.float64) for _ in "12"
    )
    for name, array in net.items():
        trained[name][0] = array
    network = Network("rnn", own(function), trained, mask, inputs.shape[1])
    network.loss_and_gradient(inputs[..., None], targets[..., None], found)
    np.testing.assert_allclose(found["W_hh"][0], expected, rtol=0, atol=1e-8)


def _module():
    return imports.user_module(own("mish"))


@good
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_and_place_of_the_result(function, dtype):
    phi, a = ACTIVATIONS[own(function)], np.linspace(-7.0, 7.0, 24, dtype=dtype).reshape(2, 3, 4)
    original, out = a.copy(), np.empty_like(a)
    assert phi.value(a, out=out) is out
    assert phi.value(a).dtype == phi.slope(a).dtype == dtype
    np.testing.assert_array_equal(phi.value(a), out)
    np.testing.assert_array_equal(a, original)
    assert phi.value(a, out=a) is a
    np.testing.assert_array_equal(a, out)


def test_the_largest_slope_and_value():
    """Of the rational one in closed form, of mish by a search of SciPy's."""
    phi = ACTIVATIONS[own("rational")]
    assert (phi.slope_bound, phi.value_bound) == (1.0, 0.5)
    phi = ACTIVATIONS[own("mish")]
    steepest = scipy.optimize.minimize_scalar(
        lambda a: -_module().mish_slope(a), bracket=(1.0, 1.5, 2.0), tol=1e-12
    )
    assert phi.slope_bound == pytest.approx(-steepest.fun, rel=1e-14)
    assert phi.value_bound == np.inf
    assert ACTIVATIONS[own("ReLU_6")].value_bound == 6.0
    assert ACTIVATIONS[own("asinh")].value_bound == np.inf
    assert ACTIVATIONS[own("sine")].value_bound == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize("function", ["mish", "late", "flank"])
def test_states_beyond_all_numbers(function):
    """Weights of 1e30 over 100 steps: states of 1e3000, on the asymptote from the first step on."""
    phi = ACTIVATIONS[own(function)]
    net, inputs, _ = naive.draw_batch(steps=100, batch=2)
    size = len(net["b_h"])
    net["W_hh"], net["W_hx"] = 1e30 * np.eye(size), abs(net["W_hx"]) + 10.0
    net["W_hh"][0, 0], net["W_hx"][0] = -1e30, -10.0  # this unit goes to and fro, or rests
    one = rnn.Dynamics(phi, net)
    path = one.unroll(one.drives(inputs))
    assert path.exponent[-1].min() > 9000
    rising = path.state[2:, :, 1:] / path.state[1:-1, :, 1:]
    exponents = np.diff(path.exponent[1:], axis=0)[..., None]
    assert np.log2(rising) + exponents == pytest.approx(np.log2(1e30), rel=1e-2)
    assert (path.slope[1:, :, 1:] == 1.0).all()
    assert np.isfinite(path.state).all()


def test_the_boundary_beyond_which_asymptotes_begin():
    assert user_activations.FARTHEST == rnn.LARGEST_BEND


def test_it_is_measured_as_a_whole():
    net, inputs, targets = naive.draw_batch()
    probe = {"inputs": inputs, "targets": targets, "loss_mask": np.ones(len(inputs), bool)}
    rows, row = measurement.measure(rnn.Dynamics(ACTIVATIONS[own("mish")], net), probe)
    assert row["residual"] < 1e-12
    assert (rows["log10_bound"] >= rows["log10_transport"] - 1e-12).all()


# Bad ones


@pytest.mark.parametrize("function", BAD)
def test_what_is_wrong_is_said(function):
    (line,) = lines("tanh", own(function))
    where = f"experiments.echo.grid.activations[1]: {own(function)!r}: "
    assert line.startswith(where + BAD[function])
    assert "; allowed: " in line and len(line) < 700


WRONG_NAMES = {
    "own_activation:mish": ("there is no module 'own_activation'", "own_activations:mish"),
    "own_activations:mich": ("has no function 'mich'", "own_activations:mish"),
    "own_activations.py:mish": ("there is no module 'own_activations.py'", "own_activations:mish"),
    "./own_activations.py:mish": ("not a name that can be imported", "own_activations:mish"),
    "/etc/own.py:mish": ("not a name that can be imported", "etc.own:mish"),
    "tahn:": ("not a name that can be imported", "tanh"),
    "own_activations:": ("not a name that can be imported", None),
    "own_activations:mish()": ("not a name that can be imported", None),
    "own_activations:m\u012bsh": ("not a name that can be imported", None),
    "own_activations:mish\n": ("not a name that can be imported", None),
    f"own_activations:{'m' * 100}": ("not a name that can be imported", None),
    "qqqq:zzzz": ("there is no module 'qqqq'", None),
    "own_activations.inner:mish": ("there is no module 'own_", "own_activations:mish"),
    "json:mish": ("the module 'json' has no function 'mish'", None),
}


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_names_that_lead_nowhere(name):
    (line,) = lines(name)
    said, near = WRONG_NAMES[name]
    assert line.startswith("experiments.echo.grid.activations[0]: ") and said in line
    assert line.partition("did you mean ")[2] == (f"'{near}'?" if near else "")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError: invalid syntax (broken.py, line 1)"),
        ("import not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("raise RecursionError('a\\n' * 999)", "RecursionError: a a a"),
        ("\0", "SyntaxError: source code string cannot contain null bytes"),
        ("def __getattr__(name): raise OSError('no')", "OSError: no"),
    ],
)
def test_modules_that_do_not_import(folder, code, said):
    (folder / "broken.py").write_text(code)
    (line,) = lines("broken:mish")
    assert line.startswith("experiments.echo.grid.activations[0]: 'broken:mish': the module")
    assert said in line and len(line) < 400


def test_a_module_with_the_name_of_a_package(folder):
    (folder / "json.py").write_text("def mish(a): return a\ndef mish_slope(a): return 1 + 0 * a\n")
    (line,) = lines("json:mish")
    assert "(json.py is not read: the environment has another module of that name)" in line


def test_all_mistakes_together_and_names_that_clash(folder):
    shutil.copy(folder / "own_activations.py", folder / "others.py")
    names = ["tahn", own("mish"), "others:mish", own("slip"), own("ReLU_6"), "sigmoid"]
    found = lines(*names)
    path = "experiments.echo.grid.activations"
    assert [line.partition(": ")[0] for line in found] == [f"{path}[{i}]" for i in (0, 1, 2, 3)]
    assert found[0].endswith("; did you mean 'tanh'?")
    clash = "would have one name in figures and tables; allowed: names that differ in more than"
    assert f"'{own('mish')}' and 'others:mish' {clash}" in found[1]
    assert f"'others:mish' and '{own('mish')}' {clash}" in found[2]


def test_a_clash_with_a_registered_name_in_another_experiment(folder):
    (folder / "mine.py").write_text(
        "import numpy as np\n"
        "def relu(a): return np.maximum(a, 0)\n"
        "def relu_slope(a): return (a > 0) * 1.0\n"
    )
    whole = config_with("mine:relu")
    configuration.resolve(whole)
    whole["experiments"]["other"] = config_with("relu")["experiments"]["echo"]
    with pytest.raises(
        configuration.ConfigError, match=r"'mine:relu' and 'relu' would have one name"
    ):
        configuration.resolve(whole)


def test_unknown_names_are_not_imported():
    with pytest.raises(KeyError, match="mish"):
        ACTIVATIONS["mish"]
    with pytest.raises(imports.UserCodeError, match="no module 'qqqq'"):
        ACTIVATIONS["qqqq:mish"]


# The digest of the code


def test_the_digest_follows_the_module_and_what_it_imports_from_the_folder(folder):
    (folder / "helper.py").write_text("from package import part\n")
    (folder / "package").mkdir()
    for name in ("__init__", "part", "unused"):
        (folder / "package" / f"{name}.py").write_text("")
    (folder / "broken.py").write_text("def f(:")
    used = folder / "own_activations.py"
    used.write_text(used.read_text() + "try:\n    import helper, broken\nexcept Exception: pass\n")
    before = digests.place_digest(own("mish"))
    for name in ("own_activations", "helper", "package/__init__", "package/part", "broken"):
        file = folder / f"{name}.py"
        text = file.read_text()
        file.write_text(text + "# changed\n")
        assert digests.place_digest(own("mish")) != before
        file.write_text(text)
    (folder / "package" / "unused.py").write_text("# changed\n")
    assert digests.place_digest(own("mish")) == before
    assert ACTIVATIONS.place("tanh") is None


def test_of_an_installed_package_the_package_alone_counts(folder, tmp_path_factory, monkeypatch):
    place = tmp_path_factory.mktemp("installed")
    monkeypatch.syspath_prepend(place)
    for name in ("installed_one", "installed_two"):
        (place / name).mkdir()
        (place / name / "__init__.py").write_text("")
    (place / "installed_one" / "acts.py").write_text("from . import more\nimport installed_two\n")
    (place / "installed_one" / "more.py").write_text("")
    name = "installed_one.acts:mish"
    before = digests.place_digest(name)
    (place / "installed_two" / "__init__.py").write_text("# changed\n")
    assert digests.place_digest(name) == before
    (place / "installed_one" / "more.py").write_text("# changed\n")
    assert digests.place_digest(name) != before
    for module in ("installed_one", "installed_one.acts", "installed_one.more", "installed_two"):
        del sys.modules[module]
