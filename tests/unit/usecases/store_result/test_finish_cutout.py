"""How a result is finished for publishing, and the remark in the job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.domain.errors import PictureError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.job.source import Photo, Prepared, Upright
from cutout.domain.messages.preparation import FULL_SIZE_FORMAT, CopyKind, copy_key
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.reasons import Reason
from cutout.domain.recipes import OwnPixels, Recipe
from cutout.domain.states import Pixels
from cutout.ports.buckets import Labels
from cutout.usecases.store_result.finish_cutout import (
    FetchedResult,
    FinishCutout,
    FullSizePhotos,
)
from cutout.usecases.store_result.variants import VariantSources
from tests.support.builders import NOW, PHOTO, a_job
from tests.support.fakes.buckets import MemoryCopies
from tests.support.fakes.copier import tiff
from tests.support.fakes.evolink import FakePictures
from tests.support.fakes.world import World
from tests.support.hooks import Hook

TURNED = replace(PHOTO, orientation=6)


def sent(photo: Photo, *size: int) -> Job:
    """A job whose photo was sent as it is, or as a copy of this size."""
    copy = None
    if size:
        width, height = size
        copy = Prepared(key="copy", format="jpeg", size=9, width=width, height=height, made_at=NOW)
    return a_job(photo=photo, prepared=copy, result_key="a.png")


def fetched(job: Job, folder: Path, text: str = "png 600 400 0 255 task-1") -> FetchedResult:
    """The provider's result for a photo."""
    file = folder / "result"
    file.write_text(text)
    return FetchedResult(job=job, file=file, picture=FakePictures().examine(file))


def finishing(photos: FullSizePhotos, pixels: Pixels = Pixels.MODEL) -> FinishCutout:
    """The use case, in a deployment with this setting."""
    own_pixels = OwnPixels(pixels=pixels)
    return FinishCutout(pictures=FakePictures(), own_pixels=own_pixels, full_size_photos=photos)


def finish(result: FetchedResult, pixels: Pixels = Pixels.MODEL) -> FetchedResult:
    """Finish the result in a deployment that does not prepare photos."""
    return finishing(FullSizePhotos(copies=MemoryCopies(), queue=None), pixels).finish(result)


def test_a_good_result_is_published_unchanged(tmp_path: Path) -> None:
    """It is not decoded and encoded again."""
    result = fetched(sent(PHOTO), tmp_path)
    assert finish(result) == result


@pytest.mark.parametrize(
    "change", [{"picture": None}, {"review_reason": Reason.RESULT_EMPTY, "remark": "kept"}]
)
def test_a_doubtful_result_stays_unchanged(tmp_path: Path, change: dict[str, object]) -> None:
    """The operator sees what the provider returned."""
    result = replace(fetched(sent(TURNED), tmp_path), **change)  # type: ignore[arg-type]
    assert finish(result, Pixels.SOURCE) == result


@pytest.mark.parametrize(("format_", "orientation"), [("webp", 1), ("png", 6)])
def test_another_format_or_orientation_becomes_an_upright_png(
    tmp_path: Path, format_: str, orientation: int
) -> None:
    """A viewer shows the same picture."""
    result = fetched(sent(PHOTO), tmp_path, f"{format_} 600 400 0 255 task-1")
    assert result.picture is not None
    finished = finish(replace(result, picture=replace(result.picture, orientation=orientation)))
    assert finished.file.read_text() == "png 600 400 0 255 upright task-1"
    assert finished.picture == Picture(format="png", width=600, height=400, alpha_range=(0, 255))


@pytest.mark.parametrize(
    ("copy", "result", "published"),
    [
        ((), (1200, 800), (1200, 800)),
        ((300, 200), (1200, 800), (1200, 800)),
        ((600, 400), (1200, 800), (1200, 800)),
        ((1200, 400), (1200, 800), (600, 400)),
        ((600, 800), (1200, 800), (600, 400)),
        ((1200, 800), (1200, 800), (600, 400)),
        ((1200, 800), (600, 400), (600, 400)),
        ((1200, 800), (601, 400), (600, 400)),
        ((1200, 800), (600, 401), (600, 400)),
        ((1200, 800), (300, 200), (300, 200)),
        ((1200, 800), (800, 1200), (800, 1200)),
    ],
)
def test_only_results_of_enlarged_photos_are_reduced(
    tmp_path: Path, copy: tuple[int, ...], result: tuple[int, int], published: tuple[int, int]
) -> None:
    """The photo has 600 x 400 pixels; a result of another shape is not squeezed into them."""
    width, height = result
    text = f"png {width} {height} 0 255 task-1"
    picture = finish(fetched(sent(PHOTO, *copy), tmp_path, text)).picture
    assert picture is not None
    assert (picture.width, picture.height) == published


REUSED = Reuse(
    job_id="other",
    key="kept",
    sha256="0f" * 32,
    task_id="task-9",
    credits_saved=Decimal(5),
    is_of_copy=True,
)


@pytest.mark.parametrize(
    ("job", "is_compared"),
    [
        (sent(PHOTO), True),
        (sent(TURNED), False),
        (sent(TURNED, 400, 600), True),
        (replace(sent(TURNED), reused=REUSED), True),
        (replace(sent(TURNED, 400, 600), reused=replace(REUSED, is_of_copy=False)), False),
    ],
)
def test_the_cut_out_of_a_photo_sent_turned_has_a_remark(
    tmp_path: Path,
    job: Job,
    is_compared: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The model may have ignored the orientation, and the two were not compared."""
    assert (finish(fetched(job, tmp_path)).remark is None) == is_compared


@pytest.mark.parametrize("has_alpha", [True, False])
@pytest.mark.parametrize("pixels", Pixels)
def test_the_photos_own_pixels_are_used_by_setting_or_for_its_transparency(
    tmp_path: Path,
    pixels: Pixels,
    has_alpha: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """If they are missing, the model's are published with a remark."""
    result = fetched(sent(replace(PHOTO, has_alpha=has_alpha)), tmp_path)
    is_wanted = has_alpha or pixels is Pixels.SOURCE
    copies = MemoryCopies()
    copies.objects[copy_key(result.job.id, CopyKind.FULL_SIZE, FULL_SIZE_FORMAT)] = tiff(1200, 800)
    photos = FullSizePhotos(copies=copies, queue=World().preparations)
    with_photo = finishing(photos, pixels).finish(result)
    expected = (Pixels.SOURCE, 1200) if is_wanted else (Pixels.MODEL, 600)
    assert with_photo.picture is not None
    assert (with_photo.pixels, with_photo.picture.width) == expected
    without = finish(result, pixels)
    remark = "the photo's own pixels cannot be used: photos are not prepared in this deployment"
    assert (without.pixels, without.remark) == (Pixels.MODEL, remark if is_wanted else None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("webp 600 400 0 0 task-1", Reason.RESULT_EMPTY),
        ("webp 600 400 255 255 task-1", Reason.RESULT_OPAQUE),
        ("webp 400 600 0 255 task-1", Reason.RESULT_ASPECT_DIFFERS),
    ],
)
def test_a_finished_cut_out_passes_the_same_checks(
    tmp_path: Path, text: str, reason: Reason
) -> None:
    """Also one whose result passed them: it may have become empty, or still lie on its side."""
    result = fetched(sent(TURNED), tmp_path, text)
    assert finish(result).review_reason is reason
    accepted = replace(result.job, reused=replace(REUSED, is_accepted=True))
    assert finish(replace(result, job=accepted)).review_reason is None


def test_each_kind_of_cut_out_is_made_once_for_all_variants(tmp_path: Path) -> None:
    """Recipes share the file."""
    hook = Hook()
    recipes = (Recipe(name="one", pixels=Pixels.SOURCE), Recipe(name="two", pixels=Pixels.SOURCE))
    world = World(recipes=recipes, step=hook)
    result = fetched(sent(PHOTO), tmp_path)
    photo = tmp_path / "photo"
    photo.write_bytes(tiff(1200, 800))
    sources = VariantSources(
        job=result.job, published=result.file, pixels=Pixels.MODEL, own=photo, result=result
    )
    hook.once_at("results.put", photo.unlink)
    until = datetime.max.replace(tzinfo=UTC)
    labels = Labels(metadata={}, tags={})
    made = world.render.variants.make(sources, labels, until=until, names=None)
    assert [(one.recipe, one.problem, one.width) for one in made] == [
        ("one", None, 1200),
        ("two", None, 1200),
    ]


@pytest.mark.parametrize(
    ("problem", "is_prepared_here", "why_not"),
    [
        ("broken", True, "broken"),
        (None, False, "photos are not prepared in this deployment"),
    ],
)
def test_a_missing_full_size_photo_has_a_reason(
    tmp_path: Path,
    problem: str | None,
    is_prepared_here: bool,  # noqa: FBT001 - a column of the table
    why_not: str,
) -> None:
    """Prepare reported one, or is turned off."""
    world = World()
    photos = FullSizePhotos(
        copies=MemoryCopies(), queue=world.preparations if is_prepared_here else None
    )
    upright = Upright(made_at=NOW, problem=problem)
    photo = photos.fetch(a_job(upright=upright), tmp_path / "photo", is_last_try=False)
    assert photo == why_not
    with pytest.raises(PictureError, match=why_not):
        finishing(photos).with_sources_pixels(tmp_path / "result", photo)
