"""Decodes any photo: upright, in sRGB, with 8 bits a channel and its own transparency.

The model's copy and the full-size copy are both made from this.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageChops

from cutout.adapters.pillow.decode.opening_uploads import JPEG_END, OpenedPicture, opened
from cutout.adapters.pillow.decode.openjpeg import decoded_by_openjpeg
from cutout.adapters.pillow.decode.orientation import size_as_shown, turned
from cutout.adapters.pillow.decode.spliced_file import spliced
from cutout.adapters.pillow.decode.srgb import in_8_bits, in_srgb
from cutout.domain.errors import NotAPhotoError
from cutout.domain.reasons import Reason

Size = tuple[int, int]
_HEAVY = 100_000_000
_CLEAR, _OPAQUE = 0, 255
_UNDECODED = 128  # the value that JPEG decoders fill in, in each channel, where data is missing
# Bytes without markers; a decoder that lacks data decodes them to something visible.
_MORE_DATA = bytes(1 + number * 73 % 250 for number in range(4096))
_SCALE, _MARKER = 8, 0xFF


def decoded(file: Path, size: Size | None = None) -> Image.Image:
    """The photo in RGB, or in RGBA if it has transparency; of an animation, the first frame.

    `size` is that of the upright result; None means the photo's own. It is reduced as early as
    possible, to save time and memory. NotAPhotoError: it is damaged, cannot be decoded, is too
    large to be decoded at its own size, or is entirely transparent.
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
        # A grey profile does not fit colours, nor one that was made for colours greys.
        if upload.is_grey and pixels.mode == "RGBA":
            pixels = pixels.convert("LA")
        if upload.is_made_profile and pixels.mode in {"L", "LA"}:
            pixels = pixels.convert("RGB" if pixels.mode == "L" else "RGBA")
        # Converted last, at the smaller size: a conversion takes time for each pixel.
        pixels = in_srgb(turned(pixels, upload.still_to_turn), upload.profile or None)
        # Unchanged pixels still belong to the file, which is about to be closed.
        return _with_true_alpha(pixels.copy() if pixels is image else pixels, image.format)


def _prepare_load(upload: OpenedPicture, size: Size | None) -> int:
    """Have the decoder reduce the picture, at most to this size; None means its own.

    Returns:
        How often a JPEG 2000's sides are halved.
    """
    image = upload.image
    if size is not None and upload.jpeg is not None:
        # A JPEG decoder can reduce to an eighth, a quarter or half of the size.
        image.draft(None, size)
    if image.format != "JPEG2000" or image.width * image.height <= _HEAVY:
        return 0
    # The decoder needs four bytes for each value besides the picture: 18 bytes a pixel.
    if size is None:
        text = f"a JPEG 2000 of {image.width * image.height:,} pixels is not decoded whole"
        raise NotAPhotoError(Reason.TOO_MANY_PIXELS, text)
    image.reduce = 1  # type: ignore[method-assign, assignment] # to half its sides
    return 1


def _loaded(image: Image.Image) -> Image.Image:
    image.load()
    return in_8_bits(image)


def _with_true_alpha(image: Image.Image, format_: str | None) -> Image.Image:
    """The picture without an alpha channel that hides nothing; refused if all is transparent."""
    extrema: object = image.getchannel("A").getextrema() if image.mode == "RGBA" else None
    # Most programs leave the fourth byte of a BMP's pixel at zero, without meaning.
    if extrema == (_OPAQUE, _OPAQUE) or (extrema == (_CLEAR, _CLEAR) and format_ == "BMP"):
        return image.convert("RGB")
    if extrema != (_CLEAR, _CLEAR):
        return image
    raise NotAPhotoError(Reason.NOTHING_TO_SEE, "every pixel of it is transparent")


def _refuse_half(upload: OpenedPicture, pixels: Image.Image) -> None:
    """Refuse a JPEG that lacks data for some of its pixels, where decoders fill in grey."""
    # Decoding again costs time: only a JPEG without an end mark, or one whose last pixel is that
    # grey, is checked.
    jpeg = upload.jpeg
    if jpeg is None or (jpeg.end is not None and not _ends_grey(pixels)):
        return
    end = len(upload.data) if jpeg.end is None else jpeg.end
    while upload.data[end - 1] == _MARKER:  # half of an end mark
        end -= 1
    # More bytes after its data change the decoded picture only if data is missing.
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
