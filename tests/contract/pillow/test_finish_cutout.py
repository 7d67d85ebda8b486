"""Finishing results: upright, in the requested size, with the photo's own pixels."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.errors import PictureError
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.recipes import OwnPixels
from cutout.domain.states import Pixels
from cutout.usecases.store_result.finish_cutout import FetchedResult, FinishCutout, FullSizePhotos
from infra.local.place import shipped_photos
from tests.support.builders import PHOTO, a_job
from tests.support.fakes.buckets import MemoryCopies

PICTURES = PillowPictures(max_pixels=50_000_000)
ORIENTATION = 0x0112
UNTURN = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera held that way stores what it sees."""


def photo(name: str = "coffee") -> Image.Image:
    """A photograph that ships with the project."""
    (path,) = (one for one in shipped_photos() if one.stem == name)
    with Image.open(path) as image:
        return image.convert("RGB")


def an_ellipse(size: tuple[int, int]) -> Image.Image:
    """A soft-edged shape: solid in the middle, clear in the corners."""
    gradient = Image.radial_gradient("L").resize(size)
    return gradient.point(lambda level: max(0, min(255, (150 - level) * 6)))


def cut(image: Image.Image) -> Image.Image:
    """What a model gives back of a picture."""
    made = image.copy()
    made.putalpha(an_ellipse(image.size))
    return made


def stored(shown: Image.Image, orientation: int) -> Image.Image:
    """Turn the pixels as a camera stores them that was held that way."""
    turn = UNTURN[orientation]
    return shown.transpose(turn) if turn is not None else shown


def apart(one: Image.Image, other: Image.Image, mask: Image.Image | None = None) -> float:
    """Mean levels between two pictures."""
    mean = ImageStat.Stat(
        ImageChops.difference(one.convert("RGB"), other.convert("RGB")), mask
    ).mean
    return sum(mean) / len(mean)


def _saved(image: Image.Image, format_: str) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    image.save(file, format_)
    return file.getvalue()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for `source`, `result` and `made`."""
    return tmp_path


def test_result_with_an_orientation_of_its_own_is_turned_by_it(place: Path) -> None:
    """Some viewers read Exif in a PNG, others do not: afterwards, all show the same."""
    shown = photo()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    stored(cut(shown), 6).save(place / "result", "PNG", exif=exif)
    seen = PICTURES.examine(place / "result")
    assert seen is not None
    assert (seen.width, seen.height, seen.orientation) == (600, 400, 6)
    made = PICTURES.cut_out(place / "result", place / "made")
    assert (made.width, made.height) == (600, 400)
    with Image.open(place / "made") as image:
        assert not image.getexif().get(ORIENTATION)
        assert image.tobytes() == cut(shown).tobytes()


def test_reduced_cut_out_keeps_its_colours_to_the_edge(place: Path) -> None:
    """Neither the black of transparent pixels nor a ring of the filter shows."""
    colour = Image.new("RGBA", (360, 240), (180, 120, 60, 255))
    disc = an_ellipse(colour.size).point(lambda level: 255 * (level > 127))
    empty = Image.new("RGBA", colour.size)
    Image.composite(colour, empty, disc).save(place / "result", "PNG")
    made = PICTURES.cut_out(place / "result", place / "made", size=(61, 40))
    assert made == Picture(format="png", width=61, height=40, alpha_range=(0, 255))
    with Image.open(place / "made") as image:
        alpha = image.getchannel("A")
        seen = alpha.point(lambda level: 255 * (level > 96))
        assert sum(alpha.histogram()[97:255]) > 50
        for (least, most), true in zip(
            ImageStat.Stat(image.convert("RGB"), seen).extrema, (180, 120, 60), strict=True
        ):
            assert true - 4 <= least <= most <= true + 4
        exact = disc.resize((61, 40), Image.Resampling.BOX)
        assert ImageStat.Stat(ImageChops.difference(alpha, exact)).mean[0] < 2


def test_cut_out_that_has_the_right_size_keeps_its_bytes(place: Path) -> None:
    """Nothing is encoded again without need."""
    cut(photo()).save(place / "result", "PNG")
    before = (place / "result").read_bytes()
    fetched = FetchedResult(
        job=a_job(photo=PHOTO), file=place / "result", picture=PICTURES.examine(place / "result")
    )
    finishing = FinishCutout(
        pictures=PICTURES,
        own_pixels=OwnPixels(pixels=Pixels.MODEL),
        full_size_photos=FullSizePhotos(copies=MemoryCopies(), queue=None),
    )
    made, _ = finishing.with_models_pixels(fetched)
    assert made.read_bytes() == before


def test_tiny_photos_own_pixels_are_cut_by_the_result_of_its_enlarged_copy(
    place: Path,
) -> None:
    """Prepare's copy has six times the sides: the cut-out has the photo's, and its pixels."""
    shown = photo().resize((60, 40))
    shown.save(place / "source", "PNG")
    copy = PillowCopier().copy(place / "source", place / "copy", (360, 240), 10_000_000)
    assert (copy.width, copy.height) == (360, 240)
    with Image.open(place / "copy") as image:
        cut(image.convert("RGB")).save(place / "result", "PNG")
    made = PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")
    assert made == Picture(format="png", width=60, height=40, alpha_range=(0, 255))
    with Image.open(place / "made") as image:
        solid = image.getchannel("A").point(lambda level: 255 * (level == 255))
        assert sum(solid.histogram()[255:]) > 300
        assert apart(image, shown, solid) == 0


@cache
def wide_profile() -> bytes:
    """A colour space that is far from sRGB: its red is its green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for index in range(int.from_bytes(profile[128:132], "big")):
        at = 132 + 12 * index
        name = bytes(profile[at : at + 4])
        if name in {b"rXYZ", b"gXYZ"}:
            profile[at : at + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}[name]
    named = profile.find("sRGB".encode("utf-16-be"))
    profile[named : named + 8] = "wide".encode("utf-16-be")
    return bytes(profile)


def test_profile_of_the_result_is_kept(place: Path) -> None:
    """The model knows best what its values mean."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    cut(photo()).save(place / "result", "PNG", icc_profile=srgb)
    PICTURES.cut_out(place / "result", place / "made")
    with Image.open(place / "made") as image:
        assert image.info.get("icc_profile") == srgb


@pytest.mark.parametrize("size", [(600, 400), (300, 200), (151, 101), (900, 600)])
def test_inside_the_subject_every_pixel_is_the_photos(place: Path, size: tuple[int, int]) -> None:
    """As many pixels as the photo, and exactly the same ones where the cut-out is opaque."""
    shown = photo()
    shown.save(place / "source", "PNG")
    cut(shown).resize(size).save(place / "result", "PNG")
    made = PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")
    assert made == Picture(format="png", width=600, height=400, alpha_range=(0, 255))
    with Image.open(place / "made") as image:
        alpha = image.getchannel("A")
        solid = alpha.point(lambda level: 255 * (level == 255))
        assert "icc_profile" not in image.info
        assert sum(solid.histogram()[255:]) > 30_000
        black = Image.new("RGB", image.size)
        inside = (Image.composite(one.convert("RGB"), black, solid) for one in (image, shown))
        assert len({one.tobytes() for one in inside}) == 1
        clear = alpha.point(lambda level: 255 * (level == 0))
        assert ImageStat.Stat(image.convert("RGB"), clear).extrema == [(0, 0)] * 3


def test_background_does_not_show_through_the_edge(place: Path) -> None:
    """A white disc on green, half covered at its edge, stays white."""
    share = an_ellipse((400, 400))
    green, white = (Image.new("RGB", share.size, colour) for colour in ("#00c000", "#ffffff"))
    Image.composite(white, green, share).save(place / "source", "PNG")
    result = white.copy()
    result.putalpha(share)
    result.save(place / "result", "PNG")
    PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")
    with Image.open(place / "made") as image:
        half = image.getchannel("A").point(lambda level: 255 * (64 < level < 255))
        assert apart(image, white, half) < 2


@pytest.mark.parametrize(
    ("mode", "format_", "tolerance"),
    [
        ("L", "PNG", 0.5),
        ("P", "PNG", 0.5),
        ("CMYK", "TIFF", 3),
        ("RGB", "TIFF", 0.5),
        ("LA", "PNG", 0.5),
        ("1", "PNG", 0.5),
        ("RGB", "AVIF", 6),
        ("I;16", "PNG", 1.5),
    ],
)
def test_photos_of_every_mode_give_their_own_pixels(
    place: Path, mode: str, format_: str, tolerance: float
) -> None:
    """Palettes, greys, single bits, print colours, sixteen bits: as a viewer shows them."""
    if mode == "I;16":
        grey = photo().convert("L")
        kind = grey.convert("I").point(lambda level: level * 257).convert("I;16")
        expected = grey.convert("RGB")
    else:
        kind = photo().convert(mode)
        expected = kind.convert("RGB")
    kind.save(place / "photo", format_)
    PillowCopier().upright(place / "photo", place / "source")
    cut(photo()).resize((300, 200)).save(place / "result", "PNG")
    PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")
    with Image.open(place / "made") as image:
        solid = image.getchannel("A").point(lambda level: 255 * (level == 255))
        assert apart(image, expected, solid) <= tolerance


def test_transparent_parts_of_the_photo_stay_transparent(place: Path) -> None:
    """The cut-out never shows more than the photo does."""
    source = photo().convert("RGBA")
    source.paste((0, 0, 0, 0), (0, 0, 300, 400))
    source.save(place / "source", "PNG")
    cut(photo()).save(place / "result", "PNG")
    PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")
    with Image.open(place / "made") as image:
        assert image.getchannel("A").crop((0, 0, 300, 400)).getbbox() is None


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (3, 2), (257, 255), (513, 1)])
@pytest.mark.parametrize("result", [(1, 1), (2, 3), (64, 64)])
def test_pictures_of_odd_sizes_are_finished(
    place: Path, size: tuple[int, int], result: tuple[int, int]
) -> None:
    """One pixel is a picture, too."""
    photo().resize(size).save(place / "source", "PNG")
    Image.new("RGBA", result, (200, 100, 50, 255)).save(place / "result", "PNG")
    made = PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")
    assert (made.width, made.height, made.alpha_range) == (*size, (255, 255))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        _saved(photo(), "PNG")[:-5000],
        _saved(photo(), "JPEG"),
        _saved(photo(), "TIFF"),
        _saved(photo(), "GIF"),
    ],
    ids=["empty", "none", "cut short", "JPEG", "TIFF", "GIF"],
)
def test_only_a_whole_png_is_opened_as_a_photo(place: Path, data: bytes) -> None:
    """Prepare makes PNGs; no decoder opens anything else."""
    (place / "source").write_bytes(data)
    cut(photo()).save(place / "result", "PNG")
    with pytest.raises(PictureError):
        PICTURES.faithful_cut_out(place / "result", place / "source", place / "made")


@pytest.mark.parametrize("format_", ["GIF", "TIFF", "AVIF", "BMP", "JPEG2000"])
def test_only_formats_of_results_are_decoded_as_results(place: Path, format_: str) -> None:
    """Other decoders do not read what came from the network."""
    cut(photo()).convert("RGB").save(place / "result", format_)
    assert PICTURES.examine(place / "result") is None


def test_photo_with_too_many_pixels_is_not_decoded(place: Path) -> None:
    """A decompression bomb takes no memory."""
    photo().save(place / "source", "PNG")
    cut(photo()).resize((20, 20)).save(place / "result", "PNG")
    with pytest.raises(PictureError, match="more than 10,000 pixels"):
        PillowPictures(10_000).faithful_cut_out(place / "result", place / "source", place / "made")
