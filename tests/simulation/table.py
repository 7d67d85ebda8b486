"""The jobs table with its weaknesses: indexes lag, rows expire, some are of a newer version."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cutout.domain.errors import NewerRowError
from cutout.domain.job.job import Job
from tests.simulation.clocks import TrueClock
from tests.simulation.faults import Faults
from tests.support.fakes.jobs import LAG, MemoryJobs
from tests.support.fakes.steps import Step


class SimJobs(MemoryJobs):
    """Remembers what has expired, and returns the index by `due` as it was a moment ago."""

    def __init__(self, clock: TrueClock, step: Step, faults: Faults) -> None:
        super().__init__(clock, step)
        self.faults = faults
        self.expired: list[Job] = []
        self.lag = lambda views: faults.rng.randrange(views) if self._lags(views) else views - 1
        self.loses_answer = lambda: faults.strikes("answer_lost")
        self._looks: list[tuple[datetime, dict[str, datetime]]] = [(clock.now(), {})]

    def save(self, job: Job, **others: Any) -> Job:
        self._refuse_newer(job)
        return super().save(job, **others)

    def take_over(self, job: Job) -> None:
        """A newer version writes the row, with words of its own."""
        if job.due_at is not None:
            self.newer[job.id] = job.due_at

    def understand_all(self) -> None:
        """The newer version is deployed again."""
        self.newer.clear()

    def expire(self) -> None:
        """Delete rows whose time is over, as the table does by itself."""
        now = self._clock.now()
        for job in list(self.jobs.values()):
            if job.expires_at is not None and job.expires_at <= now:
                self.expired.append(self.jobs.pop(job.id))
        self._looks = [(now, dict(self.look_at))]
        self.tasks = {task: claim for task, claim in self.tasks.items() if claim.expires_at > now}

    def all_ever(self) -> list[Job]:
        """Return the jobs, including expired ones."""
        return [*self.expired, *self.jobs.values()]

    def _refuse_newer(self, job: Job) -> None:
        if job.id in self.newer:
            raise NewerRowError(job.id)

    def _due_index(self) -> dict[str, datetime]:
        if self._lags(len(self._looks)):
            return self.faults.rng.choice(self._looks)[1]
        return self.look_at

    def _lags(self, views: int) -> bool:
        return views > 1 and self.faults.strikes("index_lags")

    def _write(self, job: Job) -> None:
        super()._write(job)
        now = self._clock.now()
        old = [one for one in self._looks if one[0] <= now - LAG]
        recent = [one for one in self._looks if one[0] > now - LAG]
        self._looks = [*old[-1:], *recent, (now, dict(self.look_at))]
