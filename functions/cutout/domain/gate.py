"""The gate: how many tasks may run, how many credits may go in a day, and when intake pauses.

The gate is one stored item. Its rules are pure: each returns the gate as it would stand, and the
store writes it, together with the job's row, on the condition that nobody wrote it in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from cutout.domain.states import Reason


class PauseReason(StrEnum):
    """Why intake pauses."""

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


USUAL_PRICE = Decimal("5.4")
"""Credits that a photo is expected to cost until the provider has named its price."""
INDEX_LAG = timedelta(minutes=5)
"""Longer than the indexes are ever behind: they follow within a second, in trouble within many."""

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
    """Sweep counted other than the gate says, when the gate stood at this version.

    Attributes:
        since: when it first counted that; None in what an earlier version wrote.
    """

    version: int
    counted: int
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The gate as stored.

    Attributes:
        version: counts its writes.
        in_flight: jobs whose task may be running at the provider.
        day: the UTC day that `spent` belongs to. It only moves forward: clocks differ.
        spent: credits reserved or used that day, and those that a repeat may have taken.
        price: credits one photo is expected to take: what the provider last reserved.
        limits: set by a person while running; None means the deployed ones.
        deployed: the deployed limits, as Sweep last saw them, for people who look.
        newer: what only a newer version knows of, which this one keeps and writes back.
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
        """The day that a call made now counts on: by a slow clock, the day that has begun."""
        return max(self.day, now.date())

    def spent_on(self, day: date) -> Decimal:
        """Credits spent that day: a new day starts at nothing."""
        return Decimal(0) if day > self.day else self.spent

    def has_room(self, deployed: Limits, now: datetime) -> bool:
        """Whether the day's cap has room for one more photo.

        A price above the whole cap would keep out every photo on every day, and only a call can
        correct it. So the usual price is asked for instead: the photo that is let in counts with
        the high price, which keeps out all others until the provider has named its own.
        """
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
            day=self.today(now),
            spent=self.spent_on(now.date()) + self.price,
            pause=pause,
        )

    def recounted(self, counted: int, now: datetime) -> Gate:
        """As it should stand after Sweep counted the jobs inside.

        The count comes from an index that may lag, so a difference is believed only if it was
        counted `INDEX_LAG` ago as well, and the gate was not written in between.
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
        """With one job less inside."""
        return replace(self, in_flight=max(0, self.in_flight - 1))

    def counting(self, credits_: Decimal, day: date) -> Gate:
        """With so many credits more on that day's sum, or fewer; a day that is over is closed."""
        if not credits_ or day < self.day:
            return self
        return replace(self, day=day, spent=max(Decimal(0), self.spent_on(day) + credits_))

    def priced(self, reserved: Decimal) -> Gate:
        """With the price that the provider named last; nothing is no price."""
        return replace(self, price=reserved) if reserved > 0 else self

    def pausing(self, reason: PauseReason, now: datetime, until: datetime | None) -> Gate:
        """Paused. A pause that lasts longer, or that only a person ends, is not shortened."""
        current = self.pause
        if current is not None and (current.until is None or (until and until < current.until)):
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
