"""Opening what strangers upload: of known formats alone, and never larger than memory.

Decoders get what they are known to read: a PNG without its comments, a JPEG with an end mark. What
they do not tell of turning, colours and transparency is read from the file itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from cutout.adapters.pillow.decode.container_boxes import Box, jpeg_2000_profile, properties_of
from cutout.adapters.pillow.decode.icc_profiles import (
    adobe_rgb,
    profile_of_code_points,
    profile_of_png,
)
from cutout.adapters.pillow.decode.opening import decoding_at_most
from cutout.adapters.pillow.decode.orientation import (
    is_turned_by_decoder,
    orientation_of,
    size_as_shown,
)
from cutout.adapters.pillow.decode.spliced_file import spliced
from cutout.adapters.pillow.decode.tiff import (
    reading_planes,
    refuse_undecodable,
    use_whole_palette,
    why_not_identified,
)
from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.exif import is_adobe_rgb
from cutout.domain.photo.formats import HEAD_BYTES
from cutout.domain.photo.headers import structure_of
from cutout.domain.photo.inspection import MOST_DECODED_PIXELS, check_kind
from cutout.domain.photo.jpeg_segments import Jpeg, read_jpeg
from cutout.domain.photo.png_chunks import SIGNATURE, read_png
from cutout.domain.states import Reason

Size = tuple[int, int]
_NAMES = {"MPO": "jpeg", "HEIF": "heic", "JPEG2000": "jp2"}
"""A JPEG of several pictures, as telephones write it, is a JPEG to everybody else."""
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
    # What decoders raise for files that are cut short, contradict themselves or were made to.
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


_UNSUPPORTED = re.compile("unsupported|not supported", re.IGNORECASE)
"""In what decoders say of files that are whole, and of a kind that they leave out."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A picture that is open, and what its file says of it.

    Attributes:
        image: nothing of it is decoded yet.
        orientation: how the photo lies in its file, 1 to 8 as in Exif.
        is_turned: the decoder turns it itself.
        profile: the ICC profile of its colours; empty if they are in sRGB, or nothing is said.
        is_grey: so are its pixels, whatever they are decoded to, and so is its profile.
        is_made_profile: the file tells its colours otherwise; the profile is made after that.
        crop: what is shown of the decoded pixels; None means all.
        is_deep: a JPEG 2000 that Pillow decodes wrongly: of more or fewer bits than 8, or whose
            channels may be in another order.
        jpeg: the segments, if it is one.
        data: the file's bytes.
    """

    image: Image.Image
    orientation: int = 1
    is_turned: bool = False
    profile: bytes = b""
    is_made_profile: bool = False
    is_grey: bool = False
    crop: Box | None = None
    is_deep: bool = False
    jpeg: Jpeg | None = None
    data: mmap

    @property
    def still_to_turn(self) -> int:
        """How what is decoded must be turned to be shown."""
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
        """What people call the format, in lower case."""
        format_ = self.image.format or ""
        return _NAMES.get(format_, format_.lower())


@contextmanager
def opened(file: Path) -> Iterator[Upload]:
    """The picture in a file, of which nothing is decoded yet.

    Whatever is done with it inside may find the file damaged.

    Raises:
        NotAPhotoError: it is, or it is of a kind that is not decoded, or claims to be larger than
            anything that is decoded.
    """
    with (
        decoding_at_most(MOST_DECODED_PIXELS),
        reading_planes(),
        _told_in_words(file),
        file.open("rb") as stream,
    ):
        data = mmap(stream.fileno(), 0, access=ACCESS_READ)
        kind = check_kind(data[:HEAD_BYTES]).name
        upload = _READERS.get(kind, _read_other)(data, kind, stream)
        with upload.image as image:
            # No decoder is to turn the picture by its XMP: tools leave it there that have turned
            # the pixels, and no viewer obeys it.
            image.info.pop("xmp", None)
            yield upload


@contextmanager
def _told_in_words(file: Path) -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as exc:
        text = f"more than the {MOST_DECODED_PIXELS:,} pixels that are decoded at most"
        raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text) from exc
    except UnidentifiedImageError as exc:
        raise why_not_identified(file) from exc
    except _BROKEN as exc:
        words = str(exc).strip() or type(exc).__name__
        reason = Reason.UNSUPPORTED_FORMAT if _UNSUPPORTED.search(words) else Reason.DAMAGED_PHOTO
        raise NotAPhotoError(reason, f"the file cannot be decoded: {words}") from exc


def _read_png(data: mmap, _kind: str, _stream: BufferedReader) -> Upload:
    structure, png = structure_of(data), read_png(data)
    parts: list[bytes | memoryview] = [SIGNATURE]
    parts += [memoryview(data)[at : at + length] for at, length in png.places]
    parts.append(_PNG_END)
    image = Image.open(spliced(parts), formats=("PNG",))
    if png.clear_level is not None and image.mode in {"L", "RGB"}:
        # The samples of the file, in 8 bits as they are decoded.
        levels = tuple(_in_8_bits(level, png.depth) for level in png.clear_level)
        image.info["transparency"] = levels if image.mode == "RGB" else levels[0]
    profile = profile_of_png(png)
    return Upload(
        image=image,
        data=data,
        orientation=structure.orientation if structure else 1,
        profile=profile,
        is_made_profile=profile != png.profile,
        is_grey=png.is_grey,
    )


def _in_8_bits(sample: int, depth: int) -> int:
    return sample >> 8 if depth > 8 else sample * 255 // ((1 << depth) - 1)  # noqa: PLR2004


def _read_jpeg(data: mmap, _kind: str, stream: BufferedReader) -> Upload:
    structure, jpeg = structure_of(data), read_jpeg(data)
    file = stream if jpeg.end is not None else spliced([memoryview(data), JPEG_END])
    is_told = not jpeg.profile and is_adobe_rgb(jpeg.exif)
    return Upload(
        image=Image.open(file, formats=("JPEG",)),
        data=data,
        orientation=structure.orientation if structure else 1,
        profile=adobe_rgb() if is_told else jpeg.profile,
        is_made_profile=is_told,
        jpeg=jpeg,
    )


def _read_iso(data: mmap, kind: str, stream: BufferedReader) -> Upload:
    file: IO[bytes] = stream
    if kind == "AVIF":
        # Pillow knows fewer main brands than the files have.
        file = spliced([data[:8], b"avif", memoryview(data)[12:]])
    else:
        from pillow_heif import register_heif_opener  # noqa: PLC0415 - few deployments see one

        register_heif_opener()
    image = Image.open(file, formats=(_DECODERS[kind],))
    told = properties_of(data)
    embedded = image.info.get("icc_profile") or b""
    made = profile_of_code_points(*told.code_points) if told.code_points else b""
    return Upload(
        image=image,
        data=data,
        orientation=orientation_of(image),
        profile=embedded or made,
        is_made_profile=bool(made) and not embedded,
        # libheif cuts and turns; libavif leaves both to its caller.
        crop=told.crop(image.size) if kind == "AVIF" else None,
    )


def _read_tiff(data: mmap, _kind: str, stream: BufferedReader) -> Upload:
    image = Image.open(stream, formats=("TIFF",))
    refuse_undecodable(image)
    use_whole_palette(image)
    return Upload(
        image=image,
        data=data,
        orientation=orientation_of(image),
        is_turned=is_turned_by_decoder(image),
        profile=image.info.get("icc_profile") or b"",
    )


def _read_jpeg_2000(data: mmap, _kind: str, stream: BufferedReader) -> Upload:
    image = Image.open(stream, formats=("JPEG2000",))
    # What its channels are, Pillow does not ask: it takes them in the order of the file.
    has_order = data.find(b"cdef", 0, data.find(_CODESTREAM)) >= 0
    is_deep = image.mode not in _DEEP_MODES and (has_order or _depths(data) != {8})
    return Upload(image=image, data=data, profile=jpeg_2000_profile(data), is_deep=is_deep)


def _depths(data: mmap) -> set[int]:
    """The bits of the channels of a JPEG 2000 (ISO/IEC 15444-1, A.5.1)."""
    at = data.find(_CODESTREAM)
    (channels,) = struct.unpack_from(">H", data, at + 40)
    return {(data[at + 42 + 3 * channel] & 0x7F) + 1 for channel in range(channels)}


def _read_other(data: mmap, kind: str, stream: BufferedReader) -> Upload:
    structure = structure_of(data)
    image = Image.open(stream, formats=(_DECODERS[kind],))
    return Upload(
        image=image,
        data=data,
        orientation=structure.orientation if structure else 1,
        profile=image.info.get("icc_profile") or b"",
    )


_READERS: dict[str, Callable[[mmap, str, BufferedReader], Upload]] = {
    "PNG": _read_png,
    "JPEG": _read_jpeg,
    "TIFF": _read_tiff,
    "JPEG 2000": _read_jpeg_2000,
    "AVIF": _read_iso,
    "HEIC": _read_iso,
    "HEIF": _read_iso,
}
