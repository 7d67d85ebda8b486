"""Durations, and how waits grow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.polling_and_timing import (
    DEAD_LETTER_RETENTION,
    LINK_SESSION,
    MESSAGE_LIFE,
    PHOTO_LINK_LIFE,
    QUEUE_RETENTION,
    back_off,
)
from tests.support.fakes.world import TIMING

MINUTE = timedelta(minutes=1)
LEASE = timedelta(seconds=120)


def test_a_message_lives_for_24_days_at_most() -> None:
    """Ten in a queue, fourteen in the dead-letter queue: jobs must be kept longer."""
    assert (timedelta(days=10), timedelta(days=14)) == (QUEUE_RETENTION, DEAD_LETTER_RETENTION)
    assert timedelta(days=24) == MESSAGE_LIFE


def test_a_link_expires_before_the_session_that_signed_it() -> None:
    """A role assumed by a role has an hour."""
    assert (PHOTO_LINK_LIFE, LINK_SESSION) == (50 * MINUTE, 60 * MINUTE)


@pytest.mark.parametrize(
    ("tries", "least"),
    [(0, 7.5), (1, 15), (2, 30), (4, 120), (5, 150), (16, 150), (10**6, 150)],
)
def test_a_back_off_doubles_from_fifteen_seconds_with_half_of_it_jitter(
    tries: int, least: float
) -> None:
    """Up to the longest wait."""
    assert back_off(tries, 5 * MINUTE, lambda: 0.0) == timedelta(seconds=least)
    assert back_off(tries, 5 * MINUTE, lambda: 0.5) == timedelta(seconds=1.5 * least)


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 2), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (10**6, 60)]
)
def test_a_failed_step_waits_up_to_a_sixth_of_the_deadline(failures: int, minutes: int) -> None:
    """The wait doubles, and is never shorter than the first."""
    assert TIMING.retry_delay(failures, first=LEASE) == minutes * MINUTE
    short = replace(TIMING, job_deadline=6 * MINUTE)
    assert short.retry_delay(failures, first=LEASE) == LEASE


def test_a_task_that_stays_unknown_is_lost() -> None:
    """After ten minutes, the provider's limit."""
    delay = timedelta(minutes=10)
    assert TIMING.may_become_known(delay - timedelta(seconds=1))
    assert not TIMING.may_become_known(delay)


def test_a_running_task_is_read_at_each_interval_and_an_unreadable_one_after_a_back_off() -> None:
    """An answer that could not be used is repeated soon, and then no later than a poll."""
    waits = [TIMING.wait_before_read(n, lambda: 1.0, is_readable=False) for n in (0, 1, 16)]
    assert waits == [timedelta(seconds=15), timedelta(seconds=30), TIMING.poll_interval]
    assert TIMING.wait_before_read(16, lambda: 1.0) == TIMING.poll_interval
