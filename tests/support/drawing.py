"""Small picture files of every kind, made on the spot."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

import infra.local

PHOTOS = Path(infra.local.__file__).parent / "photos"
ORIENTATION = 0x0112


def drawn(mode: str = "RGB", size: tuple[int, int] = (30, 20)) -> Image.Image:
    """A picture with something in every corner, so that its file holds bytes of all kinds."""
    wheel = Image.effect_mandelbrot(size, (-1.5, -1.0, 0.5, 1.0), 60)
    noise = Image.frombytes("L", size, bytes(i * 37 % 256 for i in range(size[0] * size[1])))
    return Image.merge("RGB", (wheel, noise, wheel.rotate(180))).convert(mode)


def saved(image: Image.Image, format_: str, **options: Any) -> bytes:
    """The file of a picture."""
    file = BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def exif(orientation: int, *, is_big_endian: bool = True) -> bytes:
    """An Exif block that says how the camera was held."""
    data = Image.Exif()
    data.endian = ">" if is_big_endian else "<"
    data[ORIENTATION] = orientation
    return data.tobytes()


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a WebP, padded to an even length."""
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def animated(format_: str) -> bytes:
    """Two frames."""
    one = drawn()
    return saved(one, format_, save_all=True, append_images=[one.rotate(90)], duration=100)


def png_of_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, with lengths and checksums that are right."""
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def ihdr(width: int, height: int, depth: int = 8, colour: int = 2) -> tuple[bytes, bytes]:
    """A PNG's header chunk."""
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


SMALL: dict[str, bytes] = {
    # one whole small file of each format that the model takes
    "png": saved(drawn(), "PNG"),
    "png, palette": saved(drawn("P"), "PNG"),
    "jpeg": saved(drawn(), "JPEG"),
    "jpeg, grey": saved(drawn("L"), "JPEG"),
    "jpeg, progressive": saved(drawn(), "JPEG", progressive=True),
    "jpeg, restart markers": saved(drawn(), "JPEG", restart_marker_blocks=1),
    "gif": saved(drawn("P"), "GIF"),
    "gif, comment": saved(drawn("P"), "GIF", comment=b"; ;" * 30),
    "webp": saved(drawn(), "WEBP"),
    "webp, lossless": saved(drawn(), "WEBP", lossless=True),
    "webp, exif": saved(drawn(), "WEBP", exif=exif(1)),
}

TRANSPARENT: dict[str, bytes] = {
    "png, alpha": saved(drawn("RGBA").rotate(30), "PNG"),
    "png, clear grey": saved(drawn("L"), "PNG", transparency=0),
    "png, clear index": saved(drawn("P"), "PNG", transparency=0),
    "gif, clear index": saved(drawn("P"), "GIF", transparency=0),
    "webp, alpha": saved(drawn("LA").convert("RGBA").rotate(30), "WEBP"),
    "webp, lossless alpha": saved(drawn("RGBA").rotate(30), "WEBP", lossless=True),
}

ANIMATIONS: dict[str, bytes] = {kind: animated(kind.upper()) for kind in ("gif", "webp", "png")}
