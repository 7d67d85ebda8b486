"""Opening picture files: every way in which that fails is one error, told in words."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms, UnidentifiedImageError

from cutout.errors import PictureError

Picture = Image.Image
RESULT_FORMATS = ("PNG", "WEBP", "JPEG", "GIF")
_SOURCE_FORMATS = (*RESULT_FORMATS, "TIFF", "BMP", "JPEG2000", "AVIF")
_HEIF = "HEIF"
_ISO_MEDIA = b"ftyp"
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,  # what Pillow raises for a broken PNG
    MemoryError,
    struct.error,
    UnidentifiedImageError,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
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


def orientation_of(image: Picture) -> int:
    """How the stored pixels must be turned to be shown, 1 to 8 as in Exif."""
    value = image.getexif().get(_ORIENTATION, 1)
    return value if value in _TURNS else 1


def turned(image: Picture, orientation: int) -> Picture:
    """The picture as it is shown."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A photo's pixels as they are stored, in RGB.

    Attributes:
        alpha: its own transparency, if it has any.
        orientation: how the pixels must be turned to be shown.
        profile: the ICC profile that the values are in; None means sRGB.
    """

    pixels: Picture
    alpha: Picture | None
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
    with told_in_words(), Image.open(file, formats=formats_of(file)) as image:
        if image.width * image.height > max_pixels:
            raise PictureError(f"it has more than {max_pixels:,} pixels")
        orientation = orientation_of(image)
        if side is not None:
            image.draft(None, (2 * side, 2 * side))
        image.load()
        profile: bytes | None = image.info.get("icc_profile")
        small = _smaller(image, side)
        alpha = small.convert("RGBA").getchannel("A") if small.has_transparency_data else None
        pixels, profile = _as_rgb(small, profile)
    return Source(pixels=pixels, alpha=alpha, orientation=orientation, profile=profile)


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


def _as_rgb(image: Picture, profile: bytes | None) -> tuple[Picture, bytes | None]:
    """The picture in RGB, and the profile that its values are in then."""
    if image.mode.startswith("I") or image.mode == "F":
        return _as_eight_bits(image).convert("RGB"), None
    space = colour_space(profile)
    if image.mode in {"CMYK", "L", "LAB"} and space in {"CMYK", "GRAY", "Lab"}:
        return in_srgb(image, profile or b""), None
    return image.convert("RGB"), profile if space == "RGB" else None


def _as_eight_bits(image: Picture) -> Picture:
    """The upper eight of sixteen bits."""
    wide = image.convert("I")
    low, high = wide.getextrema()
    is_small = isinstance(low, int | float) and isinstance(high, int | float) and high < 256  # noqa: PLR2004
    return (wide if is_small else wide.point(lambda level: level * (1 / 256))).convert("L")


def colour_space(profile: bytes | None) -> str | None:
    """The colour space of an ICC profile: its signature, without spaces (ICC.1, 7.2.6)."""
    return profile[16:20].decode("latin-1").strip() if profile and len(profile) > 128 else None  # noqa: PLR2004


def in_srgb(image: Picture, profile: bytes) -> Picture:
    """The picture's values in sRGB.

    Raises:
        PyCMSError: the profile cannot be used.
    """
    converted = ImageCms.profileToProfile(
        image,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
    )
    if converted is None:
        raise PictureError("its colours cannot be converted")
    return converted
