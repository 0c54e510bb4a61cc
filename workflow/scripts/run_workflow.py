"""Start Snakemake, after clearing up behind a run that was killed.

    python run_workflow.py [any Snakemake argument]

A killed run leaves a lock, jobs that go on by themselves, and half-made outputs. This stops the
jobs, removes the lock if nobody holds it, and has incomplete outputs made again. Two starts at
once in one folder: the second ends with one line. The folder is that of `--directory`, this one if
it is left out.
"""

import argparse
import fcntl
import os
import sys
from contextlib import chdir, suppress
from pathlib import Path

import psutil

from gradient_horizon.config import reading

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
PROFILE = Path(__file__).parents[1] / "profiles" / "default"
WRITES_NOTHING = {
    *("-n", "--dry-run", "--dryrun", "--lint", "--unlock", "-l", "--list", "--help", "-h"),
}
CONFIG_ENDINGS = (".yaml", ".yml", ".json")
TARGET_ADVICE = (
    "--configfile takes all that follows as its own: if this is what is to be made, put it before, "
    "or after `--`"
)


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


def unwritable(place: Path) -> str | None:
    """Return the first folder that a run in a place writes into and cannot, if there is one."""
    for folder in (place, place / ".snakemake", place / "logs", place / "results"):
        usable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
        if not usable and (folder == place or os.path.lexists(folder)):
            return str(folder.absolute())
    return None


def known(arguments: list[str]) -> argparse.Namespace:
    """Return those of Snakemake's arguments that matter before it starts."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    parser.add_argument("--directory", "-d", type=Path, default=Path())
    return parser.parse_known_args(arguments)[0]


def config_errors(files: list[str]) -> list[str]:
    """Say why Snakemake could not read a configuration file; it would show a traceback."""
    return [
        problem if Path(file).suffix in CONFIG_ENDINGS else f"{problem}; {TARGET_ADVICE}"
        for file in files
        for problem in reading.problems(file)
    ]


def clear_up() -> None:
    """Hold this folder for the run, and clear up behind one that was killed here."""
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


def main() -> None:
    """Clear up, then become Snakemake."""
    arguments = sys.argv[1:]
    given = known(arguments)
    if errors := config_errors(given.configfile):
        sys.exit("\n".join(f"config error: {error}" for error in errors))
    if "--workflow-profile" not in arguments:
        arguments = ["--workflow-profile", str(PROFILE), *arguments]
    if not WRITES_NOTHING.intersection(arguments):
        with suppress(OSError):  # what is in the way is found next
            given.directory.mkdir(parents=True, exist_ok=True)
        if folder := unwritable(given.directory):
            sys.exit(f"error: {folder} is no folder that can be written to")
        with chdir(given.directory):
            clear_up()
    # Jobs start `python`: this one, also where its environment is not activated.
    os.environ["PATH"] = f"{SNAKEMAKE.parent}{os.pathsep}{os.environ['PATH']}"
    os.execv(SNAKEMAKE, [str(SNAKEMAKE), *arguments])


if __name__ == "__main__":
    main()
