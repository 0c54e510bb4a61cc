"""The commit of the project, and of no other."""

import shutil
import subprocess

import pytest

from gradient_horizon.ground import project, provenance

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="not installed: git")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit, which the project is said to be: a function to call git."""
    monkeypatch.setattr(project, "ROOT", tmp_path)

    def git(*arguments):
        identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("one\n")
    git("add", "file")
    git("commit", "-q", "-m", "One")
    return git


def test_a_checkout(repository, tmp_path):
    head = repository("rev-parse", "HEAD")
    assert provenance.commit() == head
    (tmp_path / "file").write_text("another\n")
    assert provenance.commit() == f"{head}-dirty"


def test_what_is_installed_within_another_repository_has_none(repository, tmp_path, monkeypatch):
    inside = tmp_path / "venv" / "project"
    inside.mkdir(parents=True)
    monkeypatch.setattr(project, "ROOT", inside)
    assert provenance.commit() is None
