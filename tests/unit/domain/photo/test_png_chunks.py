"""What is kept of a PNG's chunks."""

from __future__ import annotations

import struct
import zlib

import pytest

from cutout.domain.photo.png_chunks import SIGNATURE, read_png


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 600, 400, 8, 2, 0, 0, 0))
END = chunk(b"IEND")


@pytest.mark.parametrize(
    ("between", "kept"),
    [(b"", [HEADER + 3 * chunk(b"IDAT", b"ab")]), (chunk(b"tEXt", b"k\0v"), None)],
)
def test_adjacent_chunks_of_pixels_are_one_place(between: bytes, kept: list[bytes] | None) -> None:
    """A file of millions of empty chunks would otherwise take ten times its size."""
    pixels = chunk(b"IDAT", b"ab")
    data = SIGNATURE + HEADER + pixels + pixels + between + pixels + END
    png = read_png(data)
    found = [data[at : at + length] for at, length in png.places]
    assert found == (kept or [HEADER + 2 * pixels, pixels])
