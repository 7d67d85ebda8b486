"""Wrong results, each made from a good cut-out."""

import struct
import zlib
from functools import cache
from io import BytesIO

from PIL import Image

from infra.local.evolink.background_removal import encode_png

_BOMB_SIDE = 30_000


def opaque(cut_out: bytes) -> bytes:
    """Return it with an alpha channel that is opaque everywhere."""
    return _with_alpha(cut_out, 255)


def empty(cut_out: bytes) -> bytes:
    """Return it transparent everywhere."""
    return _with_alpha(cut_out, 0)


def without_alpha(cut_out: bytes) -> bytes:
    """Return it without an alpha channel."""
    return encode_png(_open(cut_out).convert("RGB"))


def of_other_shape(cut_out: bytes) -> bytes:
    """Return it with half the height."""
    picture = _open(cut_out)
    return encode_png(picture.resize((picture.width, max(1, picture.height // 2))))


def of_other_size(cut_out: bytes) -> bytes:
    """Return it with half of both sides."""
    return encode_png(_open(cut_out).reduce(2))


def as_webp(cut_out: bytes) -> bytes:
    """Return it as a lossless WebP."""
    buffer = BytesIO()
    _open(cut_out).save(buffer, "WEBP", lossless=True, method=0)
    return buffer.getvalue()


def first_half(cut_out: bytes) -> bytes:
    """Return its first half."""
    return cut_out[: len(cut_out) // 2]


def noise(cut_out: bytes) -> bytes:
    """Return as many bytes that are not a picture."""
    return (b"this is not a picture\n" * (len(cut_out) // 22 + 1))[: len(cut_out)]


def bomb(_cut_out: bytes) -> bytes:
    """Return a PNG of a few kilobytes that decodes to gigabytes of pixels."""
    return _bomb()


@cache
def _bomb() -> bytes:
    # One bit a pixel, so that the file stays small: zlib shrinks zeros to a thousandth.
    header = struct.pack(">IIBBBBB", _BOMB_SIDE, _BOMB_SIDE, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(1)
    row = bytes(1 + _BOMB_SIDE // 8)
    pixels = b"".join([*(packer.compress(row) for _ in range(_BOMB_SIDE)), packer.flush()])
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _open(cut_out: bytes) -> Image.Image:
    with Image.open(BytesIO(cut_out), formats=("PNG",)) as picture:
        return picture.convert("RGBA")


def _with_alpha(cut_out: bytes, alpha: int) -> bytes:
    picture = _open(cut_out)
    picture.putalpha(alpha)
    return encode_png(picture)
