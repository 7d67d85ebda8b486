"""When a task is read, after each answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.polling import LastAnswer, may_become_known, wait_before_read
from tests.support.builders import a_job
from tests.support.fakes.world import TIMING


@pytest.mark.parametrize(
    ("last", "seconds"),
    [
        (LastAnswer.ACCEPTED, 150),
        (LastAnswer.RUNNING, 300),
        (LastAnswer.UNKNOWN, 60),
        (LastAnswer.UNREADABLE, 60),
    ],
)
def test_each_answer_has_its_wait(last: LastAnswer, seconds: int) -> None:
    """Only without an answer does the wait grow with the tries, here two."""
    wait = wait_before_read(last, a_job(tries=2), TIMING, lambda: 1.0)
    assert wait == timedelta(seconds=seconds)


def test_a_task_that_stays_unknown_is_lost() -> None:
    """After ten minutes, which is the provider's term."""
    delay = timedelta(minutes=10)
    assert may_become_known(delay - timedelta(seconds=1), TIMING)
    assert not may_become_known(delay, TIMING)
