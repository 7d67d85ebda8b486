"""Many jobs at a time, as an operator's commands read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.listings import StateEntry
from tests.contract.dynamodb.table import Store
from tests.support.builders import NOW, RESULT, a_job, a_source

SECOND = timedelta(seconds=1)


def kept(store: Store, number: int, state: State = State.FAILED, at: int | None = None) -> Job:
    """Claim a job of its own in a state, written so many seconds after `NOW`."""
    moved_at = NOW + (number if at is None else at) * SECOND
    job = replace(a_job(state), id=f"{number:032x}", updated_at=moved_at)
    return store.claim(job)


def told(entries: list[StateEntry]) -> list[int]:
    """The numbers of jobs."""
    return [int(entry.job_id, 16) for entry in entries]


def test_jobs_in_a_state_are_listed_with_their_times_newest_first(store: Store) -> None:
    """Jobs in other states are not."""
    for number in (2, 3, 1):
        kept(store, number)
    kept(store, 4, State.COMPLETED)
    entries = list(store.moved(State.FAILED))
    assert told(entries) == [3, 2, 1]
    assert [entry.at for entry in entries] == [NOW + number * SECOND for number in (3, 2, 1)]
    assert list(store.moved(State.REVIEW)) == []


@pytest.mark.parametrize(
    ("since", "until", "numbers"),
    [(2, None, [4, 3, 2]), (None, 2, [2, 1]), (2, 3, [3, 2]), (4, 4, [4]), (5, None, [])],
)
def test_jobs_are_listed_between_two_times_both_included(
    store: Store, since: int | None, until: int | None, numbers: list[int]
) -> None:
    """Jobs that moved at exactly one of the two times are listed."""
    for number in range(1, 5):
        kept(store, number)
    entries = store.moved(
        State.FAILED,
        since=None if since is None else NOW + since * SECOND,
        until=None if until is None else NOW + until * SECOND,
    )
    assert told(list(entries)) == numbers


def test_jobs_that_have_not_ended_are_listed_by_their_beginning_newest_first(store: Store) -> None:
    """Their moves do not change the order; jobs that have ended are listed by their states."""
    for number, state in enumerate(state for state in State if not state.is_settled):
        begun = replace(a_job(state), id=f"{number:032x}", created_at=NOW + number * SECOND)
        store.claim(replace(begun, updated_at=NOW + 100 * SECOND - number * SECOND))
    kept(store, 9)
    entries = list(store.moving())
    assert told(entries) == [4, 3, 2, 1, 0]
    assert entries[0].at == NOW + 4 * SECOND
    within = store.moving(since=NOW + SECOND, until=NOW + 3 * SECOND)
    assert told(list(within)) == [3, 2, 1]


def test_ended_job_is_no_longer_listed_among_those_that_have_not_ended(store: Store) -> None:
    """It is then listed by its state, at the time when it ended."""
    job = store.claim(a_job(State.STORING))
    store.save(replace(job, state=State.COMPLETED, updated_at=NOW + SECOND))
    assert list(store.moving()) == []
    assert list(store.moved(State.COMPLETED)) == [StateEntry(job_id=job.id, at=NOW + SECOND)]


def test_jobs_are_found_by_their_ids(store: Store) -> None:
    """In the order of the ids; an id that no job has is skipped."""
    failed = kept(store, 1)
    row = replace(a_job(State.COMPLETED), id="c" * 32, result=RESULT, reason=Reason.NEWER_UPLOAD)
    done = store.claim(row)
    assert list(store.find_all([done.id, "f" * 32, failed.id])) == [done, failed]
    assert list(store.find_all([])) == []


def test_more_jobs_are_found_than_one_request_has_keys(store: Store) -> None:
    """A request has at most a hundred keys."""
    ids = [kept(store, number).id for number in range(130)]
    assert [job.id for job in store.find_all(ids)] == ids


def test_latest_versions_of_many_keys_are_found(store: Store) -> None:
    """Unknown keys are left out."""
    refs = [f"uploads/Söhne/{number} + 写真.jpg" for number in range(3)]
    order = a_source().order
    heads = [
        store.advance(LatestVersion(source_ref=ref, order=order, job_id=job_id)).newest
        for ref, job_id in ((refs[0], "a"), (refs[1], None))
    ]
    assert store.newest_all([*refs, refs[0]]) == dict(zip(refs, heads, strict=False))
