"""The Exif orientation: how the stored pixels of a picture must be turned to be shown."""

from __future__ import annotations

from typing import Final

from PIL import Image, PngImagePlugin, TiffImagePlugin

from cutout.domain.photo.exif_and_profile import FIRST_LYING, LAST_ORIENTATION, exif_orientation

_ORIENTATION: Final = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation_of(image: Image.Image) -> int:
    """The file's Exif orientation, 1 to 8; 1 for HEIC, which its decoder turns."""
    # Unlike `Image.getexif`, this ignores XMP: tools leave an orientation there after they have
    # turned the pixels, and viewers ignore it.
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        value = image.tag_v2.get(_ORIENTATION)
        value = int.from_bytes(value) if isinstance(value, bytes) else value
        return value if isinstance(value, int) and 1 <= value <= LAST_ORIENTATION else 1
    if isinstance(image, PngImagePlugin.PngImageFile) and "exif" not in image.info:
        image.load()  # it may follow the pixels
    exif = image.info.get("exif")
    return exif_orientation(exif) if isinstance(exif, bytes) else 1


def is_turned_by_decoder(image: Image.Image) -> bool:
    """True if the decoder turns the pixels, so that the image's size is the size as shown."""
    # Pillow's TIFF reader ignores an orientation that is stored as a byte.
    return isinstance(image, TiffImagePlugin.TiffImageFile) and not isinstance(
        image.tag_v2.get(_ORIENTATION), bytes
    )


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Stored pixels as they are shown."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def size_as_shown(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height after turning."""
    return (size[1], size[0]) if orientation >= FIRST_LYING else size
