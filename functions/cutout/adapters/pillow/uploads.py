"""Opening what strangers upload: of known formats alone, and never larger than memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from cutout.adapters.pillow.opening import decoding_at_most, formats_of
from cutout.adapters.pillow.orientation import obeying_exif_alone
from cutout.errors import NotAPhotoError
from cutout.photo import MOST_DECODED_PIXELS
from cutout.states import Reason

_NAMES = {"MPO": "jpeg", "HEIF": "heic", "JPEG2000": "jp2"}
"""A JPEG of several pictures, as telephones write it, is a JPEG to everybody else."""

_BROKEN = (
    # What decoders raise for files that are cut short, contradict themselves or were made to.
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    EOFError,
    TypeError,
    ArithmeticError,
    LookupError,
    struct.error,
)
_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
_REDUCED = 1
"""The bit of the subfile type that marks a preview."""


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """The picture in a file, of which nothing is decoded yet.

    Whatever is done with it inside may find the file damaged.

    Raises:
        NotAPhotoError: it is, or it is a camera's raw file, or claims to be larger than anything
            that is decoded.
    """
    with decoding_at_most(MOST_DECODED_PIXELS):
        try:
            with Image.open(file, formats=formats_of(file)) as image:
                _refuse_raw(image)
                yield obeying_exif_alone(image)
        except Image.DecompressionBombError as exc:
            text = f"more than the {MOST_DECODED_PIXELS:,} pixels that are decoded at most"
            raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text) from exc
        except UnidentifiedImageError as exc:
            text = "the file begins like a picture, but is none that can be decoded"
            raise NotAPhotoError(Reason.DAMAGED_PHOTO, text) from exc
        except _BROKEN as exc:
            text = f"the file cannot be decoded: {str(exc).strip() or type(exc).__name__}"
            raise NotAPhotoError(Reason.DAMAGED_PHOTO, text) from exc


def format_of(image: Image.Image) -> str:
    """What people call the format, in lower case."""
    format_ = image.format or ""
    return _NAMES.get(format_, format_.lower())


def _refuse_raw(image: Image.Image) -> None:
    """Cameras' raw files are TIFFs that open with a preview: a thumbnail is not the photo."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    is_preview = bool(int(tags.get(_NEW_SUBFILE_TYPE, 0)) & _REDUCED)
    if _DNG_VERSION in tags or is_preview:
        text = "a camera's raw file, or a preview alone, is not among the formats that are decoded"
        raise NotAPhotoError(Reason.UNSUPPORTED_FORMAT, text)
