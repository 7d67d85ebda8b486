"""Every option of a recipe, on a cut-out of a real photograph."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.errors import PictureError
from cutout.domain.recipes import Fit, Length, Recipe, Shadow
from tests.contract.pillow.test_finish_cutout import apart, cut, photo, wide_profile

PICTURES = PillowPictures(max_pixels=50_000_000)


@pytest.fixture
def cut_out(tmp_path: Path) -> Path:
    """A cup with empty space around it: opaque from 150, 50 to 450, 350."""
    image = photo()
    image.putalpha(0)
    image.paste(cut(photo().crop((150, 50, 450, 350))), (150, 50))
    image.save(tmp_path / "cut-out.png")
    return tmp_path / "cut-out.png"


def rendered(cut_out: Path, **options: object) -> Image.Image:
    """Render a recipe."""
    recipe = Recipe(name="it", **options)  # type: ignore[arg-type] # as each test says
    into = cut_out.with_name("made")
    told = PICTURES.render(cut_out, recipe, into)
    with Image.open(into) as image:
        image.load()
        assert (told.width, told.height) == image.size
        return image.copy()


@pytest.mark.parametrize("format_", ["png", "webp", "avif", "jpg"])
def test_variants_have_the_format_of_their_recipe(cut_out: Path, format_: str) -> None:
    """All show the same; all but JPEG keep the transparency."""
    ground = {"background": "#ffffff"} if format_ == "jpg" else {}
    rendered(cut_out, format=format_, **ground)
    with Image.open(cut_out.with_name("made")) as image:
        assert image.format == {"jpg": "JPEG"}.get(format_, format_.upper())
        assert image.has_transparency_data == (format_ != "jpg")
        middle = (250, 150, 350, 250)
        assert apart(image.convert("RGBA").crop(middle), photo().crop(middle)) < 6


def test_png_without_options_is_exactly_the_cut_out(cut_out: Path) -> None:
    """Nothing is scaled, and no background added."""
    with Image.open(cut_out) as image:
        assert rendered(cut_out).tobytes() == image.tobytes()


def test_background_is_exactly_its_colour(cut_out: Path) -> None:
    """Marketplaces demand pure white, and check it."""
    made = rendered(cut_out, background="#ffffff")
    assert (made.mode, made.getpixel((0, 0)), made.getpixel((599, 399))) == (
        "RGB",
        (255, 255, 255),
        (255, 255, 255),
    )
    assert apart(made.crop((280, 180, 320, 220)), photo().crop((280, 180, 320, 220))) == 0


def test_background_colour_is_srgb_whatever_the_profile(cut_out: Path) -> None:
    """In a colour space that swaps red and green, red is written as green; the profile stays."""
    with Image.open(cut_out) as image:
        image.save(cut_out, icc_profile=wide_profile())
    made = rendered(cut_out, background="#ff0000")
    red, green, blue = made.getpixel((0, 0))  # type: ignore[misc] # three bands
    assert made.info["icc_profile"] == wide_profile()
    assert (red < 5, green > 250, blue < 5) == (True, True, True)


def test_trimming_keeps_the_visible_subject(cut_out: Path) -> None:
    """To what can be seen, not to the faintest trace."""
    with Image.open(cut_out) as image:
        image.putpixel((0, 0), (255, 255, 255, 3))
        image.save(cut_out)
    made = rendered(cut_out, trim=True)
    assert 240 < made.width < 260
    assert 240 < made.height < 260
    alpha = made.getchannel("A")
    edges = [(0, 0, made.width, 1), (0, 0, 1, made.height)]
    assert all((alpha.crop(edge).getextrema()[1] or 0) >= 8 for edge in edges)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("margin", "size"),
    [(Length(pixels=10), (620, 420)), (Length(share=0.1), (700, 500)), (Length(), (600, 400))],
)
def test_margin_is_added_on_all_sides(cut_out: Path, margin: Length, size: tuple[int, int]) -> None:
    """In pixels, or as a share of the finished picture's shorter side."""
    assert rendered(cut_out, margin=margin).size == size


@pytest.mark.parametrize("fit", [Fit(width=500, height=300), Fit(width=300, height=900)])
@pytest.mark.parametrize("margin", [Length(), Length(pixels=20), Length(share=0.1)])
def test_fit_gives_the_exact_size_with_the_subject_in_the_middle(
    cut_out: Path, fit: Fit, margin: Length
) -> None:
    """Scaled up or down, as far as the margin allows."""
    made = rendered(cut_out, trim=True, fit=fit, margin=margin)
    assert made.size == (fit.width, fit.height)
    seen = made.getchannel("A").point(lambda level: 255 * (level > 8))
    left, top, right, bottom = seen.getbbox() or (0, 0, 0, 0)
    room = margin.of(min(made.size))
    assert abs(left - (made.width - right)) <= 3
    assert abs(top - (made.height - bottom)) <= 3
    assert abs(min(left, top) - room) <= 2


def test_margin_without_room_is_an_error(cut_out: Path) -> None:
    """It is stored with the job; the cut-out is not affected."""
    with pytest.raises(PictureError, match="no room"):
        rendered(cut_out, fit=Fit(width=100, height=30), margin=Length(pixels=15))


@pytest.mark.parametrize("format_", ["webp", "avif", "jpg"])
def test_lower_quality_gives_a_smaller_file(cut_out: Path, format_: str) -> None:
    """By more than half."""
    sizes = []
    for quality in (20, 90):
        rendered(cut_out, format=format_, background="#ffffff", quality=quality)
        sizes.append(cut_out.with_name("made").stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_shadow_is_soft_dark_and_behind_the_subject(cut_out: Path) -> None:
    """It darkens the ground below the subject, which itself is not changed."""
    shadow = Shadow(opacity=0.5, blur=Length(pixels=6), down=Length(pixels=30))
    plain = rendered(cut_out, background="#ffffff")
    made = rendered(cut_out, background="#ffffff", shadow=shadow)
    with Image.open(cut_out) as image:
        solid = image.getchannel("A").point(lambda level: 255 * (level == 255))
    assert apart(made, plain, solid) == 0
    darker = ImageChops.subtract(plain, made).convert("L")
    assert _most(darker.crop((200, 330, 400, 400))) > 60
    assert len(set(darker.tobytes())) > 30
    assert darker.crop((0, 0, 600, 40)).getbbox() is None


@pytest.mark.parametrize("blur", [0, 3, 40])
def test_shadow_without_a_background_is_half_transparent_black(cut_out: Path, blur: int) -> None:
    """However soft, it is not darker than it should be."""
    shadow = Shadow(opacity=0.4, blur=Length(pixels=blur), right=Length(pixels=-100))
    made = rendered(cut_out, shadow=shadow)
    beside = made.crop((0, 0, 140, 400))
    assert 60 < _most(beside.getchannel("A")) <= 102
    assert ImageStat.Stat(beside.convert("RGB")).extrema == [(0, 0)] * 3


def test_empty_cut_out_cannot_be_trimmed(tmp_path: Path) -> None:
    """There would be no picture."""
    Image.new("RGBA", (10, 10)).save(tmp_path / "cut-out.png")
    with pytest.raises(PictureError, match="nothing to trim to"):
        rendered(tmp_path / "cut-out.png", trim=True)


def test_variant_that_its_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    """Not with a library's message, but with what to do."""
    Image.new("RGBA", (16_400, 1), "red").save(tmp_path / "cut-out.png")
    with pytest.raises(PictureError, match="give the recipe a fit"):
        rendered(tmp_path / "cut-out.png", format="webp")


@pytest.mark.parametrize("size", [(1, 1), (3, 257)])
def test_variants_of_odd_sizes_are_rendered(tmp_path: Path, size: tuple[int, int]) -> None:
    """One pixel can be a subject, and have a shadow."""
    Image.new("RGBA", size, "red").save(tmp_path / "cut-out.png")
    made = rendered(
        tmp_path / "cut-out.png",
        format="jpg",
        background="#ffffff",
        trim=True,
        margin=Length(share=0.1),
        fit=Fit(width=50, height=50),
        shadow=Shadow(opacity=0.3, blur=Length(share=0.02)),
    )
    assert made.size == (50, 50)


def _most(band: Image.Image) -> int:
    return max(band.tobytes())
