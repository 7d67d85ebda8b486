"""The child process: it examines or copies one photo and prints the answer.

    python -m cutout.adapters.pillow.sandbox.child LIMITS WORK FILE [INTO [WIDTH HEIGHT MAX_BYTES]]

LIMITS are MB of memory, seconds of processor time and MB of each written file. They are set before
the decoders are loaded and cannot be raised again. The network and other programs are blocked.
"""

from __future__ import annotations

import errno
import json
import resource
import sys
from pathlib import Path
from typing import Any

from cutout.adapters.pillow.sandbox.confinement import confine_this_process

_MB = 1 << 20
# Errors of a write beyond the limit, since Python ignores SIGXFSZ.
_NO_ROOM = frozenset({errno.EFBIG, errno.ENOSPC})


def main(limits: str, work: str, *arguments: str) -> None:
    """Set the limits, do the work, and print JSON: the result, or why there is none."""
    memory_mb, cpu_seconds, file_mb = map(int, limits.split(","))
    _limit(resource.RLIMIT_AS, memory_mb * _MB)
    # The kernel sends SIGXCPU at the first limit, and SIGKILL one second later.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    _limit(resource.RLIMIT_FSIZE, file_mb * _MB)
    _limit(resource.RLIMIT_CORE, 0)
    confine_this_process()
    try:
        answer = _done(work, *arguments)
    except MemoryError:
        answer = {"lacks": "memory"}
    except OSError as exc:
        if exc.errno not in _NO_ROOM:
            raise
        answer = {"lacks": "disk"}
    sys.stdout.write(json.dumps(answer))


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


def _done(work: str, file: str, *more: str) -> dict[str, Any]:
    from cutout.adapters.pillow.copier import PillowCopier  # noqa: PLC0415 - after the limits
    from cutout.domain.errors import NotAPhotoError  # noqa: PLC0415 - as above
    from cutout.domain.serialization import to_row  # noqa: PLC0415 - as above

    copier, photo = PillowCopier(), Path(file)
    try:
        if work == "look":
            return {"seen": to_row(copier.look(photo))}
        into = Path(more[0])
        if work == "upright":
            return {"copy": to_row(copier.upright(photo, into))}
        width, height, max_bytes = map(int, more[1:])
        return {"copy": to_row(copier.copy(photo, into, (width, height), max_bytes))}
    except NotAPhotoError as exc:
        return {"reason": exc.reason, "message": str(exc)}


if __name__ == "__main__":
    main(*sys.argv[1:])
