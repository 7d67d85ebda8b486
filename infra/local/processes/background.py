"""Processes that outlive the command that starts them, known by pid and time of birth.

A pid alone is not an identity: the system gives it to somebody else once its owner has ended.
So each record keeps the birth time too, and nothing is signalled unless both still agree.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.local.processes.waiting import Clock

_PROC = Path("/proc")
_ENDED = frozenset("ZX")


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One process: ``born`` is opaque and stays the same for as long as it lives."""

    name: str
    pid: int
    born: str


def record(name: str, pid: int) -> ProcessRecord | None:
    """Return the record of a living process, or None if there is none with this pid."""
    born = _birth(pid)
    return None if born is None else ProcessRecord(name=name, pid=pid, born=born)


def is_alive(process: ProcessRecord) -> bool:
    """Say whether this very process still runs; one that has ended is buried on the way."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return _birth(process.pid) == process.born


def spawn(
    name: str, argv: list[str], *, environment: Mapping[str, str], log: Path
) -> ProcessRecord:
    """Start a process in a session of its own, with just this environment, and let go of it.

    Its output goes to ``log``, which begins anew. It is not tied to this process: whoever holds
    the record ends it.

    Raises:
        OSError: The log cannot be written; it names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # Opened here: what fails in the new process is reported without the name of the file.
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    actions = [
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    ]
    try:
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions, setsid=True)
    finally:
        os.close(output)
    return record(name, pid) or ProcessRecord(name=name, pid=pid, born="")


def stop(process: ProcessRecord, clock: Clock, *, timeout_seconds: float = 3) -> None:
    """End a process and what it has started, politely first, and wait until it is gone."""
    if not is_alive(process):
        return
    _signal(process.pid, signal.SIGTERM)
    if not wait_until(lambda: not is_alive(process), clock, timeout_seconds=timeout_seconds):
        _signal(process.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(process), clock, timeout_seconds=timeout_seconds)
    _signal_group(process.pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal whatever is left of the session that this process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _birth(pid: int) -> str | None:
    if _PROC.is_dir():
        return _birth_on_linux(pid)
    return _birth_by_ps(pid)


def _birth_on_linux(pid: int) -> str | None:
    """Read state and start time (fields 3 and 22 of proc(5)'s ``stat``)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _ENDED else fields[19]


def _birth_by_ps(pid: int) -> str | None:
    shown = subprocess.run(  # noqa: S603 - a fixed command and a number
        ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split(maxsplit=1)
    expected_fields = 2
    if len(shown) < expected_fields or shown[0][0] in _ENDED:
        return None
    return shown[1].strip()
