"""Decodes uploads, which are untrusted, in a child process with limits.

If a file makes the decoder crash, loop or use too much memory, only the child process ends, and the
photo is refused with a reason. The child's answer is validated, since a file may have compromised
it.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import GIVEN_BY_METADATA, REFUSALS, Reason
from cutout.domain.serialization import from_row
from cutout.ports.pictures import Copy, PhotoHeader

# A name, not an import: the function's own process must not load the decoders.
_MODULE: Final = "cutout.adapters.pillow.sandbox.child"
_LONGEST_ANSWER = 10_000
LOOK_SECONDS: Final = 8
"""The time limit of `look`, which decodes nothing; starting the process takes most of it."""
_KEPT_VARIABLES = ("LD_LIBRARY_PATH",)
_PR_SET_DUMPABLE = 4
_SIDES = range(1, 1 << 31)  # of a picture, in pixels
_FORMAT = re.compile("[a-z0-9]{1,8}")
_REPORTED = REFUSALS - GIVEN_BY_METADATA
"""Reasons that a decoder may give: it reads no metadata, and may be compromised by a photo."""
_NO_ANSWER = "the decoder gave no answer"
S = TypeVar("S", PhotoHeader, Copy)


@dataclass(frozen=True, kw_only=True)
class DecoderLimits:
    """The limits of one child process: address space, each written file, and time.

    `seconds` is processor time as well as elapsed time; at most `LOOK_SECONDS` for `look`.
    """

    memory_mb: int
    seconds: int
    file_mb: int


class DecoderProcess:
    """Examines and copies photos, each time in a new child process, which runs the module."""

    def __init__(self, limits: DecoderLimits, module: str = _MODULE) -> None:
        self.limits = limits
        self._module = module

    def look(self, file: Path) -> PhotoHeader:
        """What the file's header says; nothing is decoded."""
        return _read(PhotoHeader, self._run(file, "look").get("seen"))

    def copy(self, file: Path, into: Path, size: tuple[int, int], max_bytes: int) -> Copy:
        """Make an upright sRGB picture of 8 bits a channel; of an animation, the first frame."""
        return _written(into, self._run(file, "copy", into, *size, max_bytes))

    def upright(self, file: Path, into: Path) -> Copy:
        """Make an upright sRGB PNG of every pixel, with the photo's transparency."""
        return _written(into, self._run(file, "upright", into))

    def _run(self, file: Path, work: str, *arguments: object) -> dict[str, Any]:
        """The answer of a child; NotAPhotoError if the photo is at fault, or there is no answer."""
        limits = self.limits
        seconds = min(limits.seconds, LOOK_SECONDS) if work == "look" else limits.seconds
        sent = f"{limits.memory_mb},{seconds},{limits.file_mb}"
        command = [sys.executable, "-S", "-P", "-m", self._module, sent, work, str(file)]
        command += map(str, arguments)
        # A file without a name, because the child could replace a named one by a pipe or a link.
        with tempfile.TemporaryFile() as answer:
            ended = _ended(command, answer, file.parent, seconds)
            if ended != 0:
                raise _cannot(_why(ended, seconds))
            answer.seek(0)
            return self._parsed(answer.read(_LONGEST_ANSWER))

    def _parsed(self, sent: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(sent)
        except (ValueError, RecursionError) as exc:
            raise _cannot(_NO_ANSWER) from exc
        if not isinstance(answer, dict):
            raise _cannot(_NO_ANSWER)
        if answer.get("lacks") == "disk":
            raise _cannot(f"a copy of it has more than {self.limits.file_mb:,} MB")
        if "lacks" in answer:
            raise _cannot(f"it takes more than {self.limits.memory_mb:,} MB of memory")
        reason = answer.get("reason")
        if reason is not None:
            known = next((one for one in _REPORTED if one == reason), Reason.CANNOT_BE_PREPARED)
            raise NotAPhotoError(known, str(answer.get("message")))
        return answer


def shield_this_process() -> None:
    """Keep other processes of the same user from reading this one's memory and environment."""
    # They hold the function's credentials, which a compromised decoder must not get. With this,
    # /proc/PID belongs to root, and ptrace is refused: prctl(2).
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _why(ended: int | None, seconds: int) -> str:
    if ended is None:
        return f"it took longer than {seconds} s"
    if ended == -signal.SIGXCPU:
        return f"it took longer than {seconds} s of processor time"
    if ended < 0:
        return f"the decoder ended: signal {-ended} ({signal.strsignal(-ended)})"
    return f"the decoder ended: exit status {ended}"


def _ended(command: list[str], answer: IO[bytes], folder: Path, seconds: int) -> int | None:
    """The exit status of a command; None if it was killed because its time was up."""
    with subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=answer,
        stderr=subprocess.DEVNULL,  # a compromised decoder could write anything into the log
        env=_environment(),
        cwd=folder,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end_all(process)


def _end_all(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all that it started."""
    try:
        # Its own session, so that the group's number is the process's.
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _environment() -> dict[str, str]:
    """What Python needs to find the decoders, without credentials and names of resources."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Each further arena of malloc reserves 64 MB of the address space.
        "MALLOC_ARENA_MAX": "2",
    }


def _read(kind: type[S], sent: object) -> S:
    """Return the report if its sides and format are valid; the format becomes part of a key."""
    try:
        report = from_row(kind, sent)  # type: ignore[arg-type] # that is what may fail
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as exc:
        raise _cannot(_NO_ANSWER) from exc
    has_sides = report.width in _SIDES and report.height in _SIDES
    if not has_sides or _FORMAT.fullmatch(report.format) is None:
        raise _cannot(_NO_ANSWER)
    return report


def _written(into: Path, answer: dict[str, Any]) -> Copy:
    """Return the copy the decoder reports. Its file must exist and must not be a symbolic link."""
    copy = _read(Copy, answer.get("copy"))
    if into.is_symlink() or not into.is_file():
        raise _cannot("the decoder wrote no copy")
    return copy


def _cannot(why: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.CANNOT_BE_PREPARED, why)
