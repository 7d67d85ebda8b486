"""Opens results and cut-outs; every failure becomes a PictureError with a readable message."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from cutout.adapters.pillow.decode.srgb import describes_rgb, in_8_bits, in_srgb
from cutout.domain.errors import NotAPhotoError, PictureError
from cutout.domain.photo.png_chunks import LARGEST_PROFILE

Bitmap = Image.Image
RESULT_FORMATS = ("PNG", "WEBP", "JPEG")
"""The formats of results and of our cut-outs."""
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,  # what Pillow raises for a broken PNG
    MemoryError,
    struct.error,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
    NotAPhotoError,
)


@contextmanager
def picture_errors() -> Iterator[None]:
    """Translate all errors that Pillow raises for a picture to PictureError."""
    try:
        yield
    except _BROKEN as exc:
        raise PictureError(str(exc) or type(exc).__name__) from exc


@contextmanager
def decoding_at_most(pixels: int) -> Iterator[None]:
    """Have Pillow refuse larger pictures, and raise no warnings."""
    # Pillow checks when it opens a file, and again when a frame enlarges the canvas.
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd Exif data, for example
        Image.MAX_IMAGE_PIXELS = pixels // 2  # Pillow refuses pictures of more than twice as many
        # Cut-outs are read again: a PNG's profile and comments may be as large as what we publish.
        PngImagePlugin.MAX_TEXT_CHUNK = LARGEST_PROFILE
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = before


@contextmanager
def opened(file: Path, formats: tuple[str, ...], max_pixels: int) -> Iterator[Bitmap]:
    """The picture in a file, not decoded yet; PictureError if it has more than `max_pixels`."""
    too_many = PictureError(f"it has more than {max_pixels:,} pixels")
    try:
        with decoding_at_most(max_pixels), Image.open(file, formats=formats) as image:
            if image.width * image.height > max_pixels:
                raise too_many
            yield image
    except Image.DecompressionBombError as exc:
        raise too_many from exc


def in_kept_colours(image: Bitmap, profile: bytes | None) -> tuple[Bitmap, bytes | None]:
    """The picture in RGB or RGBA, and the profile of its values.

    Values with an RGB profile are kept; all others are converted to sRGB.
    """
    pixels = in_8_bits(image)
    is_described = profile is not None and pixels.mode in {"RGB", "RGBA"} and describes_rgb(profile)
    return (pixels, profile) if is_described else (in_srgb(pixels, profile), None)
