"""A Slurm of two nodes on this machine alone: no systemd, no cgroups, nothing outside loopback.

    python slurm_cluster.py FOLDER

prints the configuration file's name once the nodes are up, and stops everything when its standard
input ends: whoever started it need not live to stop it. FOLDER holds all files; its name has to be
short, since it is part of a socket's.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PROGRAMS = ("munged", "sbatch", "scancel", "sinfo", "slurmctld", "slurmd", "squeue", "srun")
PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
NODES = ("n1", "n2")
CONFIGURATION = """
ClusterName=horizon
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoAddrCache,NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0
ReturnToService=2
MinJobAge=600
KillWait=5
SlurmdParameters=config_overrides
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool_%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd_%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd_%n.log
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=64000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1 RealMemory=64000
PartitionName=debug Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Why a cluster cannot be started here; nothing if it can."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if absent:
        return f"no Slurm: {', '.join(absent)} not installed (slurm-wlm and munge bring them)"
    if os.geteuid() != 0:
        return "no Slurm: its daemons are started as root only"
    if not os.path.ismount("/sys/fs/cgroup"):
        return "no Slurm: its nodes need a cgroup file system, and none is mounted"
    return None


def free_ports(count):
    """Ports of the loopback interface that nobody listens at."""
    with_port = [socket.socket() for _ in range(count)]
    for each in with_port:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in with_port]
    for each in with_port:
        each.close()
    return ports


def wait_for(condition, seconds, what=None):
    """Wait until a condition holds; where it has a name, it must."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            if what:
                raise TimeoutError(f"{what} after {seconds} seconds")
            return
        time.sleep(0.1)


def say(*command):
    """What one of Slurm's commands prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return done.stdout


def steps():
    """Processes of this cluster's jobs: they carry its configuration in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            environment = process.environ()
            if process.pid != os.getpid() and "SLURM_JOB_ID" in environment:
                found += [process] * (environment.get("SLURM_CONF") == os.environ["SLURM_CONF"])
    return found


def configure(folder):
    """Write the configuration and the key; every command of Slurm finds them from here on."""
    (folder / "state").mkdir()
    for node in NODES:
        (folder / f"spool_{node}").mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    values = {
        "folder": folder,
        "host": socket.gethostname().partition(".")[0],
        "ports": free_ports(3),
        "user": psutil.Process().username(),
    }
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(**values))
    os.environ |= {"SLURM_CONF": str(configuration), "PATH": PATH}
    return configuration


@contextmanager
def daemons(folder):
    """The key's keeper, the controller, and the nodes, as children of this process."""
    munge = [
        *("--key-file", folder / "munge.key", "--socket", folder / "munge.socket"),
        *("--pid-file", folder / "munged.pid", "--seed-file", folder / "munge.seed"),
        *("--log-file", folder / "munged.log"),
    ]
    started = []

    def start(*command):
        with (folder / "daemons.log").open("a") as log:
            started.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            )

    try:
        start("munged", "--foreground", "--force", *munge)
        wait_for((folder / "munge.socket").exists, 20, "no munge")
        start("slurmctld", "-D", "-c")
        for node in NODES:
            start("slurmd", "-D", "-N", node)
        idle = str(len(NODES))
        wait_for(
            lambda: say("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == idle, 60, "no nodes"
        )
        yield
    finally:
        with suppress(subprocess.TimeoutExpired):
            say("scancel", "-u", psutil.Process().username())
            wait_for(lambda: not say("squeue", "-h"), 20)
        for process in steps():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for daemon in reversed(started):
            daemon.terminate()
        for daemon in reversed(started):
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


@contextmanager
def cluster(folder):
    """Start a cluster in a process of its own; what it needs in the environment."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C at the terminal does not reach the daemons
    )
    try:
        configuration = process.stdout.readline().strip()
        assert configuration, (folder / "daemons.log").read_text()
        yield {"SLURM_CONF": configuration, "PATH": PATH}
    finally:
        process.stdin.close()
        process.wait(60)


def main():
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = configure(folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with daemons(folder):
        print(configuration, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
