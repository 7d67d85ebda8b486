"""Decodes JPEG 2000 of more than 8 bits a channel with OpenJPEG 2, which Pillow's wheels contain.

Pillow rounds the brightest of such values up to 256 and stores that as 0, so white turns black.
OpenJPEG itself returns the values unchanged.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from functools import cache
from pathlib import Path
from typing import Any

import PIL
from PIL import Image

from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.photo_and_result_checks import MOST_DECODED_PIXELS
from cutout.domain.reasons import Reason

_CODESTREAM, _JP2 = 0, 2
_CODESTREAM_MAGIC = b"\xff\x4f\xff\x51"
# More bytes than the parameters have (opj_dparameters_t), which include two paths.
_PARAMETERS_BYTES = 65_536
_PLAIN_SPACES = frozenset({-1, 0, 1, 2})  # unknown, unspecified, sRGB and grey (OPJ_COLOR_SPACE)
_MULTIPLIED = 2  # the kind of an alpha channel: 1 is plain (ISO/IEC 15444-1, I.5.3.6)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class _Channel(ctypes.Structure):
    """One component of a picture (opj_image_comp_t)."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("dx", "dy", "width", "height", "x0", "y0")),
        *((name, ctypes.c_uint32) for name in ("bits", "unused", "is_signed", "level", "factor")),
        ("values", ctypes.POINTER(ctypes.c_int32)),
        ("alpha", ctypes.c_uint16),
    )


class _Picture(ctypes.Structure):
    """A picture (opj_image_t)."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("x0", "y0", "x1", "y1", "count")),
        ("space", ctypes.c_int),
        ("channels", ctypes.POINTER(_Channel)),
        ("profile", ctypes.c_void_p),
        ("profile_bytes", ctypes.c_uint32),
    )


def decoded_by_openjpeg(file: Path, *, halvings: int = 0) -> Image.Image:
    """The picture of a JPEG 2000, or bare codestream, in 8 bits a channel: L, LA, RGB or RGBA.

    Its sides are halved `halvings` times. NotAPhotoError: it is damaged, or cannot be decoded here.
    """
    with _read(file, halvings) as picture:
        channels = [picture.channels[at] for at in range(picture.count)]
        sizes = {(channel.width, channel.height) for channel in channels}
        mode = _MODES.get(len(channels))
        if any(channel.alpha == _MULTIPLIED for channel in channels):
            raise _not_decoded("whose colours are multiplied by its alpha")
        if mode is None or len(sizes) != 1 or picture.space not in _PLAIN_SPACES:
            raise _not_decoded("of other channels than grey, red, green, blue and alpha")
        return Image.merge(mode, [_in_8_bits(channel) for channel in channels])


def _in_8_bits(channel: _Channel) -> Image.Image:
    size = channel.width, channel.height
    values = ctypes.string_at(channel.values, 4 * size[0] * size[1])
    numbers = Image.frombytes("I", size, values)
    most = (1 << channel.bits) - 1
    offset = (most + 1) // 2 if channel.is_signed else 0
    scale = 255 / most
    # Rounded by the conversion, which cuts off: hence the half.
    return numbers.point(lambda value: value * scale + (offset * scale + 0.5)).convert("L")


@contextmanager
def _read(file: Path, halvings: int) -> Iterator[_Picture]:
    library = _library()
    with file.open("rb") as opened:
        is_bare = opened.read(4) == _CODESTREAM_MAGIC
    codec = ctypes.c_void_p(library.opj_create_decompress(_CODESTREAM if is_bare else _JP2))
    stream = ctypes.c_void_p(library.opj_stream_create_default_file_stream(bytes(file), 1))
    picture = ctypes.POINTER(_Picture)()
    try:
        parameters = ctypes.create_string_buffer(_PARAMETERS_BYTES)
        library.opj_set_default_decoder_parameters(parameters)
        is_read = library.opj_setup_decoder(codec, parameters) and library.opj_read_header(
            stream, codec, ctypes.byref(picture)
        )
        if not is_read or not _fits(picture.contents):
            raise _damaged()
        library.opj_set_decoded_resolution_factor(codec, halvings)
        is_whole = library.opj_decode(codec, stream, picture) and library.opj_end_decompress(
            codec, stream
        )
        channels = (picture.contents.channels[at] for at in range(picture.contents.count))
        if not is_whole or not all(channel.values for channel in channels):
            raise _damaged()
        yield picture.contents
    finally:
        library.opj_image_destroy(picture)
        library.opj_stream_destroy(stream)
        library.opj_destroy_codec(codec)


def _fits(picture: _Picture) -> bool:
    """Check that the codestream is no larger than the header that was checked before."""
    pixels: int = (picture.x1 - picture.x0) * (picture.y1 - picture.y0)
    return pixels <= MOST_DECODED_PIXELS


@cache
def _library() -> Any:  # noqa: ANN401 - a library's functions are attributes of any name
    """OpenJPEG as Pillow loads it: beside it in a wheel, or the system's."""
    beside = sorted((Path(PIL.__file__).parents[1] / "pillow.libs").glob("libopenjp2*"))
    name = str(beside[0]) if beside else find_library("openjp2")
    if name is None:
        raise _not_decoded("of more than 8 bits")
    library = ctypes.CDLL(name)
    # Without a type, ctypes would cut a pointer to 32 bits.
    library.opj_create_decompress.restype = ctypes.c_void_p
    library.opj_stream_create_default_file_stream.restype = ctypes.c_void_p
    return library


def _damaged() -> NotAPhotoError:
    return NotAPhotoError(Reason.DAMAGED_PHOTO, "the JPEG 2000 cannot be decoded")


def _not_decoded(kind: str) -> NotAPhotoError:
    return NotAPhotoError(Reason.UNSUPPORTED_FORMAT, f"a JPEG 2000 {kind} is not decoded")
