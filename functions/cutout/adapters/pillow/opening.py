"""Opening picture files: every way in which that fails is one error, told in words."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, PngImagePlugin, UnidentifiedImageError

from cutout.adapters.pillow.orientation import obeying_exif_alone, still_to_turn
from cutout.adapters.pillow.srgb import describes_rgb, in_8_bits, in_srgb
from cutout.errors import NotAPhotoError, PictureError
from cutout.png_chunks import LARGEST_PROFILE

Picture = Image.Image
RESULT_FORMATS = ("PNG", "WEBP", "JPEG", "GIF")
_SOURCE_FORMATS = (*RESULT_FORMATS, "TIFF", "BMP", "JPEG2000", "AVIF")
_HEIF = "HEIF"
_ISO_MEDIA = b"ftyp"
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEAVY = 100_000_000
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
def told_in_words() -> Iterator[None]:
    """Make one error of all that Pillow may raise over a picture.

    Raises:
        PictureError: instead of them.
    """
    try:
        yield
    except _BROKEN as exc:
        raise PictureError(str(exc) or type(exc).__name__) from exc


@contextmanager
def decoding_at_most(pixels: int) -> Iterator[None]:
    """Have Pillow refuse what is larger, and say nothing of all else.

    It looks when it opens a file, and again when a frame enlarges the canvas. A PNG's profile and
    comments may be as large as those that are published, which must be readable again.
    """
    before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders warn of odd Exif, which is not our concern
        Image.MAX_IMAGE_PIXELS = pixels // 2  # what has more than twice as many is refused
        PngImagePlugin.MAX_TEXT_CHUNK = LARGEST_PROFILE
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = before


@contextmanager
def opened(file: Path, formats: tuple[str, ...], max_pixels: int) -> Iterator[Picture]:
    """The picture in a file; nothing is decoded yet.

    Raises:
        PictureError: it has more pixels.
    """
    too_many = PictureError(f"it has more than {max_pixels:,} pixels")
    try:
        with decoding_at_most(max_pixels), Image.open(file, formats=formats) as image:
            if image.width * image.height > max_pixels:
                raise too_many
            yield image
    except Image.DecompressionBombError as exc:
        raise too_many from exc


@dataclass(frozen=True, kw_only=True)
class Source:
    """A photo's pixels as they were decoded: in RGB, or in RGBA where it has a transparency.

    Attributes:
        orientation: how the pixels must be turned to be shown.
        profile: the ICC profile that the values are in; None means sRGB.
    """

    pixels: Picture
    orientation: int
    profile: bytes | None


def read_source(file: Path, *, max_pixels: int, side: int | None = None) -> Source:
    """Decode a photo, of any format that is taken or prepared.

    Args:
        file: the photo.
        max_pixels: what is larger is not decoded.
        side: a smaller copy will do, its longer side at most this.

    Raises:
        PictureError: it cannot be decoded.
    """
    with told_in_words(), opened(file, formats_of(file), max_pixels) as image:
        if is_heavy(image):
            raise PictureError(f"a JPEG 2000 has more than {_HEAVY:,} pixels")
        orientation = still_to_turn(obeying_exif_alone(image))
        if side is not None:
            image.draft(None, (2 * side, 2 * side))
        image.load()
        profile: bytes | None = image.info.get("icc_profile")
        pixels, profile = in_kept_colours(_smaller(image, side), profile)
        return Source(pixels=detached(pixels, image), orientation=orientation, profile=profile)


def is_heavy(image: Picture) -> bool:
    """Whether decoding it whole takes more memory than the functions have.

    JPEG 2000's decoder holds each value in four bytes, besides the picture: 18 bytes a pixel.
    """
    return image.format == "JPEG2000" and image.width * image.height > _HEAVY


def detached(pixels: Picture, image: Picture) -> Picture:
    """The pixels of a file that is about to be closed; of several frames, it would look again."""
    is_of_many = pixels is image and getattr(image, "n_frames", 1) > 1
    return image.copy() if is_of_many else pixels


def _smaller(image: Picture, side: int | None) -> Picture:
    if side is None or max(image.size) <= side:
        return image
    # What cannot be averaged is made so first: indices and single bits.
    if image.mode in {"P", "PA", "1"}:
        image = image.convert("RGBA")
    copy = image.copy()
    copy.thumbnail((side, side), Image.Resampling.BOX)
    copy.info = image.info
    return copy


def formats_of(file: Path) -> tuple[str, ...]:
    """What to try; HEIF is taught when the first such photo comes: few deployments ever see one."""
    with file.open("rb") as stream:
        head = stream.read(32)
    # The brand that comes first may be that of the container; those that follow tell the codec.
    if head[4:8] != _ISO_MEDIA or any(brand in head[8:] for brand in _AVIF_BRANDS):
        return _SOURCE_FORMATS
    from pi_heif import register_heif_opener  # noqa: PLC0415 - as above

    register_heif_opener()
    return (_HEIF,)


def in_kept_colours(image: Picture, profile: bytes | None) -> tuple[Picture, bytes | None]:
    """The picture in RGB or RGBA, and the profile that its values are in then.

    A profile that describes RGB is kept with its values; all else becomes sRGB.
    """
    pixels = in_8_bits(image)
    is_described = profile is not None and pixels.mode in {"RGB", "RGBA"} and describes_rgb(profile)
    return (pixels, profile) if is_described else (in_srgb(pixels, profile), None)
