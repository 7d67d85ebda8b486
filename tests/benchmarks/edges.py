"""How true a cut-out is to its photo: `python -m tests.benchmarks.edges FOLDER`.

The subject of each photo that ships with the project is laid, through a known transparency, on a
ground of another colour; a model that works at half the size gives back what it sees of that.
Printed are mean levels (0 to 255) of difference from the truth: inside the subject, and along its
edge on white and on black (the halo). The picture shows the edges on magenta, enlarged, plain way
beside ours.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageChops, ImageFilter, ImageStat

from cutout.adapters.pillow.pillow_pictures import PillowPictures
from infra.local.evolink.background_removal import remove_background
from infra.local.place import shipped_photos

_GROUND = "#1f9d4c"
_MODEL_SCALE = 2
_INWARDS = 9
_ZOOM = 4
_CROP = 90
_WAYS = ("model's pixels, enlarged", "photo's pixels, plain edge", "pixels = source")


def main(folder: Path) -> None:
    """Print the table and write one picture a photo."""
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{'photo':<12}{'way':<28}{'inside':>8}{'halo':>8}\n")
    for path in shipped_photos():
        truth = whole_subject(remove_background(Image.open(path)))
        made = dict(zip(_WAYS, ways(truth, folder), strict=True))
        for way, cut_out in made.items():
            inside, halo = difference(truth, cut_out)
            sys.stdout.write(f"{path.stem:<12}{way:<28}{inside:>8.2f}{halo:>8.2f}\n")
        side_by_side(truth, list(made.values())).save(folder / f"edges-{path.stem}.png")


def whole_subject(cut_out: Image.Image) -> Image.Image:
    """The cut-out with its edge moved inwards, where the photo has none of its background."""
    solid = cut_out.getchannel("A").point(lambda level: 255 * (level == 255))
    inner = solid.filter(ImageFilter.MinFilter(_INWARDS)).filter(ImageFilter.GaussianBlur(1))
    cut_out.putalpha(inner)
    return cut_out


def ways(truth: Image.Image, folder: Path) -> tuple[Image.Image, Image.Image, Image.Image]:
    """The cut-out, three ways, from a photo of the subject on a ground and the model's result."""
    photo = Image.new("RGBA", truth.size, _GROUND)
    photo.alpha_composite(truth)
    photo = photo.convert("RGB")
    size = truth.width // _MODEL_SCALE, truth.height // _MODEL_SCALE
    alpha = truth.getchannel("A").resize(size, Image.Resampling.BOX)
    result = photo.resize(size, Image.Resampling.BOX)
    result.putalpha(alpha)
    source, file, into = (folder / name for name in ("source.png", "result.png", "made.png"))
    photo.save(source)
    result.save(file)
    PillowPictures(50_000_000).faithful_cut_out(file, source, into)
    ours = Image.open(into).convert("RGBA")
    for used in (source, file, into):
        used.unlink()
    plain = photo.copy()
    plain.putalpha(alpha.resize(truth.size, Image.Resampling.BICUBIC))
    return result.resize(truth.size, Image.Resampling.BICUBIC), plain, ours


def difference(truth: Image.Image, cut_out: Image.Image) -> tuple[float, float]:
    """Mean levels inside the subject, and along its edge, on white and black."""
    alpha = truth.getchannel("A")
    inside = alpha.point(lambda level: 255 * (level == 255))
    edge = alpha.point(lambda level: 255 * (0 < level < 255))
    grounds = ("white", "black")
    both = [[laid(one, ground) for one in (truth, cut_out)] for ground in grounds]
    apart = [ImageChops.difference(*pair) for pair in both]
    means = [
        [sum(ImageStat.Stat(one, where).mean) / 3 for one in apart] for where in (inside, edge)
    ]
    return sum(means[0]) / len(grounds), sum(means[1]) / len(grounds)


def laid(cut_out: Image.Image, ground: str) -> Image.Image:
    """The cut-out on a colour."""
    canvas = Image.new("RGBA", cut_out.size, ground)
    canvas.alpha_composite(cut_out)
    return canvas.convert("RGB")


def side_by_side(truth: Image.Image, made: list[Image.Image]) -> Image.Image:
    """A piece of the edge, enlarged: the ways from left to right, and then the truth."""
    box = _busiest(truth.getchannel("A"))
    pieces = [laid(one, "#ff00ff").crop(box) for one in (*made, truth)]
    side = _CROP * _ZOOM
    sheet = Image.new("RGB", (len(pieces) * (side + 8) - 8, side), "white")
    for number, piece in enumerate(pieces):
        large = piece.resize((side, side), Image.Resampling.NEAREST)
        sheet.paste(large, (number * (side + 8), 0))
    return sheet


def _busiest(alpha: Image.Image) -> tuple[int, int, int, int]:
    """Where most of the edge is."""
    edge = alpha.point(lambda level: 255 * (0 < level < 255))
    places = [
        (left, top, left + _CROP, top + _CROP)
        for left in range(0, alpha.width - _CROP, _CROP // 2)
        for top in range(0, alpha.height - _CROP, _CROP // 2)
    ]
    return max(places, key=lambda box: ImageStat.Stat(edge.crop(box)).sum[0])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
