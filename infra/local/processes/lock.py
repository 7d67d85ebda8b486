"""A lock, so that one command at a time starts or stops the local cloud of a folder.

The operating system releases the lock when the process ends, even if it is killed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place
from infra.local.processes.waiting import Clock, wait_until


@contextmanager
def sole_command(place: Place, clock: Clock, *, patience_seconds: float = 0) -> Iterator[None]:
    """Hold the lock of a place; LocalCloudError if another command keeps it longer than that."""
    for folder in (place.state, place.cache):
        folder.mkdir(parents=True, exist_ok=True)
        # They hold credentials, keys and logs.
        folder.chmod(0o700)
    # Opened without emptying it: it names the process that holds the lock.
    with place.lock_file.open("a+") as file:
        if not wait_until(lambda: _lock(file), clock, timeout_seconds=patience_seconds):
            file.seek(0)
            raise LocalCloudError(
                f"Another command (process {file.read() or 'unknown'}) is starting or stopping the "
                "local cloud of this folder.",
                advice="Wait until it has finished.",
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
