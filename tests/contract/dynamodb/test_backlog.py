"""Which jobs to look at next: who waits, who is due, who holds a slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import Lane, State
from cutout.ports.jobs_table import BacklogStatus
from tests.contract.dynamodb.table import Store
from tests.support.builders import NOW, a_job, a_source, an_attempt

SECOND = timedelta(seconds=1)


def claimed(store: Store, number: int, **facts: Any) -> Job:
    """A job of its own, begun so many seconds after `NOW`."""
    at = NOW + number * SECOND
    usual: dict[str, Any] = {"id": f"{number:032x}", "created_at": at, "updated_at": at}
    return store.claim(replace(a_job(), **(usual | facts)))


def behind(store: Store, number: int, lane: Lane = Lane.LIVE) -> Job:
    """A job behind the gate."""
    return claimed(store, number, is_waiting=True, due_at=None, lane=lane)


def test_who_waits_is_told_live_before_backfill_and_oldest_first(store: Store) -> None:
    """In whatever order they came to stand there."""
    for number, lane in ((5, Lane.LIVE), (1, Lane.BACKFILL), (3, Lane.LIVE), (2, Lane.BACKFILL)):
        behind(store, number, lane)
    claimed(store, 4)
    told = [int(job_id, 16) for job_id in store.waiting(10)]
    assert told == [3, 5, 1, 2]
    assert [int(job_id, 16) for job_id in store.waiting(3)] == [3, 5, 1]
    assert [int(job_id, 16) for job_id in store.waiting(1)] == [3]


@pytest.mark.parametrize("limit", [0, 5])
def test_where_nobody_waits_nobody_is_told(store: Store, limit: int) -> None:
    """Jobs that back off, or run, do not stand behind the gate."""
    claimed(store, 1)
    claimed(store, 2, state=State.PROCESSING)
    assert list(store.waiting(limit)) == []


def test_more_wait_than_one_answer_of_the_table_holds(store: Store) -> None:
    """A limit is a limit, and no page is forgotten."""
    jobs = [behind(store, number) for number in range(30)]
    assert list(store.waiting(25)) == [job.id for job in jobs[:25]]


def test_who_moves_on_no_longer_waits(store: Store) -> None:
    """The index follows the row."""
    job = behind(store, 1)
    store.save(replace(job, state=State.SUBMITTING, is_waiting=False, due_at=NOW))
    assert list(store.waiting(10)) == []


def test_what_is_due_is_told_oldest_first_and_not_before_its_time(store: Store) -> None:
    """Due at the very moment; who waits behind the gate never is."""
    late = claimed(store, 1, due_at=NOW + 2 * SECOND)
    soon = claimed(store, 2, due_at=NOW + SECOND)
    claimed(store, 3, due_at=NOW + 3 * SECOND)
    behind(store, 4)
    assert list(store.due(NOW, 10).jobs) == []
    assert list(store.due(NOW + 2 * SECOND, 10).jobs) == [soon, late]
    assert list(store.due(NOW + 2 * SECOND, 1).jobs) == [soon]


def test_what_is_postponed_is_not_told_until_then_but_is_due_all_the_same(store: Store) -> None:
    """Only Sweep's look moves: the worker that it woke must still find the job due."""
    job = claimed(store, 1, due_at=NOW)
    store.postpone(job, NOW + 10 * SECOND)
    assert list(store.due(NOW + 9 * SECOND, 10).jobs) == []
    assert store.find(job.id) == job
    assert list(store.due(NOW + 10 * SECOND, 10).jobs) == [job]


def test_a_job_that_moves_is_looked_at_when_it_says(store: Store) -> None:
    """The next write of the row makes the postponement void."""
    job = claimed(store, 1, due_at=NOW)
    store.postpone(job, NOW + 100 * SECOND)
    moved = store.save(replace(job, due_at=NOW + 5 * SECOND))
    assert list(store.due(NOW + 5 * SECOND, 10).jobs) == [moved]


def test_what_somebody_moved_meanwhile_is_not_postponed(store: Store) -> None:
    """The mover's time counts, not the sweep's, which saw an older row."""
    job = claimed(store, 1, due_at=NOW)
    moved = store.save(replace(job, due_at=NOW + 5 * SECOND))
    store.postpone(job, NOW + 100 * SECOND)
    assert list(store.due(NOW + 5 * SECOND, 10).jobs) == [moved]


def test_what_is_not_due_at_all_does_not_become_so_by_being_postponed(store: Store) -> None:
    """It went behind the gate; and a row that expired does not come back."""
    waiting = behind(store, 1)
    store.postpone(waiting, NOW)
    store.postpone(a_job(id="f" * 32), NOW)
    assert list(store.due(NOW + SECOND, 10).jobs) == []
    assert store.find("f" * 32) is None


@pytest.mark.parametrize("state", State)
def test_who_holds_a_slot_is_counted(store: Store, state: State) -> None:
    """Those whose task may be running at the provider; the gate is recounted from it."""
    claimed(store, 1, state=state)
    claimed(store, 2, state=state)
    behind(store, 3)
    is_holding = state.value in {"submitting", "unconfirmed", "processing"}
    assert store.count_holding() == (2 if is_holding else 0)


def test_of_who_stands_where_the_length_and_the_ages_are_told(store: Store) -> None:
    """Both lanes are one line; of those inside, the oldest call counts, not the oldest photo."""
    assert store.backlog_status() == BacklogStatus(
        waiting=0, waiting_since=None, in_flight_since=None
    )
    behind(store, 5)
    behind(store, 3, Lane.BACKFILL)
    for number, state in ((1, State.PROCESSING), (2, State.UNCONFIRMED), (4, State.STORING)):
        call = an_attempt(started_at=NOW - number * SECOND)
        claimed(store, number, state=state, attempts=(call,))
    assert store.backlog_status() == BacklogStatus(
        waiting=2,
        waiting_since=NOW + 3 * SECOND,
        in_flight_since=NOW - 2 * SECOND,
    )


def test_jobs_of_a_key_are_told_newest_upload_first(store: Store) -> None:
    """By S3's order of events, whatever the lengths of its sequencers and the order of arrival."""
    sequencers = ["0A9", "0A8FF", "0B", "0A"]
    for number, sequencer in enumerate(sequencers):
        claimed(store, number, source=a_source(sequencer=sequencer, version_id=f"v{number}"))
    claimed(store, 9, source=a_source(key="shoes/red.jpg2"))
    told = [job.source.sequencer for job in store.of_source("uploads", "shoes/red.jpg", 10)]
    assert told == ["0B", "0A9", "0A8FF", "0A"]
    newest = store.of_source("uploads", "shoes/red.jpg", 1)
    assert [job.source.sequencer for job in newest] == ["0B"]
    assert store.of_source("uploads", "shoes/blue.jpg", 10) == []
