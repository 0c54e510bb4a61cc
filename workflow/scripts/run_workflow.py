"""Start Snakemake here, after clearing up behind a run that was killed.

    python run_workflow.py [any Snakemake argument]

A killed run leaves a lock, jobs that go on by themselves, and half-made outputs. This stops the
jobs, removes the lock if nobody holds it, and has incomplete outputs made again. Two starts at
once in one folder: the second ends with one line.
"""

import argparse
import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from gradient_horizon.config import reading

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
PROFILE = Path(__file__).parents[1] / "profiles" / "default"
WRITES_NOTHING = {
    *("-n", "--dry-run", "--dryrun", "--lint", "--unlock", "-l", "--list", "--help", "-h"),
}


def processes_here(marks: tuple[str, ...]) -> list[psutil.Process]:
    """Return the processes working in this folder whose command line has one of `marks`."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline", "pid"]):
        command = " ".join(process.info["cmdline"] or ())
        if (
            process.info["cwd"] == os.getcwd()
            and process.info["pid"] not in (os.getpid(), os.getppid())
            and any(mark in command for mark in marks)
        ):
            found.append(process)
    return found


def stop_orphans() -> None:
    """Stop the jobs of a killed run, which would go on writing."""
    scripts = tuple(
        f"workflow/scripts/{script.name}"
        for script in Path(__file__).parent.glob("*.py")
        if script.name != Path(__file__).name
    )
    orphans = processes_here(scripts)
    for orphan in tuple(orphans):
        with suppress(psutil.NoSuchProcess):
            orphans += orphan.children(recursive=True)  # TeX works in a folder of its own
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.terminate()
    _, alive = psutil.wait_procs(orphans, timeout=5)
    for orphan in alive:
        with suppress(psutil.NoSuchProcess):
            orphan.kill()


def unwritable() -> str | None:
    """Return the first folder that a run writes into and cannot, if there is one."""
    for folder in map(Path, (".", ".snakemake", "logs", "results")):
        usable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
        if os.path.lexists(folder) and not usable:
            return str(folder.absolute())
    return None


def config_errors(arguments: list[str]) -> list[str]:
    """Say why Snakemake could not read a configuration file; it would show a traceback."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    files = parser.parse_known_args(arguments)[0].configfile
    return [problem for file in files for problem in reading.problems(file)]


def main() -> None:
    """Clear up, then become Snakemake."""
    arguments = sys.argv[1:]
    if errors := config_errors(arguments):
        sys.exit("\n".join(f"config error: {error}" for error in errors))
    if "--workflow-profile" not in arguments:
        arguments = ["--workflow-profile", str(PROFILE), *arguments]
    if not WRITES_NOTHING.intersection(arguments):
        if folder := unwritable():
            sys.exit(f"error: {folder} is no folder that can be written to")
        # Held as long as Snakemake lives, which inherits it; its jobs do not.
        lock = os.open(".run.lock", os.O_CREAT | os.O_RDWR, 0o666)
        os.set_inheritable(lock, True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("error: another run is going on in this folder")
        if processes_here(("/snakemake ", "-m snakemake")):
            sys.exit("error: Snakemake is running in this folder")
        stop_orphans()
        for stale in Path(".snakemake/locks").glob("*"):
            stale.unlink()
    # Jobs start `python`: this one, also where its environment is not activated.
    os.environ["PATH"] = f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"
    os.execv(SNAKEMAKE, [str(SNAKEMAKE), *arguments])


if __name__ == "__main__":
    main()
