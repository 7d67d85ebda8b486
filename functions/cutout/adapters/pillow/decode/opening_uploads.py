"""Opens uploads, which are untrusted: only supported formats, and only if they fit into memory.

Turning, colours and transparency that decoders do not return are read from the file.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from cutout.adapters.pillow.decode import icc_profiles, tiff
from cutout.adapters.pillow.decode.container_boxes import IsoBox, jpeg_2000_profile, properties_of
from cutout.adapters.pillow.decode.opening_results import decoding_at_most
from cutout.adapters.pillow.decode.orientation import (
    is_turned_by_decoder,
    orientation_of,
    size_as_shown,
)
from cutout.adapters.pillow.decode.spliced_file import spliced
from cutout.domain.dataclass import dataclass
from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.exif_and_profile import is_adobe_rgb
from cutout.domain.photo.formats import HEAD_BYTES
from cutout.domain.photo.jpeg_segments import Jpeg, read_jpeg
from cutout.domain.photo.model_formats import structure_of
from cutout.domain.photo.photo_and_result_checks import MOST_DECODED_PIXELS, check_kind
from cutout.domain.photo.png_chunks import SIGNATURE, read_png
from cutout.domain.reasons import Reason

Size = tuple[int, int]
# Pillow calls a JPEG of several pictures, as telephones write it, a format of its own.
_NAMES = {"MPO": "jpeg", "HEIF": "heic", "JPEG2000": "jp2"}
_DECODERS = {
    "GIF": "GIF",
    "WebP": "WEBP",
    "BMP": "BMP",
    "AVIF": "AVIF",
    "HEIC": "HEIF",
    "HEIF": "HEIF",
}
_PNG_END = struct.pack(">I4sI", 0, b"IEND", 0xAE426082)
_CODESTREAM = b"\xff\x4f\xff\x51"
_DEEP_MODES = frozenset({"I;16", "I;16L", "I;16B"})
JPEG_END = b"\xff\xd9"
_BROKEN = (
    # What decoders raise for files that are cut short, inconsistent or malicious.
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    EOFError,
    TypeError,
    ArithmeticError,
    LookupError,
    AssertionError,
    struct.error,
)


# Parts of decoders' messages about whole files of an unsupported kind.
_UNSUPPORTED = re.compile("unsupported|not supported", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class OpenedPicture:
    """An opened picture, not decoded yet, and what its file says about it.

    The orientation is that of the stored photo, 1 to 8 as in Exif; `is_turned`: the decoder turns
    it. The ICC profile is empty for sRGB, and if nothing is given; it is made where the file
    describes its colours otherwise. `is_grey`: pixels and profile are grey, even if decoded to
    colours. `crop` is the visible part of the decoded pixels; None means all. `is_deep`: a JPEG
    2000 that Pillow decodes wrongly: not of 8 bits, or with channels in another order. `jpeg` are
    the segments of a JPEG, `data` the file's bytes.
    """

    image: Image.Image
    orientation: int = 1
    is_turned: bool = False
    profile: bytes = b""
    is_made_profile: bool = False
    is_grey: bool = False
    crop: IsoBox | None = None
    is_deep: bool = False
    jpeg: Jpeg | None = None
    data: mmap

    @property
    def still_to_turn(self) -> int:
        """How the decoded pixels must be turned to be shown."""
        return 1 if self.is_turned else self.orientation

    @property
    def size(self) -> Size:
        """Width and height as shown."""
        size = self.image.size
        if self.crop is not None:
            size = self.crop[2] - self.crop[0], self.crop[3] - self.crop[1]
        return size_as_shown(size, self.still_to_turn)

    @property
    def format(self) -> str:
        """The format's common name, in lower case."""
        format_ = self.image.format or ""
        return _NAMES.get(format_, format_.lower())


@contextmanager
def opened(file: Path) -> Iterator[OpenedPicture]:
    """The picture in a file, not decoded yet.

    NotAPhotoError: the file is damaged, which may also show inside the `with` block; or its kind or
    size cannot be decoded.
    """
    with (
        decoding_at_most(MOST_DECODED_PIXELS),
        tiff.reading_planes(),
        _decoder_errors(file),
        file.open("rb") as stream,
    ):
        # Mapped, not read: a file of 100 MB costs no memory but for the parts that are looked at.
        data = mmap(stream.fileno(), 0, access=ACCESS_READ)
        kind = check_kind(data[:HEAD_BYTES]).name
        upload = _READERS.get(kind, _read_other)(data, kind, stream)
        with upload.image as image:
            # Keep decoders from turning the picture by its XMP: tools leave an orientation there
            # after they have turned the pixels, and viewers ignore it.
            image.info.pop("xmp", None)
            yield upload


@contextmanager
def _decoder_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as exc:
        text = f"more than the {MOST_DECODED_PIXELS:,} pixels that are decoded at most"
        raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text) from exc
    except UnidentifiedImageError as exc:
        raise tiff.why_not_identified(file) from exc
    except _BROKEN as exc:
        words = str(exc).strip() or type(exc).__name__
        reason = Reason.UNSUPPORTED_FORMAT if _UNSUPPORTED.search(words) else Reason.DAMAGED_PHOTO
        raise NotAPhotoError(reason, f"the file cannot be decoded: {words}") from exc


def _read_png(data: mmap, _kind: str, _stream: BufferedReader) -> OpenedPicture:
    structure, png = structure_of(data), read_png(data)
    # Without its comments: for a large one, Pillow would refuse the whole file.
    parts: list[bytes | memoryview] = [SIGNATURE]
    parts += [memoryview(data)[at : at + length] for at, length in png.places]
    parts.append(_PNG_END)
    image = Image.open(spliced(parts), formats=("PNG",))
    if png.clear_level is not None and image.mode in {"L", "RGB"}:
        # The file's transparent level, in the 8 bits of the decoded pixels.
        levels = tuple(_in_8_bits(level, png.depth) for level in png.clear_level)
        image.info["transparency"] = levels if image.mode == "RGB" else levels[0]
    profile = icc_profiles.profile_of_png(png)
    return OpenedPicture(
        image=image,
        data=data,
        orientation=structure.orientation if structure else 1,
        profile=profile,
        is_made_profile=profile != png.profile,
        is_grey=png.is_grey,
    )


def _in_8_bits(sample: int, depth: int) -> int:
    # As Pillow rounds the pixels themselves, so that the level still matches.
    return sample >> 8 if depth > 8 else sample * 255 // ((1 << depth) - 1)  # noqa: PLR2004


def _read_jpeg(data: mmap, _kind: str, stream: BufferedReader) -> OpenedPicture:
    structure, jpeg = structure_of(data), read_jpeg(data)
    # Pillow refuses a JPEG without an end mark, although all of its pixels may be there.
    file = stream if jpeg.end is not None else spliced([memoryview(data), JPEG_END])
    is_told = not jpeg.profile and is_adobe_rgb(jpeg.exif)
    return OpenedPicture(
        image=Image.open(file, formats=("JPEG",)),
        data=data,
        orientation=structure.orientation if structure else 1,
        profile=icc_profiles.adobe_rgb() if is_told else jpeg.profile,
        is_made_profile=is_told,
        jpeg=jpeg,
    )


def _read_iso(data: mmap, kind: str, stream: BufferedReader) -> OpenedPicture:
    file: IO[bytes] = stream
    if kind == "AVIF":
        # Pillow recognises only some of the main brands that such files have.
        file = spliced([data[:8], b"avif", memoryview(data)[12:]])
    else:
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - few deployments see one

        register_heif_opener()
    image = Image.open(file, formats=(_DECODERS[kind],))
    properties = properties_of(data)
    embedded = image.info.get("icc_profile") or b""
    points = properties.code_points
    made = icc_profiles.profile_of_code_points(*points) if points else b""
    return OpenedPicture(
        image=image,
        data=data,
        orientation=orientation_of(image),
        profile=embedded or made,
        is_made_profile=bool(made) and not embedded,
        # libheif crops and turns; libavif leaves both to its caller.
        crop=properties.crop(image.size) if kind == "AVIF" else None,
    )


def _read_tiff(data: mmap, _kind: str, stream: BufferedReader) -> OpenedPicture:
    image = Image.open(stream, formats=("TIFF",))
    tiff.refuse_undecodable(image)
    tiff.use_whole_palette(image)
    return OpenedPicture(
        image=image,
        data=data,
        orientation=orientation_of(image),
        is_turned=is_turned_by_decoder(image),
        profile=image.info.get("icc_profile") or b"",
    )


def _read_jpeg_2000(data: mmap, _kind: str, stream: BufferedReader) -> OpenedPicture:
    image = Image.open(stream, formats=("JPEG2000",))
    # Pillow ignores the channels' definitions, and takes them in the order of the file.
    has_order = data.find(b"cdef", 0, data.find(_CODESTREAM)) >= 0
    is_deep = image.mode not in _DEEP_MODES and (has_order or _depths(data) != {8})
    return OpenedPicture(image=image, data=data, profile=jpeg_2000_profile(data), is_deep=is_deep)


def _depths(data: mmap) -> set[int]:
    """The bits of the channels of a JPEG 2000 (ISO/IEC 15444-1, A.5.1)."""
    at = data.find(_CODESTREAM)
    (channels,) = struct.unpack_from(">H", data, at + 40)
    return {(data[at + 42 + 3 * channel] & 0x7F) + 1 for channel in range(channels)}


def _read_other(data: mmap, kind: str, stream: BufferedReader) -> OpenedPicture:
    structure = structure_of(data)
    image = Image.open(stream, formats=(_DECODERS[kind],))
    return OpenedPicture(
        image=image,
        data=data,
        orientation=structure.orientation if structure else 1,
        profile=image.info.get("icc_profile") or b"",
    )


_READERS: dict[str, Callable[[mmap, str, BufferedReader], OpenedPicture]] = {
    "PNG": _read_png,
    "JPEG": _read_jpeg,
    "TIFF": _read_tiff,
    "JPEG 2000": _read_jpeg_2000,
    "AVIF": _read_iso,
    "HEIC": _read_iso,
    "HEIF": _read_iso,
}
