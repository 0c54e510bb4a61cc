"""Run the workflow, from training to the paper: its results go into this folder.

    gradient-horizon run
    gradient-horizon run --configfile my.yaml
    gradient-horizon run --configfile my.yaml -- results/figures/transport_words.png

All arguments are Snakemake's (`snakemake --help` lists them): `-n` only shows what would be done,
`--cores 4` sets how many jobs run side by side, what follows `--` is all that is made.  Files given
with `--configfile` are laid over `config/config.yaml` of this folder or, where it has none, over
the project's own.

A run that was killed leaves a lock, jobs that go on by themselves, and half-made outputs.  The next
one stops these jobs, removes the lock if nobody holds it, and makes incomplete outputs again.  Of
two runs at once in one folder the second ends with one line.
"""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from ..config import reading
from ..ground import programs, project

SCRIPTS = project.ROOT / "workflow" / "scripts"
PROFILE = project.ROOT / "workflow" / "profiles" / "default"
SNAKEFILE = project.ROOT / "Snakefile"
WRITES_NOTHING = {"-n", "--dry-run", "--dryrun", "--lint", "--unlock", "-l", "--list"}
CONFIG_ENDINGS = (".yaml", ".yml", ".json")
TARGET_ADVICE = (
    "--configfile takes all that follows as its own: if this is what is to be made, put it before, "
    "or after `--`"
)
NEEDED = ("psutil", "snakemake")


def main(arguments: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Clear up, then call Snakemake.

    Parameters
    ----------
    arguments : those of the program if left out.
    prog : what the user calls the program.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    given = _known(arguments, prog)
    if missing := [name for name in NEEDED if not find_spec(name)]:
        sys.exit(
            f"error: the workflow needs {' and '.join(missing)}: install gradient-horizon[paper]"
        )
    if errors := _config_errors(given.configfile):
        sys.exit("\n".join(f"config error: {error}" for error in errors))
    if given.conda and not project.IS_CHECKOUT:
        sys.exit("error: environments of conda need a checkout of the project, not a package of it")
    if not WRITES_NOTHING.intersection(arguments):
        with suppress(OSError):  # what is in the way is found next
            given.directory.mkdir(parents=True, exist_ok=True)
        if folder := _unwritable(given.directory):
            sys.exit(f"error: {folder} is no folder that can be written to")
        with chdir(given.directory):
            _clear_up()
    defaults = [
        *([] if given.snakefile else ["--snakefile", str(SNAKEFILE)]),
        *([] if given.workflow_profile else ["--workflow-profile", str(PROFILE)]),
    ]
    programs.find_environment()  # jobs start `python`: this one
    # `python -m` looks here first: a file of the user's is not to stand in for one of Snakemake's.
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    from snakemake import cli  # takes a second or two, which no message above has to wait for

    sys.argv = ["snakemake", *defaults, *arguments]
    with awake():
        cli.main()


@contextmanager
def awake() -> Iterator[None]:
    """Wake the main thread every second, so that it notices a Ctrl-C.

    The kernel may hand the signal to any thread, and is likely to where that has just started a
    program or another thread. Python acts on it in the main thread alone, once that wakes up:
    Snakemake's sleeps until a job ends.
    """
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    try:
        yield
    finally:  # at the end of Python the handler goes first, and an alarm would kill
        signal.setitimer(signal.ITIMER_REAL, 0)


def _known(arguments: list[str], prog: str | None) -> argparse.Namespace:
    """Return those of Snakemake's arguments that matter before it starts."""
    parser = programs.parser(__doc__, prog)
    parser.allow_abbrev = False
    parser.add_argument(
        *("--configfile", "--configfiles"),
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="configurations to lay over the default one, each over those before",
    )
    parser.add_argument(
        *("--directory", "-d"),
        type=Path,
        default=Path(),
        help="where to work and to write results; made if need be",
    )
    parser.add_argument("--snakefile", "-s", help="another workflow than the project's")
    parser.add_argument("--workflow-profile", help="another folder of settings for Snakemake")
    deployment = ("--sdm", "--software-deployment-method", "--deployment-method", "--deployment")
    parser.add_argument(*deployment, nargs="+", dest="conda", help=argparse.SUPPRESS)
    parser.add_argument("--use-conda", action="store_true", dest="conda", help=argparse.SUPPRESS)
    return parser.parse_known_args(arguments)[0]


def _config_errors(files: list[str]) -> list[str]:
    """Say why Snakemake could not read a configuration file; it would show a traceback."""
    return [
        problem if Path(file).suffix in CONFIG_ENDINGS else f"{problem}; {TARGET_ADVICE}"
        for file in files
        for problem in reading.problems(file)
    ]


def _unwritable(place: Path) -> str | None:
    """Return the first folder that a run in a place writes into and cannot, if there is one."""
    for folder in (place, place / ".snakemake", place / "logs", place / "results"):
        usable = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
        if not usable and (folder == place or os.path.lexists(folder)):
            return str(folder.absolute())
    return None


def _clear_up() -> None:
    """Hold this folder for the run, and clear up behind one that was killed here."""
    # Held as long as this process lives; its jobs do not inherit it.
    lock = os.open(".run.lock", os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("error: another run is going on in this folder")
    if _processes_here(("/snakemake ", "-m snakemake")):
        sys.exit("error: Snakemake is running in this folder")
    _stop_orphans()
    for stale in Path(".snakemake/locks").glob("*"):
        stale.unlink()


def _processes_here(marks: tuple[str, ...]) -> list:
    """Return the processes working in this folder whose command line has one of `marks`."""
    import psutil

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


def _stop_orphans() -> None:
    """Stop the jobs of a killed run, which would go on writing."""
    import psutil

    orphans = _processes_here(
        tuple(
            f"workflow/scripts/{script.name}"
            for script in SCRIPTS.glob("*.py")
            if script.name != "run_workflow.py"
        )
    )
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
