"""One command at a time starts the local cloud of a folder or takes it down.

The operating system lets go of the lock when its process ends, however that comes about.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from infra.local.errors import LocalCloudError
from infra.local.place import make_private
from infra.local.processes.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOWrapper

    from infra.local.place import Place
    from infra.local.processes.waiting import Clock


@contextmanager
def sole_command(place: Place, clock: Clock, *, patience_seconds: float = 0) -> Iterator[None]:
    """Hold the lock of a place while the context lasts.

    Args:
        place: Where the local cloud is.
        clock: How to wait.
        patience_seconds: How long to wait for another command.

    Raises:
        LocalCloudError: Another command holds it; the message names its process.
    """
    make_private(place)
    with place.lock_file.open("a+") as file:
        if not wait_until(lambda: _lock(file), clock, timeout_seconds=patience_seconds):
            file.seek(0)
            raise LocalCloudError(
                f"Another command (process {file.read() or 'unknown'}) is starting the local cloud "
                "of this folder or taking it down.",
                advice="Wait until it has ended.",
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
