"""Costs by day, prefix or outcome, including charges without a cut-out, and savings."""

from collections.abc import Iterator
from dataclasses import field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from cutout.domain.dataclass import dataclass
from cutout.domain.job.attempt import Attempt, charged
from cutout.domain.job.job import Job
from cutout.domain.states import State

_NOTHING = Decimal(0)


class By(StrEnum):
    """How costs are grouped."""

    DAY = "day"
    PREFIX = "prefix"
    OUTCOME = "outcome"


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A period of time. Calls and reuses that began in it count; either end may be open."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the time is in the period."""
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class Charge:
    """One call that cost credits, or may have cost some twice."""

    job: Job
    attempt: Attempt
    credits: Decimal

    @property
    def is_lost(self) -> bool:
        """Whether it was charged without resulting in a cut-out."""
        if not self.job.state.is_settled or not self.credits:
            return False
        is_stored = self.attempt.number == (self.job.storing_attempt or self.attempt.number)
        return self.job.state is not State.COMPLETED or not is_stored

    @property
    def at(self) -> datetime:
        """When the call was made."""
        return self.attempt.started_at

    @property
    def outcome(self) -> str:
        """The outcome of the job, or `replaced-attempt` if another attempt completed it."""
        if self.is_lost and self.job.state is State.COMPLETED:
            return "replaced-attempt"
        return self.job.state.value

    @property
    def at_risk(self) -> Decimal:
        """Credits that a repeat may have cost in addition."""
        if not self.attempt.is_possible_double_charge:
            return _NOTHING
        reserved = self.attempt.credits_used or self.attempt.credits_reserved or _NOTHING
        return reserved * (self.attempt.posts - 1)


@dataclass(kw_only=True)
class CostLine:
    """The sum for a day, a prefix, an outcome, or everything.

    `photos` are jobs with charged calls; `reused` had a cached result instead, which saved credits.
    """

    photos: int = 0
    calls: int = 0
    credits: Decimal = _NOTHING
    lost: Decimal = _NOTHING
    at_risk: Decimal = _NOTHING
    reused: int = 0
    saved: Decimal = _NOTHING

    def add(self, charge: Charge) -> None:
        """Add a call."""
        self.calls += 1
        self.credits += charge.credits
        self.lost += charge.credits if charge.is_lost else _NOTHING
        self.at_risk += charge.at_risk


@dataclass(kw_only=True)
class Costs:
    """Adds up the costs of jobs, one job at a time.

    A key's first `depth` folders are its prefix. `lost` are calls that were charged without a
    cut-out, `doubtful` those that may have been charged twice.
    """

    by: By
    period: Period = field(default_factory=Period)
    depth: int = 1
    lines: dict[str, CostLine] = field(default_factory=dict)
    total: CostLine = field(default_factory=CostLine)
    lost: list[Charge] = field(default_factory=list)
    doubtful: list[Charge] = field(default_factory=list)

    def add(self, job: Job) -> None:
        """Add a job's calls and savings in the period."""
        charges = [one for one in charges_of(job) if self.period.holds(one.at)]
        names = dict.fromkeys(self._name(job, one.at, one.outcome) for one in charges)
        for line in (self.total, *(self._line(name) for name in names)):
            line.photos += bool(charges)
        for charge in charges:
            self.total.add(charge)
            self._line(self._name(job, charge.at, charge.outcome)).add(charge)
        self.lost += [one for one in charges if one.is_lost]
        self.doubtful += [one for one in charges if one.at_risk]
        self._save(job)

    def _save(self, job: Job) -> None:
        """Add what a job saved that was completed from a cached result."""
        at = job.entered_at
        if job.reused and job.state is State.COMPLETED and self.period.holds(at):
            for line in (self.total, self._line(self._name(job, at, job.state.value))):
                line.reused += 1
                line.saved += job.reused.credits_saved

    def _line(self, name: str) -> CostLine:
        return self.lines.setdefault(name, CostLine())

    def _name(self, job: Job, at: datetime, outcome: str) -> str:
        """The name of the line to which a call or a saving belongs."""
        folders = job.source.key.split("/")[:-1][: self.depth]
        return {
            By.DAY: at.astimezone(UTC).date().isoformat(),
            By.PREFIX: "".join(f"{folder}/" for folder in folders),
            By.OUTCOME: outcome,
        }[self.by]


def charges_of(job: Job) -> Iterator[Charge]:
    """The calls of a job that cost credits, or may have."""
    for attempt in job.attempts:
        charge = Charge(job=job, attempt=attempt, credits=charged(attempt))
        if charge.credits or charge.at_risk:
            yield charge
