"""Processes that outlive the command that starts them, identified by pid and start time.

A pid alone does not identify a process: the system reuses it. So each record has the start time,
too, and a process is signalled only if both match.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.local_cloud_error import LocalCloudError
from infra.local.processes.waiting import Clock, wait_until

_PROC = Path("/proc")
_ENDED = frozenset("ZX")
_START_TIMEOUT_SECONDS = 120  # a process that has ended is noticed at once


@dataclass(frozen=True, kw_only=True)
class ProcessRecord:
    """One process; ``born`` is its start time as an opaque text."""

    name: str
    pid: int
    born: str


def record(name: str, pid: int) -> ProcessRecord | None:
    """Return the record of the running process with this pid, None if there is none."""
    born = _start_time(pid)
    return None if born is None else ProcessRecord(name=name, pid=pid, born=born)


def is_alive(process: ProcessRecord) -> bool:
    """Return True if the process still runs; reap it if it is an ended child."""
    # An ended child stays in the table of processes, with its start time, until it is waited for.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return _start_time(process.pid) == process.born


def spawn(
    name: str, argv: list[str], *, environment: Mapping[str, str], log: Path
) -> ProcessRecord:
    """Start a process in its own session, with exactly this environment, and do not wait for it.

    Its output overwrites ``log``, which an OSError names. It does not end with this process; use
    ``stop`` and its record.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # Opened here: an error in the new process would be reported without the name of the file.
    log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    with os.fdopen(log_file, "wb") as output:
        # It inherits no file: `flock FILE cutout up` would keep its lock until `cutout down`.
        process = subprocess.Popen(  # noqa: S603 - our own servers
            argv,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    # Otherwise Python would warn that it still runs when this object is deleted.
    process.returncode = 0
    return record(name, process.pid) or ProcessRecord(name=name, pid=process.pid, born="")


def wait_until_ready(
    process: ProcessRecord, is_ready: Callable[[], bool], clock: Clock, log: Path, title: str
) -> None:
    """Wait until a new process is ready; LocalCloudError, which names its log, if it never is."""
    in_time = wait_until(
        lambda: is_ready() or not is_alive(process), clock, timeout_seconds=_START_TIMEOUT_SECONDS
    )
    if not in_time or not is_alive(process):
        raise LocalCloudError(f"{title} did not start.", advice=f"Its log is {log}.")


def stop(process: ProcessRecord, clock: Clock, *, timeout_seconds: float = 3) -> None:
    """Stop a process and its children, first with SIGTERM, and wait until it has ended."""
    if not is_alive(process):
        return
    _signal(os.kill, process.pid, signal.SIGTERM)
    if not wait_until(lambda: not is_alive(process), clock, timeout_seconds=timeout_seconds):
        _signal(os.kill, process.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(process), clock, timeout_seconds=timeout_seconds)
    # The remaining processes of the session that it led.
    _signal(os.killpg, process.pid, signal.SIGKILL)


def _signal(send: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send(pid, number)


def _start_time(pid: int) -> str | None:
    if _PROC.is_dir():
        return _start_time_on_linux(pid)
    return _start_time_by_ps(pid)


def _start_time_on_linux(pid: int) -> str | None:
    """Read state and start time (fields 3 and 22 of proc(5)'s ``stat``)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may contain both.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in _ENDED else fields[19]


def _start_time_by_ps(pid: int) -> str | None:
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
