from __future__ import annotations

import json
import math
import struct
from pathlib import Path

from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason
from cutout.ports.pictures import Copy, PhotoHeader
from tests.support.fakes.steps import Step, no_step

_MAGIC = b"MM\0*"
_PNG = b"\x89PNG"
_UPRIGHT = b"upright "
_BYTES_PER_PIXEL = 4


def tiff(
    width: int = 600,
    height: int = 400,
    *,
    orientation: int = 1,
    is_damaged: bool = False,
    has_alpha: bool = False,
    is_deadly: bool = False,
    salt: int = 0,
) -> bytes:
    """Return a file that begins like a TIFF and has what the fake copier reads in it."""
    facts = {
        "seen": [width, height, orientation],
        "damaged": is_damaged,
        "deadly": is_deadly,
        "alpha": has_alpha,
        "salt": salt,
    }
    return _MAGIC + json.dumps(facts).encode()


def size_of(photo: Path) -> tuple[int, int]:
    """Return width and height of a file: a PNG, or what `tiff` or the fake copier makes."""
    data = photo.read_bytes()
    if data.startswith(_UPRIGHT):
        width, height = map(int, data.split()[1:])
    elif data.startswith(_MAGIC):
        width, height, _orientation = json.loads(data.removeprefix(_MAGIC))["seen"]
    else:
        width, height = struct.unpack(">II", data[16:24])
    return width, height


def seen_in(photo: bytes) -> tuple[int, int, int]:
    """Return width, height and salt of a file that `tiff` makes."""
    facts = json.loads(photo.removeprefix(_MAGIC))
    return facts["seen"][0], facts["seen"][1], facts["salt"]


class FakeCopier:
    """Reads the files that `tiff` makes; its copies have their own size in them."""

    def __init__(self, step: Step = no_step) -> None:
        self._step = step

    def look(self, file: Path) -> PhotoHeader:
        self._step("copier.look")
        width, height, orientation = self._facts(file)["seen"]
        format_ = "png" if file.read_bytes().startswith(_PNG) else "tiff"
        return PhotoHeader(format=format_, width=width, height=height, orientation=orientation)

    def copy(self, file: Path, into: Path, size: tuple[int, int], max_bytes: int) -> Copy:
        self._step("copier.copy")
        if self._facts(file).get("deadly"):
            text = "the decoder ended: signal 11 (Segmentation fault)"
            raise NotAPhotoError(Reason.CANNOT_BE_PREPARED, text)
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

    def upright(self, file: Path, into: Path) -> Copy:
        self._step("copier.upright")
        width, height, _orientation = self._facts(file)["seen"]
        into.write_bytes(f"upright {width} {height}".encode())
        has_alpha = bool(self._facts(file)["alpha"])
        return Copy(format="png", width=width, height=height, has_alpha=has_alpha)

    def _facts(self, file: Path) -> dict[str, list[int]]:
        data = file.read_bytes()
        if data.startswith(_PNG):
            return {"seen": [*size_of(file), 1], "damaged": [], "alpha": [], "salt": [0]}
        try:
            facts: dict[str, list[int]] = json.loads(data.removeprefix(_MAGIC))
        except ValueError as exc:
            text = "the file begins like a picture, but is none that can be decoded"
            raise NotAPhotoError(Reason.DAMAGED_PHOTO, text) from exc
        return facts
