"""Pictures that people really upload, from the checks before payment to the cut-out.

`pictures/cases.json` lists them: what was reported in public, what must come of it (`want`), and
how far the cut-out may be from the reference (mean levels of 255), which other decoders made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps, ImageStat

from cutout.adapters.pillow.copier import PillowCopier
from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.errors import NeedsPreparingError, NotAPhotoError
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, check_size, fitting, inspect
from cutout.domain.reasons import Reason
from cutout.domain.states import Pixels

PLACE = Path(__file__).parent / "pictures"
CASES: dict[str, Mapping[str, Any]] = {
    case["name"]: case for case in json.loads((PLACE / "cases.json").read_text("utf-8"))
}
LIMITS = PhotoLimits(
    max_bytes=10_000_000,
    max_pixels=16_000_000,
    min_side=240,
    max_side=7680,
    prepare_max_bytes=100_000_000,
)
PICTURES = PillowPictures(max_pixels=50_000_000)
COPIER = PillowCopier()
_SUBJECT = (0.25, 0.2, 0.75, 0.8)
"""Where the model finds something: shares of width and height, inside the scene's disc."""
_SOLID = 250
_SEEN = 32
_ALPHA_TOLERANCE = 2.0
_NAIVE = ("JPEG", "PNG", "GIF", "WEBP")
_MODELS_FORMATS = frozenset({"jpeg", "png", "gif", "webp"})


@dataclass(frozen=True)
class Sent:
    """Return what is sent to the model."""

    file: Path
    is_copy: bool


def sent(file: Path, place: Path) -> Sent:
    """Return what is sent of an upload, as Submit and Prepare decide.

    Raises:
        NotAPhotoError: nothing.
    """
    check_size(file.name, file.stat().st_size, LIMITS)
    try:
        if inspect(file.read_bytes(), LIMITS).orientation == 1:
            return Sent(file, is_copy=False)
    except NeedsPreparingError:
        pass
    seen = COPIER.look(file)
    copy = COPIER.copy(file, place / "copy", fitting(seen.width, seen.height, LIMITS), 10_000_000)
    assert copy.format in _MODELS_FORMATS
    return Sent(place / "copy", is_copy=True)


def subject(size: tuple[int, int]) -> Image.Image:
    """The transparency that the model finds: an ellipse, solid inside."""
    mask = Image.new("L", size)
    left, top, right, bottom = _SUBJECT
    width, height = size
    box = (left * width, top * height, right * width, bottom * height)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return mask


def modelled(file: Path, into: Path) -> Image.Image:
    """The model's result of what it was sent: it knows nothing of colours or transparency."""
    with Image.open(file, formats=_NAIVE) as image:
        result = ImageOps.exif_transpose(image).convert("RGB")
    mask = subject(result.size)
    result.putalpha(mask)
    result.save(into, "PNG")
    return mask


@cache
def cut_outs(name: str, place: Path) -> tuple[Sent, dict[Pixels, tuple[Image.Image, Image.Image]]]:
    """For both settings, the cut-out that is published, and what the model found of it.

    Raises:
        NotAPhotoError: nothing is sent.
    """
    file = PLACE / "files" / name
    what = sent(file, place)
    mask = modelled(what.file, place / "result")
    COPIER.upright(file, place / "upright")
    with Image.open(place / "upright", formats=("PNG",)) as upright:
        is_transparent = upright.mode == "RGBA"
    made: dict[Pixels, tuple[Image.Image, Image.Image]] = {}
    for pixels in Pixels:
        if pixels is Pixels.SOURCE or is_transparent:
            PICTURES.faithful_cut_out(place / "result", place / "upright", place / "made")
        else:
            PICTURES.cut_out(place / "result", place / "made")
        with Image.open(place / "made", formats=("PNG",)) as image:
            image.load()
            made[pixels] = image, mask.resize(image.size)
    return what, made


def reference(name: str) -> Image.Image:
    """The picture as other decoders show it."""
    with Image.open(PLACE / "references" / f"{name}.png", formats=("PNG",)) as image:
        return image.convert("RGBA")


def apart(cut_out: Image.Image, found: Image.Image, true: Image.Image) -> tuple[float, float]:
    """Mean levels of colour and of transparency from the reference, where the model sees solid."""
    core = found.point(lambda level: 255 * (level >= _SOLID))
    seen = ImageChops.darker(core, true.getchannel("A").point(lambda level: 255 * (level >= _SEEN)))
    colours = ImageStat.Stat(
        ImageChops.difference(cut_out.convert("RGB"), true.convert("RGB")), seen
    ).mean
    alphas = ImageChops.difference(cut_out.getchannel("A"), true.getchannel("A"))
    return sum(colours) / 3, ImageStat.Stat(alphas, core).mean[0]


def wanting(*wants: str) -> list[str]:
    """The cases of which this is wanted."""
    return [name for name, case in CASES.items() if case["want"] in wants]


def check_is_right(name: str, place: Path) -> Sent:
    """Size, colours and transparency of both cut-outs are the reference's."""
    what, made = cut_outs(name, place)
    true = reference(name)
    for pixels, (cut_out, found) in made.items():
        width, height = cut_out.size
        assert width / height == pytest.approx(true.width / true.height, rel=0.01)
        colours, alphas = apart(cut_out, found, true.resize(cut_out.size))
        assert colours <= CASES[name]["tolerance"], pixels
        assert alphas <= _ALPHA_TOLERANCE, pixels
    return what


@pytest.mark.parametrize("name", wanting("as-reference"))
def test_picture_comes_out_as_other_decoders_show_it(name: str, tmp_path: Path) -> None:
    """Upright, whole, in its colours, with its transparency; with either setting of `pixels`."""
    check_is_right(name, tmp_path)


@pytest.mark.parametrize("name", wanting("prepared-copy"))
def test_picture_that_few_decoders_read_is_sent_as_a_copy(name: str, tmp_path: Path) -> None:
    """The model need not read rare variants of a format."""
    assert check_is_right(name, tmp_path).is_copy


@pytest.mark.parametrize("name", wanting("rejected-free"))
def test_picture_that_cannot_be_cut_out_costs_nothing(name: str, tmp_path: Path) -> None:
    """It is rejected before anything is paid, and with the true reason."""
    with pytest.raises(NotAPhotoError) as caught:
        sent(PLACE / "files" / name, tmp_path)
    assert caught.value.reason in {Reason(reason) for reason in CASES[name]["reasons"]}


@pytest.mark.parametrize("name", wanting("rejected-where-decoded"))
def test_picture_that_only_decoding_shows_to_be_damaged_is_refused_there(
    name: str, tmp_path: Path
) -> None:
    """A JPEG that ends half-way and has an end mark: a viewer fills the rest with grey."""
    with pytest.raises(NotAPhotoError) as caught:
        COPIER.upright(PLACE / "files" / name, tmp_path / "upright")
    assert caught.value.reason in {Reason(reason) for reason in CASES[name]["reasons"]}


@pytest.mark.parametrize("name", wanting("prepared-copy-or-rejected-free"))
def test_rare_picture_comes_out_right_or_costs_nothing(name: str, tmp_path: Path) -> None:
    """Never in wrong colours."""
    try:
        assert check_is_right(name, tmp_path).is_copy
    except NotAPhotoError as exc:
        assert exc.reason in {Reason(reason) for reason in CASES[name]["reasons"]}  # noqa: PT017


@pytest.mark.parametrize("name", wanting("as-stored"))
def test_colours_without_a_declared_colour_space_are_shown_as_stored(
    name: str, tmp_path: Path
) -> None:
    """The size is right and the picture is cut out: no check could find more."""
    _, made = cut_outs(name, tmp_path)
    assert {cut_out.size for cut_out, _ in made.values()} == {reference(name).size}


@pytest.mark.parametrize("name", wanting("sent"))
def test_odd_pictures_are_sent_as_copies(name: str, tmp_path: Path) -> None:
    """Of one pixel, or beside the middle of their canvas."""
    assert sent(PLACE / "files" / name, tmp_path).is_copy


def test_every_case_has_a_test() -> None:
    """No `want` is misspelt."""
    assert {case["want"] for case in CASES.values()} == {
        "as-reference",
        "as-stored",
        "prepared-copy",
        "prepared-copy-or-rejected-free",
        "rejected-free",
        "rejected-where-decoded",
        "sent",
    }
