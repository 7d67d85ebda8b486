"""The gate: how many tasks may run, how many credits a day may be spent, and pauses.

The gate is one stored item. Its rules are pure functions: each returns the changed gate, which is
written in one transaction with the job, on the condition that its version has not changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cutout.domain.states import Reason


class PauseReason(StrEnum):
    """Why the gate is paused."""

    OUT_OF_CREDITS = "out-of-credits"
    """The account is empty; one photo is tried when the pause is over."""
    KEY_REFUSED = "key-refused"
    """The provider refuses the API key; a person must fix it and resume."""
    RATE_LIMITED = "rate-limited"
    """Too many calls, or no capacity at the provider."""
    OPERATOR = "operator"
    """A person paused it."""

    @classmethod
    def _missing_(cls, value: object) -> PauseReason:
        """A reason that a newer version stored; it pauses the gate like any other."""
        word = str(value)
        reason = str.__new__(cls, word)
        reason._name_ = reason._value_ = word
        return reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The gate's limits: tasks at the same time, and credits a day (UTC)."""

    max_in_flight: int
    daily_credit_cap: Decimal


USUAL_PRICE = Decimal("5.4")
"""Credits that a photo is expected to cost until the provider has named its price."""
INDEX_LAG = timedelta(minutes=5)
"""Longer than indexes ever lag: usually under a second, in an incident some seconds."""

DEFAULT_LIMITS = Limits(max_in_flight=3, daily_credit_cap=Decimal(5000))
"""The deployment's limits, unless settings change them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """A pause of the gate. `until` None means until a person resumes."""

    reason: PauseReason
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicion:
    """Sweep counted another number of tasks than the gate has, at this version of the gate.

    Attributes:
        since: when Sweep first counted this; None if an earlier version wrote it.
    """

    version: int
    counted: int
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The gate as stored.

    Attributes:
        version: the number of writes.
        in_flight: jobs whose task may be running at the provider.
        day: the UTC day of `spent`. It never moves back, since workers' clocks differ.
        spent: credits reserved or used that day, including those a repeat may have cost.
        price: expected credits for one photo: what the provider last reserved.
        limits: set by a person; None means the deployed limits.
        deployed: the deployed limits when Sweep last ran, for the command line.
        newer: fields of a newer version, which are kept and written back.
    """

    version: int = 0
    in_flight: int = 0
    day: date = date.min
    spent: Decimal = Decimal(0)
    price: Decimal = USUAL_PRICE
    limits: Limits | None = None
    deployed: Limits | None = None
    pause: Pause | None = None
    suspicion: Suspicion | None = None
    newer: dict[str, object] = field(default_factory=dict)

    def today(self, now: datetime) -> date:
        """The day to which a call made now counts; not before `day`, if the clock is slow."""
        return max(self.day, now.date())

    def spent_on(self, day: date) -> Decimal:
        """Credits spent on that day; 0 for a new day."""
        return Decimal(0) if day > self.day else self.spent

    def has_room(self, deployed: Limits, now: datetime) -> bool:
        """Whether the day's cap has room for one more photo."""
        # A price above the whole cap would keep the gate closed every day, and only a call can
        # correct it. So the usual price is used instead. The admitted job counts with the high
        # price, which closes the gate for others until the provider reports its real price.
        cap = (self.limits or deployed).daily_credit_cap
        expected = USUAL_PRICE if self.price > cap else self.price
        return self.spent_on(now.date()) + expected <= cap

    def free_slots(self, deployed: Limits) -> int:
        """How many more tasks may start."""
        return max(0, (self.limits or deployed).max_in_flight - self.in_flight)

    def why_closed(self, deployed: Limits, now: datetime) -> Reason | None:
        """Why the next job must wait, or None if the gate is open."""
        limits = self.limits or deployed
        if self.is_paused(now):
            return Reason.GATE_PAUSED
        if self.in_flight >= limits.max_in_flight:
            return Reason.GATE_FULL
        return None if self.has_room(deployed, now) else Reason.DAILY_CAP

    def is_paused(self, now: datetime) -> bool:
        """Whether the gate is paused now."""
        return self.pause is not None and (self.pause.until is None or now < self.pause.until)

    def admitting(self, now: datetime, probe_for: timedelta) -> Gate:
        """The gate with one more job in flight.

        If a pause has just ended, the job is a probe: the pause is extended by `probe_for`, so that
        no other job is admitted before the probe's outcome is known (half open).
        """
        pause = self.pause
        if pause is not None:
            pause = replace(pause, until=now + probe_for)
        return replace(
            self,
            in_flight=self.in_flight + 1,
            day=self.today(now),
            spent=self.spent_on(now.date()) + self.price,
            pause=pause,
        )

    def recounted(self, counted: int, now: datetime) -> Gate:
        """The gate after Sweep counted the jobs in flight.

        The index may lag, so the count replaces `in_flight` only if Sweep counted the same
        `INDEX_LAG` ago and the gate was not written in between.
        """
        if counted == self.in_flight:
            return replace(self, suspicion=None)
        seen = self.suspicion
        is_same = seen is not None and (seen.version, seen.counted) == (self.version, counted)
        if seen is None or seen.since is None or not is_same:
            seen = Suspicion(version=self.version + 1, counted=counted, since=now)
            return replace(self, suspicion=seen)
        if now - seen.since < INDEX_LAG:
            return self
        return replace(self, in_flight=counted, suspicion=None)

    def releasing(self) -> Gate:
        """The gate with one job less in flight."""
        return replace(self, in_flight=max(0, self.in_flight - 1))

    def counting(self, credits_: Decimal, day: date) -> Gate:
        """The gate with credits added to that day's sum; a past day's sum is not changed."""
        if not credits_ or day < self.day:
            return self
        return replace(self, day=day, spent=max(Decimal(0), self.spent_on(day) + credits_))

    def priced(self, reserved: Decimal) -> Gate:
        """The gate with the price that the provider reported last; 0 is ignored."""
        return replace(self, price=reserved) if reserved > 0 else self

    def pausing(self, reason: PauseReason, now: datetime, until: datetime | None) -> Gate:
        """The paused gate. A longer pause, or one that only a person ends, is not shortened."""
        current = self.pause
        if current is not None and (current.until is None or (until and until < current.until)):
            return self
        return replace(self, pause=Pause(reason=reason, since=now, until=until))

    def resuming(self) -> Gate:
        """The gate without a pause."""
        return replace(self, pause=None)

    def cleared_by(self, started_at: datetime) -> Gate:
        """The gate without its pause, after the provider accepted a call that began later.

        Calls that began before the pause prove nothing. A pause that only a person ends stays.
        """
        pause = self.pause
        if pause is None or pause.until is None or started_at <= pause.since:
            return self
        return self.resuming()
