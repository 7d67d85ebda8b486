"""The gate: how many tasks may run, how many credits a day may be spent, and pauses.

Its rules are pure functions. Limits, price and pause are one item, which is written seldom, over
the version that was read. Slots and credits are in shards, which are written with the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.gate.pauses_and_slots import FreeSlot, Pause, PauseReason, Shard
from cutout.domain.reasons import Reason
from cutout.domain.serialization import STORED_AS

MOST_SHARDS = 64
"""BatchGetItem reads 100 items at once."""
_SLOTS_A_SHARD = 8
"""So that a shard stays below 1 KB, the size of a write unit."""
_CREDITS_A_SHARD = 108
"""Of the day's cap, many times a photo's price: a shard may leave up to one price unused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """The gate's limits: tasks at the same time, and credits a day (UTC)."""

    max_in_flight: int
    daily_credit_cap: Decimal

    @property
    def shards(self) -> int:
        """Over how many shards they are divided."""
        by_slots = -(-self.max_in_flight // _SLOTS_A_SHARD)
        by_credits = self.daily_credit_cap // _CREDITS_A_SHARD
        return max(1, min(MOST_SHARDS, by_slots, int(by_credits)))


DEFAULT_LIMITS = Limits(max_in_flight=3, daily_credit_cap=Decimal(5000))
"""The deployment's limits, unless settings change them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The gate as stored: one item that is seldom written, and the shards.

    An earlier version counts its tasks and credits in the same item. It finds the item paused, so
    that it admits nothing beside this version; what it has in flight counts here, too.

    Attributes:
        version: the number of writes of the item.
        price: expected credits for one photo: what the provider last reserved, at first the usual.
        usual_price: what the provider's terms name; not stored.
        limits: set by a person; None means the deployed limits.
        deployed: the deployed limits: those of the function that reads it; for the command line,
            those when Sweep last ran.
        most_shards: how many shards may be in use; it never shrinks.
        has_waiting: jobs may be waiting. Jobs that begin to wait note it, and so does Sweep, which
            also notes their end.
        carried_in_flight: tasks in flight that an earlier version admitted.
        carried_day: the UTC day of `carried_spent`.
        carried_spent: credits that an earlier version spent that day.
        seal: the pause that earlier versions see.
        newer: fields of another version, which are kept and written back.
        shards: what was read with the item; written with the jobs.
    """

    version: int = 0
    price: Decimal
    usual_price: Decimal
    limits: Limits | None = None
    deployed: Limits | None = None
    pause: Pause | None = field(default=None, metadata={STORED_AS: "paused"})
    most_shards: int = 1
    has_waiting: bool = False
    carried_in_flight: int = field(default=0, metadata={STORED_AS: "in_flight"})
    carried_day: date = field(default=date.min, metadata={STORED_AS: "day"})
    carried_spent: Decimal = field(default=Decimal(0), metadata={STORED_AS: "spent"})
    seal: Pause | None = field(default=None, metadata={STORED_AS: "pause"})
    newer: dict[str, object] = field(default_factory=dict)
    shards: tuple[Shard, ...] = (Shard(),)

    @property
    def limits_in_force(self) -> Limits:
        """What a person has set, else what is deployed."""
        return self.limits or self.deployed or DEFAULT_LIMITS

    @property
    def in_flight(self) -> int:
        """How many slots are held: tasks that may be running."""
        return sum(len(shard.holders) for shard in self.shards) + self._carried

    @property
    def in_flight_since(self) -> datetime | None:
        """When the oldest of these attempts began; None if this version admitted none."""
        holders = (held_since(name) for shard in self.shards for name in shard.holders)
        return min(holders, default=None)

    @property
    def is_sealed(self) -> bool:
        """Whether earlier versions admit nothing."""
        return self.seal is not None and self.seal.reason is PauseReason.NEWER_VERSION

    def spent_on(self, day: date) -> Decimal:
        """Credits spent on that day, including those that a repeated call may have cost."""
        shards = sum((shard.spent.get(day, Decimal(0)) for shard in self.shards), Decimal(0))
        return shards + self._carried_spent_on(day)

    @property
    def free_slots(self) -> int:
        """How many more tasks may start."""
        return max(0, self.limits_in_force.max_in_flight - self.in_flight)

    def is_paused(self, now: datetime) -> bool:
        """Whether the gate is paused now."""
        return self.pause is not None and (self.pause.until is None or now < self.pause.until)

    def admission(
        self, now: datetime, randomness: Callable[[], float]
    ) -> tuple[Gate, FreeSlot | Reason]:
        """The gate as it must be stored first, and its free slot or why the job must wait.

        Earlier versions then admit nothing, and the gate names all of its shards: limits may be
        lowered again before Sweep notes that they were raised, and what the further shards hold
        would no longer count.
        """
        opened = self.sealed(now).limited(self.limits)
        return opened, opened.slot(now, randomness)

    def slot(self, now: datetime, randomness: Callable[[], float]) -> FreeSlot | Reason:
        """A free slot, picked at random, or why the next job must wait."""
        if self.is_paused(now):
            return Reason.GATE_PAUSED
        limits, today = self.limits_in_force, now.date()
        slots = self._free_slots_by_shard()
        if not slots:
            return Reason.GATE_FULL
        is_too_high = self.price > limits.daily_credit_cap / limits.shards
        most_spent = self._credits_by_shard(today, is_price_too_high=is_too_high)
        within = [shard for shard in slots if shard in most_spent]
        if not within:
            return Reason.PRICE_ABOVE_CAP if is_too_high else Reason.DAILY_CAP
        picked = within[int(randomness() * len(within))]
        return FreeSlot(
            shard=picked,
            most_holders=slots[picked] - 1,
            most_spent=most_spent[picked],
            day=today,
        )

    def why_closed(self, now: datetime) -> Reason | None:
        """Why the next job must wait, or None if the gate is open."""
        slot = self.slot(now, lambda: 0.0)
        return slot if isinstance(slot, Reason) else None

    def sealed(self, now: datetime) -> Gate:
        """The gate, paused for earlier versions; a pause that they made is taken over."""
        if self.is_sealed:
            return self
        seal = Pause(reason=PauseReason.NEWER_VERSION, since=now, until=None)
        return replace(self, seal=seal, pause=self.seal or self.pause)

    def swept(self, deployed: Limits, now: datetime, *, has_waiting: bool = False) -> Gate:
        """The gate after a run of Sweep: sealed, and with what is deployed and waits."""
        sealed = replace(self.sealed(now), deployed=deployed, has_waiting=has_waiting)
        gate = sealed.limited(self.limits)
        if self.is_sealed and self.seal is not None and now - self.seal.since > LONGEST_TASK:
            return replace(gate, carried_in_flight=0)
        return gate

    def limited(self, limits: Limits | None) -> Gate:
        """The gate with limits that a person has set; None means the deployed ones."""
        gate = replace(self, limits=limits)
        return replace(gate, most_shards=max(self.most_shards, gate.limits_in_force.shards))

    def probing(self, until: datetime) -> Gate:
        """The gate after a pause has ended: paused again until the outcome of one call is known."""
        return self if self.pause is None else replace(self, pause=replace(self.pause, until=until))

    def priced(self, reserved: Decimal) -> Gate:
        """The gate with the price that the provider reported last; 0 is ignored."""
        return replace(self, price=reserved) if reserved > 0 else self

    def pausing(self, reason: PauseReason, now: datetime, until: datetime | None) -> Gate:
        """The paused gate. A longer pause, or one that only a person ends, is not shortened."""
        current = self.pause if self.is_sealed else self.seal or self.pause
        if current is not None and (current.until is None or (until and until < current.until)):
            return self
        return self._paused(Pause(reason=reason, since=now, until=until))

    def resuming(self) -> Gate:
        """The gate without a pause."""
        return self._paused(None)

    def cleared_by(self, started_at: datetime) -> Gate:
        """The gate without its pause, after the provider accepted a call that began later.

        Calls that began before the pause prove nothing. A pause that only a person ends stays.
        """
        pause = self.pause
        if pause is None or pause.until is None or started_at <= pause.since:
            return self
        return self.resuming()

    def _paused(self, pause: Pause | None) -> Gate:
        """The gate with this pause, which functions of an earlier version see if they run alone."""
        return replace(self, pause=pause, seal=self.seal if self.is_sealed else pause)

    @property
    def _carried(self) -> int:
        return max(0, self.carried_in_flight)

    def _carried_spent_on(self, day: date) -> Decimal:
        return self.carried_spent if day == self.carried_day else Decimal(0)

    @property
    def _padded(self) -> list[Shard]:
        """The shards that were read, and empty ones in the place of those not written yet."""
        return [*self.shards, *[Shard()] * (self.limits_in_force.shards - len(self.shards))]

    def _free_slots_by_shard(self) -> dict[int, int]:
        """The shards with a free slot, and how many slots each has."""
        limits, held = self.limits_in_force, [len(shard.holders) for shard in self._padded]
        slots = shares(limits.max_in_flight, held, limits.shards, outside=self._carried)
        return {number: most for number, most in enumerate(slots) if held[number] < most}

    def _credits_by_shard(self, day: date, *, is_price_too_high: bool) -> dict[int, Decimal]:
        """The shards with enough credits for one more photo, and what may be spent before it.

        Only a call can correct a price that is too high for a shard's share: one photo a day is
        sent to check it, by the first shard. It is admitted at the usual price, and charged with
        the high one, which closes that shard for the day.
        """
        limits = self.limits_in_force
        cap = limits.daily_credit_cap
        expected = _micro(self.usual_price if is_price_too_high else self.price)
        spent = [_micro(shard.spent.get(day, Decimal(0))) for shard in self._padded]
        carried = _micro(self._carried_spent_on(day))
        credits_ = shares(_micro(cap), spent, limits.shards, outside=carried)
        most = {
            number: (share - expected) * _MICRO
            for number, share in enumerate(credits_)
            if spent[number] + expected <= share
        }
        if not is_price_too_high:
            return most
        # A price that fits into the cap as a whole must also fit into what is left of it.
        may_check = self.price > cap or self.spent_on(day) + self.price <= cap
        return {0: most[0]} if may_check and 0 in most else {}


_MICRO = Decimal("0.000001")
LONGEST_DEADLINE = timedelta(days=1)
"""The longest deadline and poll interval that settings allow. Results last no longer."""
LONGEST_TASK = 4 * LONGEST_DEADLINE
"""Longer than any attempt holds its slot: it may be unconfirmed for a deadline and be tracked for
another, and its last read comes a poll interval later."""


def _micro(credits_: Decimal) -> int:
    """In millionths of a credit, the smallest part that is stored."""
    return int(credits_ / _MICRO)


def holder(job_id: str, attempt: int, started_at: datetime) -> str:
    """The name under which an attempt holds its slot."""
    return f"{int(started_at.timestamp() * 1000)}.{job_id}.{attempt}"


def held_since(name: str) -> datetime:
    """When the attempt of a holder began."""
    return datetime.fromtimestamp(int(name.partition(".")[0]) / 1000, UTC)


def shares(limit: int, used: Sequence[int], count: int, *, outside: int) -> list[int]:
    """How much of a limit each of the first `count` shards may use.

    The shares, plus the use of other shards and of `outside`, never exceed the limit. A
    shard that uses more than its part, since the limit was lowered, keeps what it uses; it gets
    nothing, and the others less. One that holds a refund of credits that are counted elsewhere uses
    less than nothing.
    """
    rest = limit - outside - sum(used[count:])
    within = list(range(count))
    while True:
        parts = dict(zip(within, _divided(rest, len(within)), strict=True))
        over = [number for number in within if used[number] > parts[number]]
        if not over:
            return [parts.get(number, min(0, used[number])) for number in range(count)]
        rest -= sum(used[number] for number in over)
        within = [number for number in within if number not in over]


def _divided(whole: int, parts: int) -> list[int]:
    return [whole // parts + (number < whole % parts) for number in range(parts)]
