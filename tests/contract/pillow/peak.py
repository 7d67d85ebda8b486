"""One piece of work on the largest picture, and the peak memory it takes.

    python -m tests.contract.pillow.peak FOLDER WORK

Prints the peak in MB of this process alone: getrusage would include the peak of the parent.
"""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path

from PIL import Image

from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.photo.photo_and_result_checks import MOST_DECODED_PIXELS, PhotoLimits, fitting
from cutout.domain.recipes import Recipe

RESULT_PIXELS = 50_000_000
_LIMITS = PhotoLimits(max_bytes=10_000_000, max_pixels=50_000_000, min_side=240, max_side=7680)
_LYING = 6
_HEAVY_PIXELS = 170_000_000
"""Of a JPEG 2000, which takes 3 GB if it is decoded whole."""


def main(folder: Path, work: str) -> None:
    """Do it, on what `write_photo`, `write_result` and earlier work wrote."""
    pictures = PillowPictures(RESULT_PIXELS, max_photo_pixels=MOST_DECODED_PIXELS)
    photo, result, into = folder / "photo", folder / "result", folder / "into"
    upright = folder / "upright"
    if work == "prepare":
        seen = PillowCopier().look(photo)
        size = fitting(seen.width, seen.height, _LIMITS)
        PillowCopier().copy(photo, into, size, _LIMITS.max_bytes)
    elif work == "upright":
        PillowCopier().upright(photo, upright)
    elif work == "own pixels":
        pictures.faithful_cut_out(result, upright, into)
    else:
        pictures.render(result, Recipe(name=work, format=work, background="#ffffff"), into)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    sys.stdout.write(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


def square(pixels: int) -> Image.Image:
    """The largest square of so many pixels, of one colour."""
    side = int(pixels**0.5)
    return Image.new("RGB", (side, side), "teal")


def write_photo(file: Path, kind: str) -> None:
    """A photo as large as is decoded of its kind; a JPEG lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = _LYING
    if kind == "jp2":
        file.write_bytes(_large_jpeg_2000(int(_HEAVY_PIXELS**0.5)))
    else:
        square(MOST_DECODED_PIXELS).save(file, "JPEG", exif=exif)


def _large_jpeg_2000(side: int) -> bytes:
    """A grey square that is not encoded, which takes ten seconds, but made of a small file.

    Both have one tile and 18 packets. A packet that begins with a zero bit is empty, at any size.
    """
    small = io.BytesIO()
    Image.new("RGB", (64, 64)).save(small, "JPEG2000")
    small_size, large_size = (struct.pack(">2I", one, one) for one in (64, side))
    large = small.getvalue().replace(small_size, large_size)
    head, start_of_data, data = large.partition(b"\xff\x93")
    end = b"\xff\xd9"
    return head + start_of_data + bytes(len(data) - len(end)) + end


def write_result(file: Path, pixels: int) -> None:
    """A cut-out with a little subject in the middle."""
    picture = square(pixels)
    alpha = Image.new("L", picture.size)
    middle = picture.width // 2
    alpha.paste(255, (middle - 40, middle - 40, middle + 40, middle + 40))
    picture.putalpha(alpha)
    picture.save(file, "PNG", compress_level=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
