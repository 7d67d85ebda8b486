"""Small pictures for an HTML page."""

import base64
import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

# Pillow also reads formats that are unsafe: it passes a PostScript file to Ghostscript, whatever
# the file is called.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "AVIF")
_QUALITY = 82
_PLAIN_MODES = frozenset({"RGB", "RGBA"})


def data_uri(path: Path, side: int) -> str | None:
    """Return the picture as a data URI, no side longer than `side` pixels, transparency kept.

    None if Pillow cannot decode the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _encoded(path, side)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _encoded(path: Path, side: int) -> str:
    with Image.open(path, formats=_FORMATS) as opened:
        opened.draft("RGB", (side, side))
        picture = ImageOps.exif_transpose(opened)
        if picture.mode not in _PLAIN_MODES:
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
