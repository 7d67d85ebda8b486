"""Which jobs are processed next: those that wait at the gate, and those that are due."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import Lane, State
from cutout.ports.jobs_table import BacklogStatus, Due
from tests.contract.dynamodb.table import Store
from tests.support.builders import NOW, a_job, a_source

SECOND = timedelta(seconds=1)


def claimed(store: Store, number: int, **facts: Any) -> Job:
    """Claim another job, begun so many seconds after `NOW`."""
    at = NOW + number * SECOND
    usual: dict[str, Any] = {"id": f"{number:032x}", "created_at": at, "updated_at": at}
    job = replace(a_job(), **(usual | facts))
    return store.claim(replace(job, look_at=job.due_at))


def behind(store: Store, number: int, lane: Lane = Lane.LIVE) -> Job:
    """A job that waits at the gate."""
    return claimed(store, number, is_waiting=True, due_at=None, lane=lane)


def test_waiting_jobs_are_listed_live_before_backfill_and_oldest_first(store: Store) -> None:
    """In whatever order they began to wait."""
    for number, lane in ((5, Lane.LIVE), (1, Lane.BACKFILL), (3, Lane.LIVE), (2, Lane.BACKFILL)):
        behind(store, number, lane)
    claimed(store, 4)
    told = [int(job_id, 16) for job_id in store.waiting(10)]
    assert told == [3, 5, 1, 2]
    assert [int(job_id, 16) for job_id in store.waiting(3)] == [3, 5, 1]
    assert [int(job_id, 16) for job_id in store.waiting(1)] == [3]


def test_backfill_jobs_can_be_left_out_of_the_list_of_waiting_jobs(store: Store) -> None:
    """A live upload does not wait behind backfilled ones."""
    behind(store, 1, Lane.BACKFILL)
    assert list(store.waiting(10, Lane.LIVE)) == []
    behind(store, 2)
    assert [int(job_id, 16) for job_id in store.waiting(10, Lane.LIVE)] == [2]
    assert [int(job_id, 16) for job_id in store.waiting(10, Lane.BACKFILL)] == [2, 1]
    assert store.carry_over() == 0


@pytest.mark.parametrize("limit", [0, 5])
def test_jobs_that_do_not_wait_are_not_listed_as_waiting(store: Store, limit: int) -> None:
    """They back off, or their tasks run."""
    claimed(store, 1)
    claimed(store, 2, state=State.PROCESSING)
    assert list(store.waiting(limit)) == []


def test_list_of_waiting_jobs_is_read_over_several_pages(store: Store) -> None:
    """The limit is respected."""
    jobs = [behind(store, number) for number in range(30)]
    assert list(store.waiting(25)) == [job.id for job in jobs[:25]]


def test_admitted_job_is_no_longer_listed_as_waiting(store: Store) -> None:
    """The index follows the job's item."""
    job = behind(store, 1)
    store.save(replace(job, state=State.SUBMITTING, is_waiting=False, due_at=NOW))
    assert list(store.waiting(10)) == []


def test_due_jobs_are_listed_oldest_first_and_not_before_their_time(store: Store) -> None:
    """A job is due at its very time; jobs that wait at the gate are never due."""
    late = claimed(store, 1, due_at=NOW + 2 * SECOND)
    soon = claimed(store, 2, due_at=NOW + SECOND)
    claimed(store, 3, due_at=NOW + 3 * SECOND)
    behind(store, 4)
    assert list(store.due(NOW, 10).jobs) == []
    assert list(store.due(NOW + 2 * SECOND, 10).jobs) == [soon, late]
    assert list(store.due(NOW + 2 * SECOND, 1).jobs) == [soon]


def test_postponed_job_is_not_listed_until_then_but_is_still_due(store: Store) -> None:
    """Only the index changes: the worker that Sweep enqueued must still find the job due."""
    job = claimed(store, 1, due_at=NOW)
    store.postpone(job, NOW + 10 * SECOND)
    assert list(store.due(NOW + 9 * SECOND, 10).jobs) == []
    postponed = replace(job, look_at=NOW + 10 * SECOND)
    assert store.find(job.id) == postponed
    assert list(store.due(NOW + 10 * SECOND, 10).jobs) == [postponed]


def test_next_write_of_a_postponed_job_sets_its_own_due_time(store: Store) -> None:
    """The next write of the job ends the postponement."""
    job = claimed(store, 1, due_at=NOW)
    store.postpone(job, NOW + 100 * SECOND)
    moved = store.save(replace(job, due_at=NOW + 5 * SECOND))
    assert list(store.due(NOW + 5 * SECOND, 10).jobs) == [moved]


def test_job_that_was_written_meanwhile_is_not_postponed(store: Store) -> None:
    """The time of the later write counts; Sweep has read an older version of the job."""
    job = claimed(store, 1, due_at=NOW)
    moved = store.save(replace(job, due_at=NOW + 5 * SECOND))
    store.postpone(job, NOW + 100 * SECOND)
    assert list(store.due(NOW + 5 * SECOND, 10).jobs) == [moved]


def test_postponement_does_not_make_a_job_due(store: Store) -> None:
    """The job waits at the gate by now; and an expired item is not created again."""
    waiting = behind(store, 1)
    store.postpone(waiting, NOW)
    store.postpone(a_job(id="f" * 32), NOW)
    assert list(store.due(NOW + SECOND, 10).jobs) == []
    assert store.find("f" * 32) is None


def test_jobs_that_are_due_later_than_their_index_says_are_listed_as_early(store: Store) -> None:
    """The index of due jobs is not written with each change, so it may be early."""
    job = claimed(store, 1, due_at=NOW + SECOND)
    moved = store.save(replace(job, look_at=NOW, due_at=NOW + 9 * SECOND))
    assert moved.look_at == NOW
    due = store.due(NOW + 5 * SECOND, 10)
    assert (due.jobs, due.early) == ([], [moved])
    store.postpone(moved, NOW + 9 * SECOND)
    assert store.due(NOW + 8 * SECOND, 10) == Due(jobs=[], early=[], newer=[])
    (found,) = store.due(NOW + 9 * SECOND, 10).jobs
    assert found == replace(moved, look_at=NOW + 9 * SECOND)


@pytest.mark.parametrize(
    ("look_at", "due_at", "expected"),
    [(None, 5, 5), (3, 5, 3), (5, 3, 3), (3, None, None)],
    ids=["at the due time", "earlier", "not after it", "no more"],
)
def test_written_job_is_indexed_at_its_due_time_or_earlier(
    look_at: int | None, due_at: int | None, expected: int | None, store: Store
) -> None:
    """An early index costs a read; with a late one, the job would be processed too late."""
    job = claimed(store, 1)
    times: dict[str, Any] = {
        name: None if seconds is None else NOW + seconds * SECOND
        for name, seconds in (("look_at", look_at), ("due_at", due_at))
    }
    store.save(replace(job, **times))
    found = store.find(job.id)
    assert found is not None
    assert found.look_at == (None if expected is None else NOW + expected * SECOND)


def test_waiting_jobs_are_counted_and_their_age_is_measured(store: Store) -> None:
    """Of both lanes together; other jobs do not count."""
    assert store.backlog_status() == BacklogStatus(waiting=0, waiting_since=None)
    behind(store, 5)
    behind(store, 3, Lane.BACKFILL)
    for number, state in enumerate(State):
        claimed(store, 10 + number, state=state)
    assert store.backlog_status() == BacklogStatus(waiting=2, waiting_since=NOW + 3 * SECOND)


def test_jobs_of_a_key_are_listed_newest_upload_first(store: Store) -> None:
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
