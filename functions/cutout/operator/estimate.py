"""Estimating what a number of photos costs, and how long they take at the current rate."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import islice, pairwise
from math import ceil

from cutout.domain.dataclass import dataclass
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.listings import JobIndex
from cutout.ports.telemetry import Clock

_RECENT = 100
_UNKNOWN = timedelta(seconds=45)  # how long a task is assumed to take if no recent one was measured
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """The cost and duration of a number of photos, by what the provider last reserved for one.

    `lasts` is until the last one is done, if nothing else runs; None if the cap allows no photo.
    The duration of a task was measured on so many recent jobs, or is assumed. `today` is how many
    of them the daily cap allows today.
    """

    photos: int
    credits: Decimal
    lasts: timedelta | None
    task: timedelta
    measured: int
    today: int
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """Estimates from the jobs that were completed last."""

    records: JobIndex
    clock: Clock

    def estimate(self, photos: int, gate: Gate) -> Estimate:
        """Estimate a number of photos from now on, with the current gate."""
        limits = gate.limits_in_force
        durations = self._durations()
        task = sum(durations, timedelta()) / len(durations) if durations else _UNKNOWN
        today, a_day = self._through_cap(gate, limits)
        today = min(photos, today)

        def working(count: int) -> timedelta:
            """How long photos take, as many at a time as there are slots."""
            return ceil(count / limits.max_in_flight) * task

        return Estimate(
            photos=photos,
            credits=photos * gate.price,
            lasts=self._lasts(photos, today, a_day, working),
            task=task,
            measured=len(durations),
            today=today,
            limits=limits,
        )

    def _through_cap(self, gate: Gate, limits: Limits) -> tuple[int, int]:
        """How many photos the cap allows: today, and on any other day."""
        if not gate.price:
            return 10**9, 10**9
        left = limits.daily_credit_cap - gate.spent_on(self.clock.now().date())
        return max(0, int(left // gate.price)), int(limits.daily_credit_cap // gate.price)

    def _lasts(
        self, photos: int, today: int, a_day: int, working: Callable[[int], timedelta]
    ) -> timedelta | None:
        if photos <= today:
            return working(photos)
        if not a_day:
            return None
        now = self.clock.now()
        midnight = (now + _DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        days = ceil((photos - today) / a_day)
        last_day = working(photos - today - (days - 1) * a_day)
        return max(working(photos), midnight - now + (days - 1) * _DAY + last_day)

    def _durations(self) -> list[timedelta]:
        entries = islice(self.records.moved(State.COMPLETED), _RECENT)
        jobs = self.records.find_all([entry.job_id for entry in entries])
        return [lasted for job in jobs if (lasted := _at_provider(job))]


def _at_provider(job: Job) -> timedelta | None:
    """How long the job's last task took: from its call until its result was fetched."""
    for earlier, later in reversed(list(pairwise(job.history))):
        if later.state is State.STORING and earlier.state is not State.STORING:
            if later.reason is Reason.RETRIED_BY_PERSON:
                continue
            attempt = job.attempt_numbered(job.storing_attempt) or job.attempt
            return later.at - attempt.started_at if attempt else None
    return None
