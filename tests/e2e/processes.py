"""The processes of the local cloud: a function's workers, and the stand-in."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from infra.local.processes.background import ProcessRecord, stop
from infra.local.processes.run_ledger import Ledger, read_ledger, write_ledger
from infra.local.provider_server import start_stand_in, wait_for_stand_in
from tests.e2e.deployed import Deployed
from tests.support.local_cloud import MachineClock

_CLOUD, _STAND_IN = "ministack", "evolink"


def kill_workers(deployed: Deployed, function: str) -> int:
    """Kill what runs a function, in the middle of whatever it does; return how many there were.

    The workers are children of the local cloud; their code lies in a folder that says whose it is.
    """
    name = deployed.function_name(function)
    cloud = _record(_ledger(deployed), _CLOUD)
    commands = {pid: _text(Path(f"/proc/{pid}/cmdline")) for pid in _children(cloud.pid)}
    workers = [pid for pid, line in commands.items() if f"ministack-lambda-{name}-" in line]
    for pid in workers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(workers)


@contextmanager
def stand_in_down(deployed: Deployed) -> Iterator[None]:
    """Let the stand-in end, and start again with its state."""
    ledger = _ledger(deployed)
    running = _record(ledger, _STAND_IN)
    stop(running, MachineClock())
    others = tuple(it for it in ledger.processes if it != running)
    write_ledger(deployed.place.ledger_file, replace(ledger, processes=others))
    try:
        yield
    finally:
        started = start_stand_in(
            deployed.place,
            deployed.cloud.api,
            more_keys=deployed.evolink_keys[1:],
            authority=Path(deployed.cloud.variables["AWS_CA_BUNDLE"]),
            arguments=deployed.evolink_arguments,
        )
        write_ledger(deployed.place.ledger_file, _ledger(deployed).with_process(started))
        wait_for_stand_in(started, deployed.place, MachineClock())


def _ledger(deployed: Deployed) -> Ledger:
    ledger = read_ledger(deployed.place.ledger_file)
    assert ledger is not None
    return ledger


def _record(ledger: Ledger, name: str) -> ProcessRecord:
    (found,) = (process for process in ledger.processes if process.name == name)
    return found


def _children(pid: int) -> list[int]:
    """Return the children of every thread of a process, as proc(5) lists them."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in _text(task / "children").split()]


def _text(file: Path) -> str:
    """Return the content of a file of a thread or process; nothing if that has ended since."""
    with suppress(OSError):
        return file.read_text()
    return ""
