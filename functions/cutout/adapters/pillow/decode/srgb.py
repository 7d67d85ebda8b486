"""Converts any decoded picture to sRGB with 8 bits a channel, with or without alpha."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageChops, ImageCms, ImageMath, TiffImagePlugin

from cutout.domain.errors import NotAPhotoError
from cutout.domain.photo.exif_and_profile import is_srgb
from cutout.domain.reasons import Reason

_PHOTOMETRIC, _BITS, _WHITE_IS_ZERO = 262, 258, 0
_DEEP_GREY = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_WITHOUT_A_RANGE = frozenset({"I", "F"})
_OPAQUE = 255
_SRGB: Final = "sRGB"


def in_8_bits(image: Image.Image) -> Image.Image:
    """The picture, of the same colours, in a mode that can be resized and converted.

    NotAPhotoError: its values have no known range, as in measurements.
    """
    # Pillow decodes 16-bit colours to 8 bits, but not 16-bit greys.
    if image.mode in _DEEP_GREY:
        return _without_clear_level(_shallow(image), image)
    if image.mode in _WITHOUT_A_RANGE:
        text = "32 bits a channel: numbers of no known range are no colours"
        raise NotAPhotoError(Reason.UNSUPPORTED_FORMAT, text)
    if image.mode in {"CMYK", "LAB", "RGB", "L"} and not image.has_transparency_data:
        return image
    if image.mode in {"RGBA", "LA"}:
        return image
    if image.mode == "La":  # premultiplied alpha
        return image.convert("LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in RGB or RGBA. A profile that does not fit its pixels is ignored."""
    if image.mode == "LAB":
        return _transformed(image, ImageCms.createProfile("LAB"))
    if profile and not is_srgb(profile):
        try:
            return _transformed(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError, ValueError):
            return _plain(image)
    return _plain(image)


def describes_rgb(profile: bytes) -> bool:
    """True for a whole profile of an RGB colour space (ICC.1, 7.2.6)."""
    try:
        space = ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    return space.strip() == "RGB"


def _plain(image: Image.Image) -> Image.Image:
    # Without a profile, the inks of CMYK are unknown, and the simple formula has to do.
    mode = "RGBA" if image.mode in {"RGBA", "LA"} else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile | object) -> Image.Image:
    if image.mode == "LA":  # a profile of greys knows no alpha
        grey = _transformed(image.getchannel("L"), profile)
        grey.putalpha(image.getchannel("A"))
        return grey
    made = ImageCms.profileToProfile(
        image,
        profile,  # type: ignore[arg-type] # the stubs lack the type that createProfile returns
        ImageCms.createProfile(_SRGB),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGBA" if image.mode == "RGBA" else "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return made or image


def _without_clear_level(grey: Image.Image, deep: Image.Image) -> Image.Image:
    """8-bit greys, transparent where the 16-bit ones have the transparent level."""
    clear = deep.info.get("transparency")
    if not isinstance(clear, int):
        return grey
    shown = ImageMath.lambda_eval(
        lambda levels: (levels["deep"] != clear) * _OPAQUE, deep=deep.convert("I")
    )
    grey.putalpha(shown.convert("L"))
    return grey


def _shallow(image: Image.Image) -> Image.Image:
    """8-bit greys of 16-bit ones, which may use fewer bits; Pillow's own conversion clips them."""
    bits, is_inverted = 16, False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = int(image.tag_v2.get(_BITS, (bits,))[0])
        is_inverted = image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    scale = 255 / ((1 << bits) - 1)
    numbers = image if image.mode == "I;16" else image.convert("I")
    grey = numbers.point(lambda level: level * scale + 0.5).convert("L")
    return ImageChops.invert(grey) if is_inverted else grey
