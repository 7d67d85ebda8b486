"""Whether the local cloud of a place is up, and how it is taken down."""

from __future__ import annotations

import shutil
import signal
import threading
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

from infra.local.disk_space import free_bytes, refuse_full_disk
from infra.local.env_file import read_env_file
from infra.local.errors import LocalCloudError
from infra.local.place import find_root, place_in
from infra.local.processes.background import is_alive, stop
from infra.local.processes.lock import sole_command
from infra.local.processes.run_ledger import drop_ledger, read_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from infra.local.place import Place
    from infra.local.processes.run_ledger import Ledger
    from infra.local.processes.waiting import Clock


_PATIENCE_SECONDS = 10


class Status(Enum):
    """How a local cloud stands."""

    DOWN = "down"
    """Nothing runs."""
    BUSY = "busy"
    """A command that is still running started it, and takes it down when it ends."""
    UP = "up"
    """It runs, the stack is deployed, and it stays until somebody takes it down."""
    BROKEN = "broken"
    """Something is left of it: a process has ended, or its command was killed."""


def status(place: Place) -> Status:
    """Say how the local cloud of this place stands."""
    ledger = read_ledger(place.ledger_file)
    if ledger is None:
        return Status.BROKEN if place.ledger_file.exists() else Status.DOWN
    if ledger.owner is not None:
        return Status.BUSY if is_alive(ledger.owner) else Status.BROKEN
    return Status.UP if is_usable(place, ledger) else Status.BROKEN


def is_usable(place: Place, ledger: Ledger | None = None) -> bool:
    """Say whether commands can use the cloud: everything runs and the stack is deployed."""
    ledger = ledger or read_ledger(place.ledger_file)
    return (
        ledger is not None
        and place.env_file.is_file()
        and bool(ledger.fingerprint)
        and all(is_alive(process) for process in ledger.processes)
    )


def is_like(place: Place, asked: Mapping[str, str]) -> bool:
    """Say whether the cloud that is up was asked to be like this."""
    ledger = read_ledger(place.ledger_file)
    return ledger is not None and dict(ledger.asked) == dict(asked)


def take_down(place: Place, clock: Clock) -> bool:
    """End what runs and remove what it needed; logs stay. Returns False if there was nothing.

    Raises:
        LocalCloudError: Another command is still at it.
    """
    with sole_command(place, clock, patience_seconds=_PATIENCE_SECONDS):
        return clear_away(place, clock)


def clear_away(place: Place, clock: Clock) -> bool:
    """Do the same for a command that holds the lock.

    It takes a moment in which an impatient second Ctrl-C is not listened to.
    """
    ledger = read_ledger(place.ledger_file)
    with _undisturbed():
        for process in reversed(ledger.processes if ledger else ()):
            stop(process, clock)
        place.env_file.unlink(missing_ok=True)
        shutil.rmtree(place.scratch, ignore_errors=True)
        shutil.rmtree(place.tls, ignore_errors=True)
        drop_ledger(place.ledger_file)
    return ledger is not None


def local_variables(folder: Path) -> dict[str, str] | None:
    """Return how to use the local cloud of the project that a folder lies in, if it is up."""
    root = find_root(folder)
    if root is None:
        return None
    place = place_in(root)
    return read_env_file(place.env_file) if is_usable(place) else None


def variables_if_up(
    folder: Path, free: Callable[[Path], int] = free_bytes
) -> dict[str, str] | None:
    """Return the same; None if there is no local cloud at all.

    Raises:
        LocalCloudError: There is one that cannot be used, or its disk is full. Whoever meant it
            shall not find himself on AWS instead.
    """
    root = find_root(folder)
    variables = local_variables(folder)
    if root is None:
        return None
    if variables is not None:
        refuse_full_disk(place_in(root).state, free)
        return variables
    match status(place_in(root)):
        case Status.DOWN:
            return None
        case Status.BROKEN:
            raise LocalCloudError(
                "The local cloud of this folder has ended unasked.",
                advice="`cutout up` starts it anew, `cutout down` tidies it away; "
                "`--aws` means AWS.",
            )
        case _:
            raise LocalCloudError(
                "The local cloud of this folder is being started or taken down.",
                advice="Wait until that is over; `--aws` means AWS.",
            )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C while the context lasts; only the main thread hears of it anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
