"""Jobs by what a person asks for: state, reason, prefix, time; those that moved last first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Self

from cutout.domain.job.job import Job
from cutout.domain.states import Reason, State
from cutout.operator.bounded_parallel import bounded_map
from cutout.ports.listings import JobIndex, StateEntry

_BATCH = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobFilter:
    """Which jobs; times are those of their last move."""

    states: tuple[State, ...] = tuple(State)
    reasons: frozenset[Reason] = frozenset()
    prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_indexed(self) -> bool:
        """The index knows states and times: whatever else is asked for is looked for in all."""
        return not self.prefix and not self.reasons

    def takes(self, job: Job) -> bool:
        """The job, as it stands, is one of them."""
        is_reason = not self.reasons or job.reason in self.reasons
        return is_reason and job.state in self.states and job.source.key.startswith(self.prefix)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """A place in the order of jobs: behind this one."""

    at: datetime
    job_id: str

    @classmethod
    def of(cls, job: Job) -> Self:
        """The place behind a job."""
        return cls(at=_EPOCH + _milliseconds(job.updated_at) * _MILLISECOND, job_id=job.id)

    @classmethod
    def read(cls, text: str) -> Self:
        """What `str` wrote.

        Raises:
            ValueError: it is not what `str` writes.
        """
        number, _, job_id = text.partition("-")
        if not job_id or not number.isdecimal() or len(number) > _DIGITS:
            raise ValueError(f"{text!r} is not the place of a job")
        return cls(at=_EPOCH + int(number) * _MILLISECOND, job_id=job_id)

    def __str__(self) -> str:
        return f"{_milliseconds(self.at)}-{self.job_id}"


def _nobody(_count: int) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class ListJobs:
    """Reads jobs from the index by state, never the whole table.

    Attributes:
        tell: is told how many jobs were looked at.
        at_once: how many requests for a hundred rows each run ahead of who reads.
    """

    records: JobIndex
    tell: Callable[[int], None] = _nobody
    at_once: int = 1

    def jobs(self, wanted: JobFilter, after: Cursor | None = None) -> Iterator[Job]:
        """The jobs, each once, as they stand when they are read."""
        streams = [self._in_state(state, wanted, after) for state in wanted.states]
        merged = heapq.merge(*streams, key=_place)
        seen: set[str] = set()
        looked_at = 0
        for jobs in bounded_map(self.records.find_all, _batches(merged), at_once=self.at_once):
            looked_at += len(jobs)
            self.tell(looked_at)
            for job in jobs:
                if job.id not in seen and wanted.takes(job):
                    seen.add(job.id)
                    yield job

    def _in_state(
        self, state: State, wanted: JobFilter, after: Cursor | None
    ) -> Iterator[StateEntry]:
        until = wanted.until
        if after is not None:
            until = after.at if until is None else min(until, after.at)
        entries = self.records.moved(state, since=wanted.since, until=until)
        for at, together in groupby(entries, key=lambda entry: entry.at):
            for entry in sorted(together, key=lambda entry: entry.job_id):
                if after is None or at != after.at or entry.job_id > after.job_id:
                    yield entry


_DIGITS = 15


def _place(entry: StateEntry) -> tuple[timedelta, str]:
    return _EPOCH - entry.at, entry.job_id


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _batches(entries: Iterator[StateEntry]) -> Iterator[list[str]]:
    while ids := [entry.job_id for entry in islice(entries, _BATCH)]:
        yield ids
