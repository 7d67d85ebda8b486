"""The figures of the gate, measured by the commands of the benchmarks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.benchmarks import burst, gate_collisions
from tests.benchmarks.gate_collisions import collisions


def test_a_burst_uses_the_providers_slots() -> None:
    """Messages for freed slots are far behind uploads in the queue; slots are taken anyway."""
    done = burst.burst()
    assert done.percent_used_meanwhile >= 95
    assert done.percent_used >= 95
    assert done.messages <= 2.2
    assert done.most_in_flight == burst.SLOTS
    assert done.calls == burst.UPLOADS


def test_jobs_admitted_concurrently_seldom_give_up() -> None:
    """100,000 photos an hour, and twice as many."""
    assert collisions(28, seconds=20).percent_given_up < 1
    assert collisions(56, seconds=20).percent_given_up < 1


def test_without_shards_jobs_would_give_up() -> None:
    """All workers write one item: the figure above can fail."""
    one_shard = replace(gate_collisions.LIMITS, daily_credit_cap=Decimal(100))
    assert one_shard.shards == 1
    assert collisions(56, seconds=5, limits=one_shard).percent_given_up > 1
