"""The gate: how many tasks may run, how many credits may go in a day, and when intake pauses.

The gate is one stored item. Its rules are pure: each returns the gate as it would stand, and the
store writes it, together with the job's row, on the condition that nobody wrote it in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cutout.states import Reason


class PauseReason(StrEnum):
    """Why intake pauses."""

    OUT_OF_CREDITS = "out-of-credits"
    """402: probed with one photo when the pause is over."""
    KEY_REFUSED = "key-refused"
    """401 or 403: until a person mends the key and resumes."""
    RATE_LIMITED = "rate-limited"
    """429, or a lack of capacity: everybody backs off, Retry-After obeyed."""
    OPERATOR = "operator"
    """A person paused it."""

    @classmethod
    def _missing_(cls, value: object) -> PauseReason:
        """A reason of a newer version, kept by its own word: a pause, whatever it is for."""
        word = str(value)
        reason = str.__new__(cls, word)
        reason._name_ = reason._value_ = word
        return reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the gate lets through: tasks at once, credits a day (UTC)."""

    max_in_flight: int
    daily_credit_cap: Decimal


DEFAULT_LIMITS = Limits(max_in_flight=3, daily_credit_cap=Decimal(5000))
"""What is deployed unless a setting says otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Intake stands still. `until` None means until a person resumes."""

    reason: PauseReason
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicion:
    """Sweep counted other than the gate says, when the gate stood at this version."""

    version: int
    counted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Why a job may not pass now."""

    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The gate as stored.

    Attributes:
        version: counts its writes.
        in_flight: jobs whose task may be running at the provider.
        day: the UTC day that `spent` belongs to.
        spent: credits reserved or used that day.
        price: credits one photo is expected to take: what the provider last reserved.
        limits: set by a person while running; None means the deployed ones.
        deployed: the deployed limits, as Sweep last saw them, for people who look.
        newer: what only a newer version knows of, which this one keeps and writes back.
    """

    version: int = 0
    in_flight: int = 0
    day: date = date.min
    spent: Decimal = Decimal(0)
    price: Decimal = Decimal("5.4")
    limits: Limits | None = None
    deployed: Limits | None = None
    pause: Pause | None = None
    suspicion: Suspicion | None = None
    newer: dict[str, object] = field(default_factory=dict)

    def spent_on(self, day: date) -> Decimal:
        """Credits spent that day: a new day starts at nothing."""
        return self.spent if self.day == day else Decimal(0)

    def free_slots(self, deployed: Limits) -> int:
        """How many more tasks may start."""
        return max(0, (self.limits or deployed).max_in_flight - self.in_flight)

    def holds(self, deployed: Limits, now: datetime) -> Held | None:
        """What keeps the next job out, or None."""
        limits = self.limits or deployed
        if self.is_paused(now):
            return Held(reason=Reason.GATE_PAUSED)
        if self.in_flight >= limits.max_in_flight:
            return Held(reason=Reason.GATE_FULL)
        if self.spent_on(now.date()) + self.price > limits.daily_credit_cap:
            return Held(reason=Reason.DAILY_CAP)
        return None

    def is_paused(self, now: datetime) -> bool:
        """Nobody may pass: a pause without end, or one that is not over."""
        return self.pause is not None and (self.pause.until is None or now < self.pause.until)

    def admitting(self, now: datetime, probe_for: timedelta) -> Gate:
        """With one job more inside.

        When a pause has just run out, the job is a probe: the pause goes on for `probe_for`, so
        that nobody follows before the probe's answer is known (half open).
        """
        pause = self.pause
        if pause is not None:
            pause = replace(pause, until=now + probe_for)
        return replace(
            self,
            in_flight=self.in_flight + 1,
            day=now.date(),
            spent=self.spent_on(now.date()) + self.price,
            pause=pause,
        )

    def recounted(self, counted: int) -> Gate:
        """As it should stand after Sweep counted the jobs inside.

        The count comes from an index that may lag, so a difference is believed only when the next
        sweep finds the same and nobody passed the gate in between.
        """
        if counted == self.in_flight:
            return self if self.suspicion is None else replace(self, suspicion=None)
        if self.suspicion == Suspicion(version=self.version, counted=counted):
            return replace(self, in_flight=counted, suspicion=None)
        return replace(self, suspicion=Suspicion(version=self.version + 1, counted=counted))

    def releasing(self) -> Gate:
        """With one job less inside."""
        return replace(self, in_flight=max(0, self.in_flight - 1))

    def refunding(self, credits_: Decimal, day: date) -> Gate:
        """Without credits that a job took that day and did not use."""
        if self.day != day:
            return self
        return replace(self, spent=max(Decimal(0), self.spent - credits_))

    def charging(self, credits_: Decimal, day: date) -> Gate:
        """With credits that turned out to be spent that day."""
        return self if self.day != day else replace(self, spent=self.spent + credits_)

    def pausing(self, reason: PauseReason, now: datetime, until: datetime | None) -> Gate:
        """Paused. A pause that lasts longer, or that only a person ends, is not shortened."""
        standing = self.pause
        if standing is not None and (standing.until is None or (until and until < standing.until)):
            return self
        return replace(self, pause=Pause(reason=reason, since=now, until=until))

    def resuming(self) -> Gate:
        """Open again."""
        return replace(self, pause=None)

    def cleared_by(self, started_at: datetime) -> Gate:
        """Open again after a call that was accepted and was made after the pause began.

        Calls already under way when the pause began prove nothing; a pause without end stays.
        """
        pause = self.pause
        if pause is None or pause.until is None or started_at <= pause.since:
            return self
        return self.resuming()
