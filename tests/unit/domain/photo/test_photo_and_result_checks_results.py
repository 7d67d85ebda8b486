"""Whether a result is the cut-out that was paid for."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest

from cutout.domain.job.source import Photo
from cutout.domain.photo.photo_and_result_checks import (
    Picture,
    begins_as_picture,
    breaks_off,
    why_result_needs_review,
)
from cutout.domain.reasons import Reason
from tests.support.builders import PHOTO
from tests.support.drawing import SMALL

CUT_OUT = Picture(format="png", width=600, height=400, alpha_range=(0, 255))


def shaped(width: int, height: int) -> Picture:
    """A cut-out of that size."""
    return replace(CUT_OUT, width=width, height=height)


@pytest.mark.parametrize(
    "alpha",
    [(0, 255), (0, 1), (254, 255), (100, 100), (1, 254), (0, 254)],
)
def test_a_result_with_transparent_and_visible_pixels_is_a_cut_out(alpha: tuple[int, int]) -> None:
    """At least one pixel is not opaque, and one is not clear."""
    assert why_result_needs_review(replace(CUT_OUT, alpha_range=alpha), PHOTO) is None


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (None, Reason.RESULT_NOT_AN_IMAGE),
        (replace(CUT_OUT, alpha_range=None), Reason.RESULT_OPAQUE),
        (replace(CUT_OUT, alpha_range=(255, 255)), Reason.RESULT_OPAQUE),
        (replace(CUT_OUT, alpha_range=(0, 0)), Reason.RESULT_EMPTY),
        (shaped(400, 600), Reason.RESULT_ASPECT_DIFFERS),
        (shaped(600, 600), Reason.RESULT_ASPECT_DIFFERS),
        (shaped(239, 159), Reason.RESULT_TOO_SMALL),
        (replace(shaped(9, 9), alpha_range=None), Reason.RESULT_OPAQUE),
    ],
)
def test_doubtful_results_need_review(picture: Picture | None, reason: Reason) -> None:
    """Not an image, nothing removed, nothing left, or another shape than the photo's."""
    assert why_result_needs_review(picture, PHOTO) is reason


@pytest.mark.parametrize(
    ("width", "height", "is_accepted"),
    [
        (600, 400, True),
        (300, 200, True),
        (2400, 1600, True),
        (1024, 683, True),
        (240, 160, True),
        (610, 400, True),
        (613, 400, False),
        (589, 400, True),
        (587, 400, False),
        (512, 512, False),
    ],
)
def test_the_size_may_differ_and_the_shape_by_two_per_cent(
    width: int,
    height: int,
    is_accepted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The provider may scale; rounding to whole pixels does not change the shape."""
    expected = None if is_accepted else Reason.RESULT_ASPECT_DIFFERS
    assert why_result_needs_review(shaped(width, height), PHOTO) is expected


def test_the_photo_is_compared_as_it_is_displayed() -> None:
    """A photo turned upright by its Exif data gives an upright cut-out."""
    upright = Photo(format="jpeg", width=400, height=600, sha256="c0" * 32)
    assert why_result_needs_review(shaped(400, 600), upright) is None
    assert why_result_needs_review(shaped(600, 400), upright) is Reason.RESULT_ASPECT_DIFFERS


@pytest.mark.parametrize(("width", "height"), [(1, 50_000), (50_000, 1), (1, 1)])
def test_very_narrow_photos_are_compared_too(width: int, height: int) -> None:
    """Down to one row of pixels."""
    photo = replace(PHOTO, width=width, height=height)
    assert why_result_needs_review(shaped(width, height), photo) is None


@pytest.mark.parametrize(
    ("photo", "least"),
    [((6000, 4000), (240, 160)), ((300, 200), (150, 100)), ((3, 2), (2, 1)), ((1, 1), (1, 1))],
)
def test_a_thumbnail_is_no_cut_out(photo: tuple[int, int], least: tuple[int, int]) -> None:
    """The longer side must have 240 pixels, or half of a smaller photo's."""
    sent = replace(PHOTO, width=photo[0], height=photo[1])
    assert why_result_needs_review(shaped(*least), sent) is not Reason.RESULT_TOO_SMALL
    if least[0] > 2:
        assert (
            why_result_needs_review(shaped(least[0] - 1, least[1]), sent) is Reason.RESULT_TOO_SMALL
        )


@pytest.mark.parametrize("kind", [kind for kind in SMALL if not kind.startswith("gif")])
def test_a_truncated_picture_file_is_recognised(kind: str) -> None:
    """Wherever it was cut after its first bytes; a whole file is not."""
    data = SMALL[kind]
    assert not breaks_off(BytesIO(data))
    assert [at for at in range(12, len(data)) if not breaks_off(BytesIO(data[:at]))] == []


@pytest.mark.parametrize("kind", [kind for kind in SMALL if not kind.startswith("webp")])
def test_bytes_after_the_end_of_a_picture_are_ignored(kind: str) -> None:
    """Some writers append their own."""
    assert not breaks_off(BytesIO(SMALL[kind] + b"made by somebody"))


@pytest.mark.parametrize("kind", SMALL)
def test_a_picture_is_recognised_by_its_first_bytes(kind: str) -> None:
    """Whatever its name or its type."""
    assert begins_as_picture(BytesIO(SMALL[kind]))
    assert not begins_as_picture(BytesIO(b"x" + SMALL[kind]))


@pytest.mark.parametrize("data", [b"", b"<html>", b"RIFF\0\0\0\0WAVE", b"GIF", b"\x1f\x8b\x08"])
def test_other_files_do_not_start_like_a_picture(data: bytes) -> None:
    """Pages, sounds, archives, an empty file."""
    assert not begins_as_picture(BytesIO(data))


@pytest.mark.parametrize("data", [b"", b"<html>sorry</html>", b"\0" * 100])
def test_a_file_that_is_no_picture_is_not_truncated(data: bytes) -> None:
    """Fetching it again would give the same."""
    assert not breaks_off(BytesIO(data))
