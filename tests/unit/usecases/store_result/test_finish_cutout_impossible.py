"""Results that cannot exist."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cutout.domain.errors import IllegalMoveError
from cutout.usecases.store_result.finish_cutout import FetchedResult
from tests.support.builders import PHOTO, a_job
from tests.support.fakes.world import World
from tests.support.storing import Storing

RESULT = FetchedResult(job=a_job(photo=PHOTO, result_key="a.png"), file=Path("result"))


def test_a_result_needs_an_inspected_photo() -> None:
    """A photo that was not inspected is never sent."""
    assert RESULT.photo == PHOTO
    with pytest.raises(IllegalMoveError):
        _ = replace(RESULT, job=a_job(result_key="a.png")).photo


def test_a_result_needs_a_claimed_key() -> None:
    """A job claims its result key before its photo is sent."""
    storing = Storing(World())
    with pytest.raises(IllegalMoveError):
        storing.use_case.store(replace(storing.job, result_key=None), storing.task)
