"""What a fetched result says of its job, and what cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cutout.domain.errors import IllegalMoveError
from cutout.domain.reasons import Reason
from cutout.usecases.store_result.finish_cutout import FetchedResult
from tests.support.builders import PHOTO, a_job

RESULT = FetchedResult(job=a_job(photo=PHOTO, result_key="a.png"), file=Path("result"))


def test_a_result_belongs_to_a_photo_that_was_looked_at() -> None:
    """Nothing else was ever sent."""
    assert RESULT.photo == PHOTO
    with pytest.raises(IllegalMoveError):
        _ = replace(RESULT, job=a_job(result_key="a.png")).photo


@pytest.mark.parametrize(
    ("reason", "place", "key"),
    [
        (None, None, "a.png"),
        (Reason.RESULT_OPAQUE, None, "review/a.png"),
        (Reason.RESULT_OPAQUE, "review/a-1.png", "review/a-1.png"),
    ],
)
def test_a_result_goes_to_the_photos_key_or_waits_for_a_person(
    reason: Reason | None, place: str | None, key: str
) -> None:
    """Where two photos would wait at one key, each has a place of its own."""
    assert replace(RESULT, review_reason=reason, place=place).key == key
    with pytest.raises(IllegalMoveError):
        _ = replace(RESULT, job=a_job(photo=PHOTO), review_reason=reason).key
