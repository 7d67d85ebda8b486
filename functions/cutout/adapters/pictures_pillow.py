"""Looking into picture files with Pillow."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from cutout.ports import Picture

_FORMATS = ("PNG", "WEBP", "JPEG", "GIF")


class PillowPictures:
    """Decodes results.

    Args:
        max_pixels: what is larger is not decoded: a bomb costs no memory.
    """

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels

    def examine(self, file: Path) -> Picture | None:
        """Decode the whole file; None if it is not a picture that can be decoded."""
        try:
            with Image.open(file, formats=_FORMATS) as image:
                width, height = image.size
                if width * height > self._max_pixels:
                    return None
                image.load()
                return Picture(
                    format=(image.format or "").lower(),
                    width=width,
                    height=height,
                    alpha_range=_alpha_range(image),
                )
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
            return None
        except SyntaxError:  # what Pillow raises for a broken PNG
            return None

    def rewrite_as_png(self, file: Path) -> int:
        """Make the file a PNG of the same pixels; returns its new size in bytes."""
        with Image.open(file, formats=_FORMATS) as image:
            pixels = image.convert("RGBA")
        pixels.save(file, format="PNG")
        return file.stat().st_size


def _alpha_range(image: Image.Image) -> tuple[int, int] | None:
    if not image.has_transparency_data:
        return None
    histogram = image.convert("RGBA").getchannel("A").histogram()
    present = [level for level, pixels in enumerate(histogram) if pixels]
    return present[0], present[-1]
