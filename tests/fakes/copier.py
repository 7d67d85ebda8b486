from __future__ import annotations

import json
import math
import struct
from pathlib import Path

from cutout.errors import NotAPhotoError
from cutout.ports.pictures import Copy, Seen
from cutout.states import Reason
from tests.fakes.steps import Step, no_step

_MAGIC = b"MM\0*"
_BYTES_PER_PIXEL = 4


def tiff(
    width: int = 600,
    height: int = 400,
    *,
    orientation: int = 1,
    is_damaged: bool = False,
    has_alpha: bool = False,
    salt: int = 0,
) -> bytes:
    """A file that begins like a TIFF and says what the fake copier shall see in it."""
    seen = [width, height, orientation]
    facts = {"seen": seen, "damaged": is_damaged, "alpha": has_alpha, "salt": salt}
    return _MAGIC + json.dumps(facts).encode()


def size_of(photo: Path) -> tuple[int, int]:
    """Width and height that a file says it has: one that `tiff` makes, or a PNG."""
    data = photo.read_bytes()
    if data.startswith(_MAGIC):
        width, height, _orientation = json.loads(data.removeprefix(_MAGIC))["seen"]
    else:
        width, height = struct.unpack(">II", data[16:24])
    return width, height


def seen_in(photo: bytes) -> tuple[int, int, int]:
    """Width, height and salt of a file that `tiff` makes."""
    facts = json.loads(photo.removeprefix(_MAGIC))
    return facts["seen"][0], facts["seen"][1], facts["salt"]


class FakeCopier:
    """Reads the files that `tiff` makes; its copies say what size they have."""

    def __init__(self, step: Step = no_step) -> None:
        self._step = step

    def look(self, file: Path) -> Seen:
        self._step("copier.look")
        facts = self._facts(file)
        width, height, orientation = facts["seen"]
        return Seen(format="tiff", width=width, height=height, orientation=orientation)

    def copy(self, file: Path, into: Path, size: tuple[int, int], max_bytes: int) -> Copy:
        self._step("copier.copy")
        if self._facts(file)["damaged"]:
            raise NotAPhotoError(Reason.DAMAGED_PHOTO, "the file cannot be decoded: cut short")
        scale = min(1.0, math.sqrt(max_bytes / (_BYTES_PER_PIXEL * size[0] * size[1])))
        width, height = int(size[0] * scale), int(size[1] * scale)
        if min(width, height) == 0:
            text = f"no copy of it has at most {max_bytes:,} bytes"
            raise NotAPhotoError(Reason.CANNOT_BE_PREPARED, text)
        salt = self._facts(file)["salt"]
        into.write_bytes(f"jpeg {width} {height} of {salt}".encode())
        has_alpha = bool(self._facts(file)["alpha"])
        return Copy(format="jpeg", width=width, height=height, has_alpha=has_alpha)

    def _facts(self, file: Path) -> dict[str, list[int]]:
        data = file.read_bytes()
        try:
            facts: dict[str, list[int]] = json.loads(data.removeprefix(_MAGIC))
        except ValueError as exc:
            text = "the file begins like a picture, but is none that can be decoded"
            raise NotAPhotoError(Reason.DAMAGED_PHOTO, text) from exc
        return facts
