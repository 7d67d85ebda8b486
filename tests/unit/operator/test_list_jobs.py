"""Jobs by state, reason, prefix and time, in pages, the latest first."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.list_jobs import Cursor, JobFilter, ListJobs
from tests.support.builders import a_job, a_source
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.jobs import MemoryJobs

SECOND = timedelta(seconds=1)


def table(*jobs: Job) -> MemoryJobs:
    """A table of these jobs."""
    memory = MemoryJobs(FakeClock())
    for job in jobs:
        memory.claim(job)
    return memory


def moved(number: int, at: float, state: State = State.FAILED, **facts: Any) -> Job:
    """A job that settled this many seconds after the start, or was created then if it is open."""
    key = facts.pop("key", f"{number}.jpg")
    facts["updated_at" if state.is_settled else "created_at"] = START + at * SECOND
    return replace(
        a_job(state),
        id=f"{number:032x}",
        source=a_source(key=key),
        **facts,
    )


def numbers(jobs: Any) -> list[int]:
    """The numbers of the jobs."""
    return [int(job.id, 16) for job in jobs]


def test_states_are_merged_by_time() -> None:
    """The latest first, whatever its state."""
    records = table(
        moved(1, 1), moved(2, 3, State.COMPLETED), moved(3, 2, State.QUEUED), moved(4, 0)
    )
    browse = ListJobs(records=records)
    assert numbers(browse.jobs(JobFilter())) == [2, 3, 1, 4]
    assert numbers(browse.jobs(JobFilter(states=(State.FAILED,)))) == [1, 4]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (JobFilter(prefix="shoes/"), [3, 2]),
        (JobFilter(reasons=frozenset({Reason.TASK_FAILED})), [2, 1]),
        (JobFilter(reasons=frozenset({Reason.TASK_FAILED}), prefix="shoes/"), [2]),
        (JobFilter(since=START + 2 * SECOND), [3, 2]),
        (JobFilter(until=START + 2 * SECOND), [2, 1]),
        (JobFilter(since=START + 2 * SECOND, until=START + 2 * SECOND), [2]),
    ],
)
def test_only_matching_jobs_are_listed(wanted: JobFilter, found: list[int]) -> None:
    """All conditions apply together."""
    records = table(
        moved(1, 1, reason=Reason.TASK_FAILED),
        moved(2, 2, reason=Reason.TASK_FAILED, key="shoes/2.jpg"),
        moved(3, 3, reason=Reason.TASK_LOST, key="shoes/3.jpg"),
    )
    assert numbers(ListJobs(records=records).jobs(wanted)) == found


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_follow_each_other_without_a_gap_or_a_repeat(size: int) -> None:
    """Even if many jobs moved in the same millisecond, in several states."""
    states = (State.FAILED, State.COMPLETED, State.REVIEW)
    jobs = [moved(n, n // 4 + n % 2 * 0.0004, states[n % 3]) for n in range(20)]
    browse = ListJobs(records=table(*jobs))
    whole = numbers(browse.jobs(JobFilter()))
    assert sorted(whole) == list(range(20))
    paged: list[int] = []
    after = None
    while page := list(islice(browse.jobs(JobFilter(), after), size)):
        paged += numbers(page)
        after = Cursor.read(str(Cursor.of(page[-1])))
    assert paged == whole


def test_a_page_keeps_to_the_period() -> None:
    """Whether the previous page ended after the end of the period or before it."""
    jobs = [moved(number, number) for number in range(6)]
    browse = ListJobs(records=table(*jobs))
    wanted = JobFilter(until=START + 4 * SECOND, since=START + SECOND)
    assert numbers(browse.jobs(wanted, Cursor.of(jobs[5]))) == [4, 3, 2, 1]
    assert numbers(browse.jobs(wanted, Cursor.of(jobs[3]))) == [2, 1]


@pytest.mark.parametrize("text", ["", "x", "12", "12-", "-a", "1e3-a", "9" * 16 + "-a", "-1-a"])
def test_an_invalid_cursor_is_refused(text: str) -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match="is not a cursor"):
        Cursor.read(text)


def test_a_job_that_moved_meanwhile_is_not_listed_in_its_old_state() -> None:
    """The index may be outdated; the job is read."""
    records = table(moved(1, 1), moved(2, 2))
    stream = ListJobs(records=records).jobs(JobFilter(states=(State.FAILED,)))
    job = records.jobs[f"{1:032x}"]
    index = list(records.moved(State.FAILED))
    records.moved = lambda _state, **_times: iter(index)  # type: ignore[method-assign]
    records.save(replace(job, state=State.QUEUED))
    assert numbers(stream) == [2]


def test_a_job_in_two_states_of_the_index_is_listed_once() -> None:
    """It moved between two requests."""
    records = table(moved(1, 1))
    entries = list(records.moved(State.FAILED))
    records.moved = lambda _state, **_times: iter(entries)  # type: ignore[method-assign]
    assert numbers(ListJobs(records=records).jobs(JobFilter())) == [1]


@pytest.mark.parametrize("at_once", [1, 8])
def test_many_jobs_are_read_a_hundred_at_a_time(at_once: int) -> None:
    """And the progress is reported."""
    records = table(*(moved(number, number) for number in range(250)))
    told: list[int] = []
    browse = ListJobs(records=records, on_read=told.append, at_once=at_once)
    assert len(numbers(browse.jobs(JobFilter(states=(State.FAILED,), prefix="1")))) == 111
    assert told == [100, 200, 250]


def test_no_more_is_read_than_needed() -> None:
    """The first page does not read the whole table."""
    records = table(*(moved(number, number) for number in range(250)))
    told: list[int] = []
    jobs = ListJobs(records=records, on_read=told.append).jobs(JobFilter(states=(State.FAILED,)))
    assert len(list(islice(jobs, 50))) == 50
    assert told == [100]
