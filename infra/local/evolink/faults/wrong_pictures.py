"""Wrong results, most of them made from a good cut-out."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO

from PIL import Image

from infra.local.evolink.background_removal import encode_png

_BOMB_SIDE = 30_000


def redrawn(change: Callable[[Image.Image], Image.Image]) -> Callable[[bytes], bytes]:
    """Return a function that makes another PNG of a cut-out's."""
    return lambda cut_out: encode_png(change(_opened(cut_out)))


def with_alpha(alpha: int) -> Callable[[bytes], bytes]:
    """Return a function that makes a cut-out opaque (255) or transparent (0) everywhere."""

    def change(picture: Image.Image) -> Image.Image:
        picture.putalpha(alpha)
        return picture

    return redrawn(change)


def as_webp(cut_out: bytes) -> bytes:
    """Return it as a lossless WebP."""
    buffer = BytesIO()
    _opened(cut_out).save(buffer, "WEBP", lossless=True, method=0)
    return buffer.getvalue()


def noise(cut_out: bytes) -> bytes:
    """Return as many bytes that are not a picture."""
    return (b"this is not a picture\n" * (len(cut_out) // 22 + 1))[: len(cut_out)]


@cache
def bomb() -> bytes:
    """Return a PNG of a few kilobytes that decodes to gigabytes of pixels."""
    # One bit a pixel, so that the file stays small: zlib shrinks zeros to a thousandth.
    header = struct.pack(">IIBBBBB", _BOMB_SIDE, _BOMB_SIDE, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(1)
    row = bytes(1 + _BOMB_SIDE // 8)
    pixels = b"".join([*(packer.compress(row) for _ in range(_BOMB_SIDE)), packer.flush()])
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _opened(cut_out: bytes) -> Image.Image:
    with Image.open(BytesIO(cut_out), formats=("PNG",)) as picture:
        return picture.convert("RGBA")
