"""A Ctrl-C is noticed, whichever thread the kernel hands it to."""

import contextlib
import signal
import sys
import threading
import time

import pytest

import project
from gradient_horizon.commands.run import awake
from slurm_cluster import wait_for

TIMEOUT = 6  # seconds until a main thread that nothing wakes wakes by itself


def seconds_until_noticed(waiting):
    """How long the main thread waits on after another one was handed a Ctrl-C."""
    pressed = []

    def take_it():
        pressed.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)  # to this thread

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with waiting, pytest.raises(KeyboardInterrupt):
            threading.Timer(0.5, take_it).start()
            threading.Semaphore(0).acquire(timeout=TIMEOUT)  # as Snakemake does, without end
    finally:
        signal.signal(signal.SIGINT, before)
    return time.monotonic() - pressed[0]


def test_a_main_thread_that_sleeps_notices_late():
    """Unless it is woken: why a run of Snakemake now and then missed a Ctrl-C."""
    assert seconds_until_noticed(contextlib.nullcontext()) > TIMEOUT - 1
    assert seconds_until_noticed(awake()) < TIMEOUT / 2


def test_no_alarm_outlives_the_wait():
    """It would kill Python at its end."""
    before = signal.getsignal(signal.SIGALRM)
    try:
        with pytest.raises(SystemExit), awake():
            assert signal.getitimer(signal.ITIMER_REAL)[1] == 1
            sys.exit()
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(sys.platform != "linux", reason="aims at a thread as Linux does")
def test_a_run_notices_what_another_thread_was_handed(tmp_path):
    """Long before the job ends that it waits for."""
    echo = project.TINY["experiments"]["delayed_echo"]
    long = echo | {"training": echo["training"] | {"steps": 1_000_000}}
    experiments = project.TINY["experiments"] | {"delayed_echo": long}
    folder = project.tiny_copy(tmp_path / "project", project.TINY | {"experiments": experiments})
    log, trained = tmp_path / "log", "results/delayed_echo/rnn_tanh_gaussian_rho1.00/train.npz"
    run = project.start(folder, log, trained, "--configfile", "tiny.yaml")
    try:
        wait_for(lambda: list(folder.glob("logs/train_networks/*/*.log")), 60, "no training")
        project.interrupt_elsewhere(run)
        wait_for(lambda: "Terminating processes" in log.read_text(), 20, "not noticed")
        assert not (folder / trained).exists()
    finally:
        project.kill_group(run)
