"""Presents parts of files as one file, so that decoders get them without a copy."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def spliced(parts: Sequence[bytes | memoryview]) -> io.BufferedReader:
    """A file of these parts, one after the other, without copying them."""
    return io.BufferedReader(_Spliced(parts))


class _Spliced(io.RawIOBase):
    def __init__(self, parts: Sequence[bytes | memoryview]) -> None:
        super().__init__()
        self._parts = [memoryview(part) for part in parts if len(part)]
        self._ends: list[int] = []
        for part in self._parts:
            self._ends.append((self._ends or [0])[-1] + len(part))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        starts = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._at,
            io.SEEK_END: self._ends[-1] if self._ends else 0,
        }
        self._at = max(0, starts[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read from one part; the buffered reader calls again for the rest."""
        index = bisect_right(self._ends, self._at)
        if index == len(self._parts):
            return 0
        into, part = memoryview(buffer).cast("B"), self._parts[index]
        piece = part[len(part) - (self._ends[index] - self._at) :][: len(into)]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
