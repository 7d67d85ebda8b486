"""Facts about a fetched result, and impossible ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cutout.domain.errors import IllegalMoveError
from cutout.domain.reasons import Reason
from cutout.usecases.store_result.finish_cutout import FetchedResult
from tests.support.builders import PHOTO, a_job

RESULT = FetchedResult(job=a_job(photo=PHOTO, result_key="a.png"), file=Path("result"))


def test_a_result_needs_an_inspected_photo() -> None:
    """A photo that was not inspected is never sent."""
    assert RESULT.photo == PHOTO
    with pytest.raises(IllegalMoveError):
        _ = replace(RESULT, job=a_job(result_key="a.png")).photo


@pytest.mark.parametrize(
    ("reason", "place", "key"),
    [
        (None, None, "a.png"),
        (Reason.RESULT_OPAQUE, "review/a-1.png", "review/a-1.png"),
    ],
)
def test_a_result_is_published_at_the_photos_key_or_kept_for_review(
    reason: Reason | None, place: str | None, key: str
) -> None:
    """If the review key of two photos is the same, each gets a key of its own."""
    assert replace(RESULT, review_reason=reason, place=place).key == key
    with pytest.raises(IllegalMoveError):
        _ = replace(RESULT, job=a_job(photo=PHOTO)).key
