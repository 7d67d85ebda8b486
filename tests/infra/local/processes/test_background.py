"""Processes in the background."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.processes.background import ProcessRecord, is_alive, record, spawn, stop
from infra.local.processes.waiting import wait_until
from tests.support.local_cloud import MachineClock

CLOCK = MachineClock()
SLEEPER = "import time; time.sleep(60)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "{SLEEPER}"]).pid, flush=True)
time.sleep(60)
"""


class Nursery:
    """Starts processes, and stops those that the test leaves running."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "process.log"
        self.started: list[ProcessRecord] = []

    def start(self, program: str, **environment: str) -> ProcessRecord:
        """Run a little Python program."""
        argv = [sys.executable, "-I", "-c", program]
        process = spawn("test", argv, environment=environment, log=self.log)
        self.started.append(process)
        return process

    def said(self, text: str = "\n") -> str:
        """Wait until a process has printed a text, and return its output."""
        assert wait_until(lambda: text in self.log.read_text(), CLOCK, timeout_seconds=10)
        return self.log.read_text().strip()


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    """Starts processes, and stops them after the test."""
    nursery = Nursery(tmp_path)
    yield nursery
    for process in nursery.started:
        stop(process, CLOCK)


def test_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The new process would fail to open it, and Python would name the program instead."""
    log = tmp_path / "log"
    log.mkdir()
    with pytest.raises(IsADirectoryError) as refused:
        spawn("test", [sys.executable, "-c", ""], environment={}, log=log)
    assert refused.value.filename == str(log)


_DECIDE_WITHOUT_A_LOG = """
from types import SimpleNamespace
from ministack.core import iam_evaluator
iam_evaluator.evaluate = lambda ctx: SimpleNamespace(decision="Allow")
from infra.local.ministack.corrections import apply_corrections
apply_corrections()
asked = SimpleNamespace(principal_arn="arn:x", action="s3:GetObject", resource_arn="arn:y")
print([iam_evaluator.evaluate(asked).decision for _ in range(3)], flush=True)
"""


_MATCH = """
from ministack.core import iam_evaluator
from infra.local.ministack.corrections import apply_corrections
apply_corrections()
key = "arn:aws:s3:::uploads/a\\nb.jpg"
print([iam_evaluator.fnmatch_iam_cs(key, f"arn:aws:s3:::{one}/*") for one in ("uploads", "other")])
"""


def test_a_policy_matches_keys_with_line_breaks() -> None:
    """Otherwise the functions may not read such a photo, and its job waits forever."""
    told = subprocess.run(  # noqa: S603 - a program that is written out above
        [sys.executable, "-P", "-c", _MATCH],
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == "[True, False]\n"


def test_requests_are_answered_when_the_log_of_decisions_cannot_be_written() -> None:
    """On a full disk, data in MiniStack's memory can still be read."""
    told = subprocess.run(  # noqa: S603 - a program that is written out above
        [sys.executable, "-P", "-c", _DECIDE_WITHOUT_A_LOG],
        env={"PATH": os.defpath, "CUTOUT_DECISIONS_LOG": "/dev/full"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout == "['Allow', 'Allow', 'Allow']\n"


def test_process_runs_in_the_background_until_it_is_stopped(nursery: Nursery) -> None:
    """Afterwards no process has its pid."""
    process = nursery.start(SLEEPER)
    assert is_alive(process)
    stop(process, CLOCK)
    assert not is_alive(process)
    assert record("test", process.pid) is None


def test_process_gets_only_its_given_environment(nursery: Nursery) -> None:
    """No variable of the person's shell reaches the local cloud."""
    nursery.start("import os; print(sorted(os.environ))", GIVEN="1", LC_ALL="C")
    assert nursery.said() == "['GIVEN', 'LC_ALL']"


def test_process_inherits_no_open_file(nursery: Nursery) -> None:
    """A lock that `flock` passes to `cutout up` must not stay locked while the cloud runs."""
    opened = os.open(os.devnull, os.O_RDONLY)
    inherited = os.dup2(opened, 200)
    os.close(opened)
    try:
        nursery.start(f"import os; print(os.path.exists('/dev/fd/{inherited}'))")
        assert nursery.said() == "False"
    finally:
        os.close(inherited)


def test_output_of_a_process_is_in_its_log_which_is_overwritten(nursery: Nursery) -> None:
    """Including stderr; the output of an earlier process is overwritten."""
    nursery.log.write_text("of yesterday\n")
    nursery.start("import sys; print('out', flush=True); print('error', file=sys.stderr)")
    assert nursery.said("error\n") == "out\nerror"


def test_process_is_not_tied_to_the_terminal(nursery: Nursery) -> None:
    """Ctrl-C at the command that started it does not reach it."""
    nursery.start("import os; print(os.getsid(0) == os.getpid())")
    assert nursery.said() == "True"


def test_a_process_that_ignores_sigterm_is_killed(nursery: Nursery) -> None:
    """After the time-out."""
    process = nursery.start(STUBBORN)
    nursery.said("deaf")
    stop(process, CLOCK, timeout_seconds=0.1)
    assert not is_alive(process)


def test_child_processes_end_with_their_process(nursery: Nursery) -> None:
    """The functions of a local cloud end with it."""
    process = nursery.start(PARENT)
    child = record("child", int(nursery.said()))
    assert child is not None
    stop(process, CLOCK)
    assert wait_until(lambda: not is_alive(child), CLOCK, timeout_seconds=10)


def test_ended_process_is_not_alive(nursery: Nursery) -> None:
    """Even while it is a zombie."""
    process = nursery.start("")
    assert wait_until(lambda: not is_alive(process), CLOCK, timeout_seconds=10)


def test_other_process_with_the_same_pid_is_not_stopped(nursery: Nursery) -> None:
    """The system reuses pids; the start time tells processes apart."""
    process = nursery.start(SLEEPER)
    predecessor = replace(process, born="long ago")
    stop(predecessor, CLOCK)
    assert not is_alive(predecessor)
    assert is_alive(process)


def test_record_of_this_process_is_alive() -> None:
    """It is always the same."""
    myself = record("me", os.getpid())
    assert myself is not None
    assert is_alive(myself)
    assert record("me", os.getpid()) == myself
