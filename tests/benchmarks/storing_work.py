"""One piece of work of `tests.benchmarks.storing`: folder, what, megapixels."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from PIL import Image, ImageChops

from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.recipes import Fit, Length, Recipe, Shadow

PICTURES = PillowPictures(60_000_000)
MAKE = "make"
_MODEL_PIXELS = 2_000_000
_SQUARE = Fit(width=2000, height=2000)
_RECIPES = {
    "png": Recipe(name="png"),
    "webp": Recipe(name="webp", format="webp"),
    "avif": Recipe(name="avif", format="avif"),
    "jpg": Recipe(name="jpg", format="jpg", background="#ffffff"),
    "webp 2000x2000": Recipe(name="fit", format="webp", trim=True, fit=_SQUARE),
    "jpg 2000x2000, shadow": Recipe(
        name="market",
        format="jpg",
        background="#ffffff",
        trim=True,
        margin=Length(share=0.08),
        fit=_SQUARE,
        shadow=Shadow(opacity=0.3, blur=Length(share=0.02), down=Length(share=0.01)),
    ),
}
WORKS = ("examine", "pixels = model, turned", "pixels = source", *_RECIPES)


def make(folder: Path, megapixels: float) -> None:
    """Write `source.jpg`, the model's `result.png`, and a finished `cut-out.png`."""
    from infra.local.place import shipped_photos  # noqa: PLC0415 - not for what is measured

    photo = enlarged(shipped_photos()[0], megapixels)
    exif = Image.Exif()
    exif[0x0112] = 3
    with_grain(photo).save(folder / "source.jpg", quality=88, exif=exif)
    models(photo).save(folder / "result.png")
    PillowCopier().upright(folder / "source.jpg", folder / "source.png")
    PICTURES.faithful_cut_out(folder / "result.png", folder / "source.png", folder / "cut-out.png")


def enlarged(photo: Path, megapixels: float) -> Image.Image:
    """A photo at another size."""
    with Image.open(photo) as opened:
        scale = (megapixels * 1e6 / (opened.width * opened.height)) ** 0.5
        size = round(opened.width * scale), round(opened.height * scale)
        return opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def with_grain(photo: Image.Image) -> Image.Image:
    """The photo with the grain of a sensor over it, which differs each time."""
    grain = Image.effect_noise(photo.size, 12).convert("RGB")
    return ImageChops.add(photo, grain, 1, -128)


def models(photo: Image.Image) -> Image.Image:
    """What a model gives back that does not turn photos, and works at 2 megapixels."""
    from infra.local.evolink.background_removal import remove_background  # noqa: PLC0415

    scale = min(1.0, (_MODEL_PIXELS / (photo.width * photo.height)) ** 0.5)
    size = round(photo.width * scale), round(photo.height * scale)
    return remove_background(photo.resize(size, Image.Resampling.BOX))


def do(folder: Path, work: str) -> None:
    """Do one piece of work."""
    into = folder / "made"
    if work == "examine":
        PICTURES.examine(folder / "cut-out.png")
    elif work.startswith("pixels = model"):
        PICTURES.cut_out(folder / "cut-out.png", into)
    elif work.startswith("pixels = source"):
        PICTURES.faithful_cut_out(folder / "result.png", folder / "source.png", into)
    else:
        PICTURES.render(folder / "cut-out.png", _RECIPES[work], into)


def main(folder: Path, work: str, megapixels: float) -> None:
    """Do it, and print the peak in MB and the seconds."""
    begun = time.process_time()
    if work == MAKE:
        make(folder, megapixels)
    else:
        do(folder, work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    sys.stdout.write(f"{peak} {time.process_time() - begun}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
