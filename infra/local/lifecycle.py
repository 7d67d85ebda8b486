"""The status of a place's local cloud, the phases of its start, and stopping it."""

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Protocol

from infra.local.env_file import read_env_file
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place, check_disk_space, find_root, free_bytes, place_in
from infra.local.processes.background import is_alive, stop
from infra.local.processes.lock import sole_command
from infra.local.processes.run_ledger import Ledger, read_ledger
from infra.local.processes.waiting import Clock

CLOUD = "cloud"
SYNTH = "synth"
DEPLOY = "deploy"
_PATIENCE_SECONDS = 10


class Progress(Protocol):
    """Receives the phases of a start, which may overlap."""

    def begin(self, phase: str) -> None:
        """Report that a phase begins."""

    def end(self, phase: str, note: str = "") -> None:
        """Report that a phase has ended; ``note`` describes its result."""


class CloudStatus(Enum):
    """The status of a local cloud."""

    DOWN = "down"
    """Nothing runs."""
    BUSY = "busy"
    """It belongs to a command that is still running and stops it at its end."""
    UP = "up"
    """It runs with a deployed stack until `cutout down` stops it."""
    BROKEN = "broken"
    """One of its processes has ended, or its command was killed."""


def status(place: Place) -> CloudStatus:
    """Return the status of this place's local cloud."""
    ledger = read_ledger(place.ledger_file)
    if ledger is None:
        return CloudStatus.BROKEN if place.ledger_file.exists() else CloudStatus.DOWN
    if ledger.owner is not None:
        return CloudStatus.BUSY if is_alive(ledger.owner) else CloudStatus.BROKEN
    return CloudStatus.UP if is_usable(place, ledger) else CloudStatus.BROKEN


def is_usable(place: Place, ledger: Ledger | None = None) -> bool:
    """Return True if commands can use it: everything runs and the stack is deployed."""
    ledger = ledger or read_ledger(place.ledger_file)
    return (
        ledger is not None
        and place.env_file.is_file()
        and bool(ledger.fingerprint)
        and all(is_alive(process) for process in ledger.processes)
    )


def is_like(place: Place, asked: Mapping[str, str]) -> bool:
    """Return True if the running cloud was started with these options."""
    ledger = read_ledger(place.ledger_file)
    return ledger is not None and dict(ledger.asked) == dict(asked)


def stop_local_cloud(place: Place, clock: Clock) -> bool:
    """Stop the local cloud and delete its files except logs. Returns False if there was none."""
    with sole_command(place, clock, patience_seconds=_PATIENCE_SECONDS):
        return remove(place, clock)


def remove(place: Place, clock: Clock) -> bool:
    """Do the same for a command that holds the lock; a second Ctrl-C does not interrupt it."""
    ledger = read_ledger(place.ledger_file)
    with _interrupts_ignored():
        for process in reversed(ledger.processes if ledger else ()):
            stop(process, clock)
        place.env_file.unlink(missing_ok=True)
        shutil.rmtree(place.scratch, ignore_errors=True)
        shutil.rmtree(place.tls, ignore_errors=True)
        # Last: until then, another command sees that there is something to remove.
        place.ledger_file.unlink(missing_ok=True)
    return ledger is not None


def local_variables(folder: Path) -> dict[str, str] | None:
    """Return the variables for the local cloud of the folder's project, None if it is not up."""
    root = find_root(folder)
    if root is None:
        return None
    place = place_in(root)
    return read_env_file(place.env_file) if is_usable(place) else None


def variables_if_up(
    folder: Path, free: Callable[[Path], int] = free_bytes
) -> dict[str, str] | None:
    """Return the same variables; None if there is no local cloud.

    LocalCloudError if it cannot be used, or its disk is full: a command that was meant for it must
    not run on AWS instead.
    """
    root = find_root(folder)
    if root is None:
        return None
    place = place_in(root)
    if (variables := local_variables(root)) is not None:
        check_disk_space(place.state, free)
        return variables
    match status(place):
        case CloudStatus.DOWN:
            return None
        case CloudStatus.BROKEN:
            raise LocalCloudError(
                "The local cloud of this project has crashed.",
                advice="`cutout up` starts it again, `cutout down` removes it; "
                "pass `--aws` to use AWS.",
            )
        case _:
            raise LocalCloudError(
                "The local cloud of this folder is being started or stopped.",
                advice="Wait until that has finished; pass `--aws` to use AWS.",
            )


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the context."""
    # Python delivers it to the main thread, and lets no other thread handle it.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
