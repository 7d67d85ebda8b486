"""Slots and credits divided over shards: together they never exceed the limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.gate.gate import Gate, Limits, held_since, holder, shares
from cutout.domain.gate.pauses_and_slots import FreeSlot, Shard
from cutout.domain.reasons import Reason
from tests.support.builders import NOW, PRICE, holders, new_gate

TODAY = NOW.date()


@pytest.mark.parametrize(
    ("limit", "used", "count", "outside", "divided"),
    [
        (7, [0, 0, 0], 3, 0, [3, 2, 2]),
        (7, [3, 2, 2], 3, 0, [3, 2, 2]),
        (7, [0, 0, 0], 3, 4, [1, 1, 1]),
        (7, [0, 0, 0], 3, 9, [0, 0, 0]),
        (9, [5, 0, 0], 3, 0, [0, 2, 2]),
        (9, [5, 3, 0], 3, 0, [0, 0, 1]),
        (9, [5, 3, 0, 2], 3, 0, [0, 0, 0]),
        (4, [1, 6, 2], 1, 0, [0]),
        (4, [-2], 1, 5, [-1]),
        (4, [-2], 1, 8, [-2]),
        (4, [-2, 9], 2, 0, [-2, 0]),
        (0, [0], 1, 0, [0]),
    ],
)
def test_each_shard_gets_an_equal_part_of_the_rest(
    limit: int, used: list[int], count: int, outside: int, divided: list[int]
) -> None:
    """A shard that uses more than its part gets nothing, and the others divide the rest."""
    assert shares(limit, used, count, outside=outside) == divided


@given(
    limit=st.integers(0, 300),
    used=st.lists(st.integers(0, 60), min_size=1, max_size=20),
    count=st.integers(1, 20),
    outside=st.integers(0, 50),
)
def test_shares_and_used_slots_never_exceed_the_limit(
    limit: int, used: list[int], count: int, outside: int
) -> None:
    """However the limit and the number of shards changed; and no slot stays unused."""
    known = used + [0] * (count - len(used))
    parts = shares(limit, known, count, outside=outside)
    filled = [max(part, some) for part, some in zip(parts, known, strict=False)]
    total = sum(filled) + sum(known[count:]) + outside
    assert total == limit or (total > limit and sum(known) + outside == total)


@dataclass
class Table:
    """Shards with conditional writes, by conditions from stale reads."""

    limits: Limits
    gate: Gate
    pick: float = 0.0
    reads: list[Gate] = field(default_factory=list)

    def read(self) -> None:
        """Read all shards as a worker does."""
        known = self.gate.shards
        empty = [Shard()] * (self.limits.shards - len(known))
        self.gate = replace(self.gate, deployed=self.limits, shards=(*known, *empty))
        self.reads.append(self.gate)

    def take(self, number: int, name: str) -> bool:
        """Take a slot by an earlier read; True if a slot was free."""
        slot = self.reads[number % len(self.reads)].slot(NOW, lambda: self.pick)
        if not isinstance(slot, FreeSlot):
            return False
        shard = self.gate.shards[slot.shard]
        spent = shard.spent.get(slot.day, Decimal(0))
        if len(shard.holders) > slot.most_holders or spent > slot.most_spent:
            return False
        days = dict(shard.spent) | {slot.day: spent + self.gate.price}
        self._write(slot.shard, Shard(holders=shard.holders | {name}, spent=days))
        return True

    def free(self, number: int, refunded: Decimal) -> None:
        """End a task, perhaps with a refund."""
        held = [(n, it) for n, one in enumerate(self.gate.shards) for it in sorted(one.holders)]
        if held:
            shard, name = held[number % len(held)]
            one = self.gate.shards[shard]
            spent = {day: max(Decimal(0), it - refunded) for day, it in one.spent.items()}
            self._write(shard, Shard(holders=one.holders - {name}, spent=spent))

    def end_one_of_an_earlier_version(self) -> None:
        """End a task that an earlier version admitted."""
        carried = max(0, self.gate.carried_in_flight - 1)
        self.gate = replace(self.gate, carried_in_flight=carried)

    def fill(self) -> Reason | None:
        """Admit as many jobs as possible; returns why the next one waits."""
        number, taken = 0, True
        while taken:
            self.read()
            taken = self.take(-1, f"0.filled.{number}")
            number += 1
        return self.gate.why_closed(NOW)

    def _write(self, number: int, shard: Shard) -> None:
        shards = [*self.gate.shards]
        shards[number] = shard
        self.gate = replace(self.gate, shards=tuple(shards))


_SHARDS = st.lists(
    st.builds(
        lambda held, spent: Shard(
            holders=frozenset(f"0.before-{held}.{n}" for n in range(held)),
            spent={TODAY: Decimal(spent)} if spent else {},
        ),
        st.integers(0, 12),
        st.integers(0, 300),
    ),
    min_size=1,
    max_size=8,
).map(tuple)
_TABLES = st.builds(
    Table,
    limits=st.builds(
        Limits,
        max_in_flight=st.integers(0, 80),
        daily_credit_cap=st.decimals(0, 2000, places=2),
    ),
    gate=st.builds(
        Gate,
        price=st.decimals("0.01", 20, places=2),
        usual_price=st.just(PRICE),
        shards=_SHARDS,
        carried_in_flight=st.integers(-1, 10),
        carried_day=st.just(TODAY),
        carried_spent=st.decimals(0, 300, places=2),
    ),
    pick=st.floats(0, 1, exclude_max=True),
)


@given(
    table=_TABLES,
    acts=st.lists(
        st.tuples(st.sampled_from("rtttfge"), st.integers(0, 10**6)), min_size=10, max_size=120
    ),
)
def test_no_interleaving_admits_more_than_the_limits(
    table: Table, acts: list[tuple[str, int]]
) -> None:
    """Workers act on old reads and tasks end meanwhile; the conditions hold the limits."""
    table.read()
    for act, number in acts:
        if act == "r":
            table.read()
        elif act == "t":
            if table.take(number, f"0.taken-{number}.{len(table.reads)}"):
                assert table.gate.in_flight <= table.limits.max_in_flight
                if table.gate.price <= table.limits.daily_credit_cap / table.limits.shards:
                    assert table.gate.spent_on(TODAY) <= table.limits.daily_credit_cap
        elif act == "e":
            table.end_one_of_an_earlier_version()
        else:
            table.free(number, table.gate.price if act == "g" else Decimal(0))


@given(table=_TABLES)
def test_every_slot_is_used(table: Table) -> None:
    """Whatever was held before: a shard with more than its part leaves less to the others."""
    table.limits = replace(table.limits, daily_credit_cap=Decimal(10**6))
    held = table.gate.in_flight
    assert table.fill() is Reason.GATE_FULL
    assert table.gate.in_flight == max(held, table.limits.max_in_flight)


@given(
    cap=st.decimals(0, 30_000, places=2),
    price=st.decimals("0.01", 60, places=2),
    carried=st.decimals(0, 300, places=2),
)
def test_a_day_of_short_tasks_spends_the_cap_up_to_one_price_a_shard(
    cap: Decimal, price: Decimal, carried: Decimal
) -> None:
    """Slots are free all day, so that only the cap decides."""
    limits = Limits(max_in_flight=100, daily_credit_cap=cap)
    share = cap / limits.shards
    gate = new_gate(price=price, deployed=limits, carried_day=TODAY, carried_spent=carried)
    spent = [Decimal(0)] * limits.shards
    while True:
        shards = tuple(Shard(spent={TODAY: some}) for some in spent)
        slot = replace(gate, shards=shards).slot(NOW, lambda: 0.99)
        if not isinstance(slot, FreeSlot):
            break
        # As many as fit into the shard at once, which makes the test fast.
        times = int((slot.most_spent - spent[slot.shard]) // price) + 1
        spent[slot.shard] += times * price
    if price > share:
        assert slot is Reason.PRICE_ABOVE_CAP
        assert sum(spent) <= price
    else:
        assert slot is Reason.DAILY_CAP
        total = sum(spent) + carried
        assert cap - limits.shards * price < total <= max(cap, carried)


def test_a_refund_of_an_earlier_versions_charge_opens_no_more_than_the_cap() -> None:
    """It is subtracted in the first shard, while the charge stays in the earlier count."""
    limits = Limits(max_in_flight=9, daily_credit_cap=Decimal(50))
    refunded = Shard(spent={TODAY: 2 * -PRICE})
    gate = new_gate(
        deployed=limits, carried_day=TODAY, carried_spent=Decimal(100), shards=(refunded,)
    )
    assert gate.slot(NOW, lambda: 0.0) is Reason.DAILY_CAP
    above = replace(limits, daily_credit_cap=Decimal(100))
    table = Table(limits=above, gate=gate)
    assert table.fill() is Reason.DAILY_CAP
    assert table.gate.spent_on(TODAY) == Decimal(100)


@given(
    in_flight=st.integers(0, 5000),
    cap=st.decimals(0, 1_000_000, places=2),
)
def test_a_shard_holds_few_slots_and_many_prices(in_flight: int, cap: Decimal) -> None:
    """An item stays within a write unit, and only a large cap is divided."""
    count = Limits(max_in_flight=in_flight, daily_credit_cap=cap).shards
    assert 1 <= count <= 64
    assert count == 1 or cap / count >= 20 * PRICE
    is_spread = in_flight <= 8 * count
    assert is_spread or count == 64 or cap < (count + 1) * 20 * PRICE


@pytest.mark.parametrize(
    ("in_flight", "cap", "count"),
    [(3, 5000, 1), (8, 5000, 1), (9, 5000, 2), (50, 50_000, 7), (50, 215, 1), (9999, 10**6, 64)],
)
def test_the_limits_decide_the_number_of_shards(in_flight: int, cap: int, count: int) -> None:
    """Eight slots a shard, and at least twenty usual prices of the cap."""
    assert Limits(max_in_flight=in_flight, daily_credit_cap=Decimal(cap)).shards == count


def test_a_holder_names_the_start_of_its_attempt() -> None:
    """To the millisecond; job and attempt make it unique."""
    at = datetime(2026, 11, 20, 23, 59, 59, 123_456, tzinfo=UTC)
    name = holder("a00fc0b0b75cd1e67b0d7024ca35e9a9", 2, at)
    assert name == "1795219199123.a00fc0b0b75cd1e67b0d7024ca35e9a9.2"
    assert held_since(name) == at.replace(microsecond=123_000)
    assert len(holders(5)) == 5
