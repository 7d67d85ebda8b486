"""Any photo as it is shown: upright, in sRGB, 8 bits a channel, with its own transparency.

Whatever is made of an upload is made of this: the model's copy and the full-size copy alike.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageChops

from cutout.adapters.pillow.decode.openjpeg import decoded_by_openjpeg
from cutout.adapters.pillow.decode.orientation import size_as_shown, turned
from cutout.adapters.pillow.decode.source_image import JPEG_END, Upload, opened
from cutout.adapters.pillow.decode.spliced_file import spliced
from cutout.adapters.pillow.decode.srgb import in_8_bits, in_srgb, without_idle_alpha
from cutout.domain.errors import NotAPhotoError
from cutout.domain.states import Reason

Size = tuple[int, int]
_HEAVY = 100_000_000
_CLEAR, _OPAQUE = 0, 255
_UNDECODED = 128
"""What JPEG decoders fill in where data is missing: each channel of it."""
_MORE_DATA = bytes(1 + number * 73 % 250 for number in range(4096))
"""Bytes that a decoder which still wants data makes something of; no markers are among them."""
_SCALE, _MARKER = 8, 0xFF


def decoded(file: Path, size: Size | None = None) -> Image.Image:
    """The photo in RGB, or in RGBA where some of it is transparent; of an animation, one frame.

    Args:
        file: the upload.
        size: width and height as shown that it is made in; None means its own. It is reduced as
            early as can be: all else costs less then.

    Raises:
        NotAPhotoError: it is damaged, of a kind that is not decoded, too large to be decoded whole
            where that is asked for, or there is nothing to be seen in it.
    """
    with opened(file) as upload:
        image = upload.image
        stored = size_as_shown(size or upload.size, upload.still_to_turn)
        halvings = _prepare_load(upload, None if size is None else stored)
        pixels = decoded_by_openjpeg(file, halvings=halvings) if upload.is_deep else _loaded(image)
        if upload.crop is not None:
            pixels = pixels.crop(upload.crop)
        _refuse_half(upload, pixels)
        if pixels.size != stored:
            pixels = pixels.resize(stored, Image.Resampling.LANCZOS, reducing_gap=2.0)
        if upload.is_grey and pixels.mode == "RGBA":
            pixels = pixels.convert("LA")
        if upload.is_made_profile and pixels.mode in {"L", "LA"}:
            pixels = pixels.convert("RGB" if pixels.mode == "L" else "RGBA")
        pixels = in_srgb(turned(pixels, upload.still_to_turn), upload.profile or None)
        # What nothing was done to is still the file's, which is about to be closed.
        return _with_true_alpha(pixels.copy() if pixels is image else pixels, image.format)


def _prepare_load(upload: Upload, size: Size | None) -> int:
    """Have it decoded in a size from which this one can be made; None means its own.

    Returns:
        How often a JPEG 2000's sides are halved.
    """
    image = upload.image
    if size is not None and upload.jpeg is not None:
        # A JPEG can be decoded at an eighth, a quarter or half of its size.
        image.draft(None, size)
    if image.format != "JPEG2000" or image.width * image.height <= _HEAVY:
        return 0
    # Its decoder holds each value in four bytes, besides the picture: 18 bytes a pixel.
    if size is None:
        text = f"a JPEG 2000 of {image.width * image.height:,} pixels is not decoded whole"
        raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text)
    image.reduce = 1  # type: ignore[method-assign, assignment] # to half its sides
    return 1


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    return in_8_bits(image)


def _with_true_alpha(image: Image.Image, format_: str | None) -> Image.Image:
    """Transparency that means something: none that hides nothing, none that hides all.

    Raises:
        NotAPhotoError: nothing is to be seen.
    """
    if image.mode != "RGBA" or image.getchannel("A").getextrema() != (_CLEAR, _CLEAR):
        return without_idle_alpha(image)
    if format_ == "BMP":
        # Most programs leave the fourth byte of a pixel at zero and mean nothing by it.
        return image.convert("RGB")
    raise NotAPhotoError(Reason.NOTHING_TO_SEE, "every pixel of it is transparent")


def _refuse_half(upload: Upload, pixels: Image.Image) -> None:
    """Find out whether a JPEG has data for all of its pixels; its decoder fills in grey.

    Asked of those without an end mark, and of those that end in that very grey: with more data
    behind its own, a decoder that still wants some makes another picture.

    Raises:
        NotAPhotoError: it has not.
    """
    jpeg = upload.jpeg
    if jpeg is None or (jpeg.end is not None and not _ends_grey(pixels)):
        return
    end = len(upload.data) if jpeg.end is None else jpeg.end
    while upload.data[end - 1] == _MARKER:  # half of an end mark
        end -= 1
    data = memoryview(upload.data)[:end]
    scale = 1 if jpeg.is_progressive else _SCALE
    plain, fed = (_glimpse([data, more, JPEG_END], scale) for more in (b"", _MORE_DATA))
    if ImageChops.difference(plain, fed).getbbox() is not None:
        text = "the JPEG is cut short: the data of its last pixels is missing"
        raise NotAPhotoError(Reason.DAMAGED_PHOTO, text)


def _ends_grey(pixels: Image.Image) -> bool:
    last = pixels.getpixel((pixels.width - 1, pixels.height - 1))
    return last in {_UNDECODED, (_UNDECODED,) * 3, (_UNDECODED,) * 4}


def _glimpse(parts: list[bytes | memoryview], scale: int) -> Image.Image:
    with Image.open(spliced(parts), formats=("JPEG",)) as image:
        image.draft(None, (image.width // scale, image.height // scale))
        return image.convert("RGB")
