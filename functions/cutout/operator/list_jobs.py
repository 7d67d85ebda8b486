"""Listing jobs by state, reason, prefix and time, the last ones first."""

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby, islice
from typing import Self

from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import SETTLED, State
from cutout.operator.bounded_parallel import bounded_map
from cutout.ports.listings import JobIndex, StateEntry

_BATCH = 100
_MOVING = frozenset(State) - SETTLED
_Index = Callable[..., Iterator[StateEntry]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """Which jobs to list; times are when they ended or, if they have not, when they began."""

    states: tuple[State, ...] = tuple(State)
    reasons: frozenset[Reason] = frozenset()
    prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_indexed(self) -> bool:
        """Whether the index alone selects the jobs; for other filters, all jobs are read."""
        moving = _MOVING & set(self.states)
        return not self.prefix and not self.reasons and moving in (set(), _MOVING)

    def takes(self, job: Job) -> bool:
        """Whether the job matches."""
        is_reason = not self.reasons or job.reason in self.reasons
        return is_reason and job.state in self.states and job.source.key.startswith(self.prefix)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """A position in the list of jobs: after this one."""

    at: datetime
    job_id: str

    @classmethod
    def of(cls, job: Job) -> Self:
        """The position after a job."""
        at = job.updated_at if job.state.is_settled else job.created_at
        return cls(at=_EPOCH + _milliseconds(at) * _MILLISECOND, job_id=job.id)

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse a cursor that `str` wrote; ValueError if the text is none."""
        number, _, job_id = text.partition("-")
        if not job_id or not number.isdecimal() or len(number) > _DIGITS:
            raise ValueError(f"{text!r} is not a cursor")
        return cls(at=_EPOCH + int(number) * _MILLISECOND, job_id=job_id)

    def __str__(self) -> str:
        return f"{_milliseconds(self.at)}-{self.job_id}"


@dataclass(frozen=True, kw_only=True)
class ListJobs:
    """Lists jobs by the index of states, without a scan of the table; reports how many were read.

    That many requests, of a hundred jobs each, are read ahead.
    """

    records: JobIndex
    on_read: Callable[[int], None] = lambda _count: None
    at_once: int = 1

    def jobs(self, wanted: JobFilter, after: Cursor | None = None) -> Iterator[Job]:
        """The jobs, each once, as they are when they are read."""
        ended: list[_Index] = [
            partial(self.records.moved, state) for state in wanted.states if state in SETTLED
        ]
        indexes = [*ended, self.records.moving] if _MOVING & set(wanted.states) else ended
        streams = [self._in_index(index, wanted, after) for index in indexes]
        merged = heapq.merge(*streams, key=_place)
        seen: set[str] = set()
        looked_at = 0
        for jobs in bounded_map(self.records.find_all, _batches(merged), at_once=self.at_once):
            looked_at += len(jobs)
            self.on_read(looked_at)
            for job in jobs:
                if job.id not in seen and wanted.takes(job):
                    seen.add(job.id)
                    yield job

    def _in_index(
        self, index: _Index, wanted: JobFilter, after: Cursor | None
    ) -> Iterator[StateEntry]:
        until = wanted.until
        if after is not None:
            until = after.at if until is None else min(until, after.at)
        entries = index(since=wanted.since, until=until)
        # The index holds times in milliseconds and orders equal ones by nothing: the id makes the
        # place of a cursor unique.
        for at, together in groupby(entries, key=lambda entry: entry.at):
            for entry in sorted(together, key=lambda entry: entry.job_id):
                if after is None or at != after.at or entry.job_id > after.job_id:
                    yield entry


_DIGITS = 14  # until the year 5138; Python's times end in 9999


def _place(entry: StateEntry) -> tuple[timedelta, str]:
    return _EPOCH - entry.at, entry.job_id


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _batches(entries: Iterator[StateEntry]) -> Iterator[list[str]]:
    while ids := [entry.job_id for entry in islice(entries, _BATCH)]:
        yield ids
