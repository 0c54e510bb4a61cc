"""The same configuration gives the same bytes, wherever, however and beside whatever it is run."""

import pytest

import project


def test_another_place_another_number_of_cores(tiny, tmp_path):
    """As `make paper` starts it, in a folder whose name has a space."""
    folder = project.tiny_copy(tmp_path / "another place")
    project.succeed(project.RUN_WORKFLOW, folder, "--cores", "1", "--configfile", "tiny.yaml")
    here, there = tiny.results, project.results(folder)
    assert len(here) > 50
    assert project.different(here, there) == []


# Of each of the smoke grid's experiments one radius, with an activation that it has not, before
# and after one that it has.
OTHER_GRID = {"activations": ["softsign", "tanh", "relu"], "spectral_radii": [1.0]}
SHARED = {
    "words": ("tanh", "relu"),
    "delayed_echo": ("tanh",),
}


@pytest.fixture(scope="module")
def other_grid(smoke, tmp_path_factory):
    """The grid points of the smoke run that another grid has as well, made from that one."""
    folder = tmp_path_factory.mktemp("other_grid")
    project.write_yaml(
        folder / "other.yaml",
        {
            "experiments": {
                **{name: {"grid": OTHER_GRID} for name in SHARED},
                "temporal_order": None,
                "another": {"task": {"name": "temporal_order"}, "grid": OTHER_GRID},
            }
        },
    )
    targets = [
        f"results/{experiment}/rnn_{activation}_gaussian_rho1.00/{name}.parquet"
        for experiment, activations in SHARED.items()
        for activation in activations
        for name in ("contributions", "summary")
    ]
    project.succeed(
        [*project.SNAKEMAKE, *targets, "--snakefile", smoke.folder / "Snakefile"],
        folder,
        *("--cores", "all", "--configfile", smoke.folder / "config/smoke.yaml", "other.yaml"),
    )
    return project.results(folder)


@pytest.mark.parametrize("file", ["train.npz", "contributions.parquet", "summary.parquet"])
def test_another_grid_around_the_same_points(smoke, other_grid, file):
    here = smoke.results
    shared = [
        f"{experiment}/rnn_{activation}_gaussian_rho1.00/{file}"
        for experiment, activations in SHARED.items()
        for activation in activations
    ]
    assert [name for name in shared if other_grid[name] != here[name]] == []


def test_other_points_have_other_bytes(smoke):
    """Else the tests above could compare what does not depend on the point."""
    here = smoke.results
    nets = [content for name, content in here.items() if name.endswith("train.npz")]
    assert len(set(nets)) == len(nets) == 12
