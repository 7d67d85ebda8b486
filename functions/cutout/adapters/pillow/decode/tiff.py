"""Names TIFF files that are not photos, or that Pillow does not support, instead of "damaged"."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from PIL import Image, ImagePalette, TiffImagePlugin

from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason

_NEW_SUBFILE_TYPE, _WIDTH, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 258, 259, 262
_MAKER, _STRIP_OFFSETS, _STRIP_LENGTHS, _SAMPLES = 271, 273, 279, 277
_TILE_OFFSETS, _TILE_LENGTHS, _SUB_DIRECTORIES, _SAMPLE_FORMAT = 324, 325, 330, 339
_PLANES, _SEPARATE = 284, 2
_SIGNED = 2
_COLOURS, _COARSE = 320, 256
_WEBP = 50001  # a compression that the libtiff in Pillow's wheels does not support
_DNG_VERSION = 50706
_REDUCED: Final = 1  # the bit of the subfile type that marks a preview
_OLD_JPEG = 6
# Sensor data, with a colour filter over each pixel, or linear (DNG).
_MOSAICS = frozenset({32803, 34892})
# Of Sony, Epson, Samsung, Nikon, Kodak and Pentax.
_RAW_COMPRESSIONS = frozenset({32767, 32769, 32770, 34713, 65000, 65535})
_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "undefined", 5: "complex"}
_SPACES = {
    0: "grey", 1: "grey", 2: "RGB", 3: "palette", 4: "mask", 5: "CMYK", 6: "YCbCr",
    8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab",
}  # fmt: skip
_BIG = 43

Tags = TiffImagePlugin.ImageFileDirectory_v2


@contextmanager
def reading_planes() -> Iterator[None]:
    """Have libtiff read all TIFFs: Pillow's own reader swaps planes of 16 bits."""
    # A switch of the module: Pillow has none for a single file.
    before = TiffImagePlugin.READ_LIBTIFF
    TiffImagePlugin.READ_LIBTIFF = True
    try:
        yield
    finally:
        TiffImagePlugin.READ_LIBTIFF = before


def refuse_undecodable(image: Image.Image) -> None:
    """Refuse TIFFs that Pillow would decode wrongly, with NotAPhotoError."""
    # Pillow opens the preview of a camera's raw file, loses the alpha of separate grey and alpha
    # planes, and reads signed numbers as unsigned.
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    if _is_raw(tags):
        raise _raw(tags)
    if (
        (image.mode in {"LA", "La", "LAB"} and tags.get(_PLANES) == _SEPARATE)
        or _SIGNED in _numbers(tags, _SAMPLE_FORMAT)
        or tags.get(_COMPRESSION) == _WEBP
    ):
        raise _not_decoded(tags)


def use_whole_palette(image: Image.Image) -> None:
    """Read a palette of 8-bit numbers, which some programs write; the standard has 16-bit ones."""
    # libtiff's readers recognise it in the same way.
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.mode == "P":
        colours = _numbers(image.tag_v2, _COLOURS)
        if max(colours, default=_COARSE) < _COARSE:
            image.palette = ImagePalette.raw("RGB;L", bytes(colours))


def why_not_identified(file: Path) -> NotAPhotoError:
    """Why Pillow has no decoder for a file whose format it supports."""
    tags = _first_directory(file)
    if tags is None or not _is_whole(tags, file.stat().st_size):
        text = "the file begins like a picture, but is none that can be decoded"
        return NotAPhotoError(Reason.DAMAGED_PHOTO, text)
    if _is_raw(tags):
        return _raw(tags)
    return _not_decoded(tags)


def _not_decoded(tags: Tags) -> NotAPhotoError:
    bits = "/".join(str(number) for number in _numbers(tags, _BITS) or (1,))
    sample = _FORMATS.get(_number(tags, _SAMPLE_FORMAT, 1), "unknown")
    space = _SPACES.get(_number(tags, _PHOTOMETRIC, -1), "unknown colours")
    planes = ", in separate planes" if tags.get(_PLANES) == _SEPARATE else ""
    compression = _number(tags, _COMPRESSION, 1)
    text = f"a TIFF of {bits} bits ({sample}, {space}{planes}, compression {compression})"
    return NotAPhotoError(Reason.UNSUPPORTED_FORMAT, f"{text} is not decoded")


def _is_raw(tags: Tags) -> bool:
    return (
        _DNG_VERSION in tags
        or bool(_number(tags, _NEW_SUBFILE_TYPE, 0) & _REDUCED)
        or tags.get(_PHOTOMETRIC) in _MOSAICS
        or tags.get(_COMPRESSION) in _RAW_COMPRESSIONS
        # Cameras write a maker and sub-directories; software writes neither.
        or (_MAKER in tags and (_SUB_DIRECTORIES in tags or tags.get(_COMPRESSION) == _OLD_JPEG))
    )


def _raw(tags: Tags) -> NotAPhotoError:
    maker = str(tags.get(_MAKER, "")).strip("\0 ").title()[:40]
    kind = "DNG" if _DNG_VERSION in tags else maker or "or a preview alone"
    text = f"a camera's raw file ({kind}) is not decoded"
    return NotAPhotoError(Reason.UNSUPPORTED_FORMAT, text)


def _first_directory(file: Path) -> Tags | None:
    """The tags of a TIFF; None if the file is not a TIFF, or they cannot be read."""
    with file.open("rb") as stream:
        head = stream.read(8)
        # A BigTIFF's header has 16 bytes.
        if head[2:3] == bytes([_BIG]) or head[3:4] == bytes([_BIG]):
            head += stream.read(8)
        try:
            tags = TiffImagePlugin.ImageFileDirectory_v2(head)
            stream.seek(tags.next)
            tags.load(stream)
        except (SyntaxError, OSError, ValueError, LookupError, TypeError, struct.error):
            return None
    return tags


def _is_whole(tags: Tags, size: int) -> bool:
    """True if the file contains all of its pixels."""
    offsets = _numbers(tags, _STRIP_OFFSETS) or _numbers(tags, _TILE_OFFSETS)
    lengths = _numbers(tags, _STRIP_LENGTHS) or _numbers(tags, _TILE_LENGTHS)
    if not offsets or len(offsets) != len(lengths) or not _number(tags, _WIDTH, 0):
        return False
    return all(at + length <= size for at, length in zip(offsets, lengths, strict=True))


def _numbers(tags: Tags, tag: int) -> tuple[int, ...]:
    """The whole numbers of a tag, of whatever type a file stores it in."""
    value = tags.get(tag, ())
    values = value if isinstance(value, tuple | bytes) else (value,)
    return tuple(one for one in values if isinstance(one, int))


def _number(tags: Tags, tag: int, default: int) -> int:
    return next(iter(_numbers(tags, tag)), default)
