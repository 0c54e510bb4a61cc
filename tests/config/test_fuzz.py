"""Whatever stands in the configuration, it is made complete or refused in lines of its own."""

import copy
import datetime
import json
import math
from pathlib import Path

import yaml
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from gradient_horizon.config import configuration, grid

REAL = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
LONGEST_FILE_NAME = 255


def key_paths(part, path=()):
    """Every place in a nested configuration, sections included."""
    items = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from key_paths(value, (*path, key))


PLACES = sorted(key_paths(REAL), key=str)
WORDS = sorted({str(key) for place in PLACES for key in place} | set(configuration.ACTIVATIONS))
NUMBERS = [0, -0.0, 1, 1.0, 2, 1e-4, 5e-324, 1e308, 2**31, 2**64, 10**400, -1, 0.5]
TEXTS = ["null", "nan", "1e-3", "-inf", "[1, 2]", "{a: 1}", "1_0", "2001-13-45", "[[[", "\0", ""]
TEXTS += [f"own_activations:{name}" for name in ("mish", "asinh", "slip")] + ["json:mish", "tanh:"]
OTHERS = [True, None, [], {}, [[]], b"bytes", datetime.date(2001, 2, 3), math.nan, math.inf]
NEAR_THE_EDGE = st.sampled_from([*NUMBERS, *TEXTS, *OTHERS])
# All that UTF-8 can write; said so, Hypothesis need not try every character first.
CHARACTERS = st.characters(exclude_categories=["Cs"])
NAMES = st.sampled_from(WORDS) | st.text(CHARACTERS, max_size=50) | st.integers() | st.none()
VALUES = st.recursive(
    NEAR_THE_EDGE | NAMES | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
MUTATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("replace"), st.sampled_from(PLACES), VALUES),
        st.tuples(st.just("remove"), st.sampled_from(PLACES), st.none()),
        st.tuples(st.just("add"), st.sampled_from(PLACES), st.tuples(NAMES, VALUES)),
        st.tuples(st.just("copy"), st.sampled_from(PLACES), st.sampled_from(PLACES)),
    ),
    min_size=1,
    max_size=4,
)


def at(whole, place):
    for key in place:
        whole = whole[key]
    return whole


def mutate(whole, kind, place, value):
    """Change one place; a place that an earlier mutation took away is let be."""
    try:
        part = at(whole, place[:-1])
        if kind == "remove":
            del part[place[-1]]
        elif kind == "copy":
            part[place[-1]] = copy.deepcopy(at(whole, value))
        elif kind == "replace":
            part[place[-1]] = value
        elif isinstance(part, list):
            part.append(value[1])
        else:
            part[value[0]] = value[1]
    except (KeyError, IndexError, TypeError):
        pass


@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(MUTATIONS)
@example([("add", ("experiments", "delayed_echo"), (None, {None: 0}))])
@example([("replace", ("experiments",), {0: [], None: {0: 0}})])
def test_a_mutated_configuration_is_resolved_or_refused(mutations):
    whole = copy.deepcopy(REAL)
    for mutation in mutations:
        mutate(whole, *mutation)
    before = repr(whole)  # unlike ==, it tells nan from anything else, and 1 from 1.0 and True
    try:
        resolved = configuration.resolve(whole)
    except configuration.ConfigError as error:
        event("refused")
        assert error.lines == sorted(error.lines) and error.lines
        for line in error.lines:
            assert ": " in line and len(line.splitlines()) == 1
    else:
        event("resolved")
        assert configuration.resolve(resolved) == resolved
        assert json.loads(json.dumps(resolved, allow_nan=False)) == resolved
        for experiment in resolved["experiments"].values():
            names = [run["run"] for run in grid.runs(experiment)]
            assert len(set(names)) == len(names)
            assert max(map(len, names)) < LONGEST_FILE_NAME - len(".parquet")
    assert repr(whole) == before
