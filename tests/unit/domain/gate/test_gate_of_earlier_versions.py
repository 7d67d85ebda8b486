"""The gate of an earlier version: its admissions count, and it admits no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot, Pause, PauseReason
from cutout.domain.reasons import Reason
from tests.support.builders import LIMITS, NOW, a_gate, a_shard

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
BAD_KEY = Pause(reason=PauseReason.KEY_REFUSED, since=NOW, until=None)
BY_HAND = Pause(reason=PauseReason.OPERATOR, since=NOW, until=None)
SEAL = Pause(reason=PauseReason.NEWER_VERSION, since=NOW, until=None)
OLD = a_gate(carried_in_flight=2, carried_day=NOW.date(), carried_spent=Decimal(20))
"""The gate as an earlier version left it: two tasks run, and twenty credits are spent."""


def test_admissions_of_an_earlier_version_count() -> None:
    """Its tasks are still running, and its credits count on their day."""
    gate = replace(OLD, shards=(a_shard(1, spent=10),))
    assert (gate.in_flight, gate.free_slots) == (3, 0)
    assert gate.why_closed(NOW) == Reason.GATE_FULL
    assert (gate.spent_on(NOW.date()), gate.spent_on((NOW + DAY).date())) == (
        Decimal(30),
        Decimal(0),
    )
    assert OLD.slot(NOW, lambda: 0.0) == FreeSlot(
        shard=0, most_holders=0, most_spent=Decimal("4974.6"), day=NOW.date()
    )
    dear = replace(OLD, carried_spent=Decimal("4994.61"))
    assert dear.why_closed(NOW) == Reason.DAILY_CAP
    assert dear.why_closed(NOW + DAY) is None


def test_a_negative_count_of_an_earlier_version_opens_no_slot() -> None:
    """It may have uncounted a task that it never counted."""
    drifted = a_gate(held=2, carried_in_flight=-3)
    assert (drifted.in_flight, drifted.free_slots) == (2, 1)


def test_sealing_pauses_the_gate_for_earlier_versions_only() -> None:
    """They admit nothing, while this version continues."""
    sealed = OLD.sealed(NOW)
    assert sealed == replace(OLD, seal=SEAL)
    assert (OLD.is_sealed, sealed.is_sealed, sealed.is_paused(NOW)) == (False, True, False)
    assert sealed.sealed(NOW + MINUTE) == sealed


def test_a_pause_by_an_earlier_version_is_kept() -> None:
    """Set before the update, or by an old command line after it: then the gate is sealed again."""
    paused = replace(OLD, seal=BY_HAND)
    assert not paused.is_sealed
    assert paused.sealed(NOW) == replace(OLD, seal=SEAL, pause=BY_HAND)
    assert replace(OLD, pause=BAD_KEY).sealed(NOW) == replace(OLD, seal=SEAL, pause=BAD_KEY)


def test_a_pause_by_a_new_command_line_stops_functions_of_an_earlier_version() -> None:
    """Until the update is deployed only those run; resuming works for them, too."""
    paused = OLD.pausing(PauseReason.OPERATOR, NOW, None)
    assert paused == replace(OLD, seal=BY_HAND, pause=BY_HAND)
    assert paused.resuming() == OLD
    assert replace(OLD, seal=BAD_KEY).resuming() == OLD


def test_a_short_pause_does_not_shorten_one_of_an_earlier_version() -> None:
    """A call is refused during the update, before the gate is sealed."""
    paused = replace(OLD, seal=BAD_KEY)
    assert paused.pausing(PauseReason.RATE_LIMITED, NOW, NOW + MINUTE) == paused
    assert paused.sealed(NOW).pause == BAD_KEY


def test_sweep_seals_the_gate_and_stores_the_limits() -> None:
    """The command line reads the deployed limits there."""
    wide = Limits(max_in_flight=50, daily_credit_cap=Decimal(50_000))
    assert OLD.swept(wide, NOW) == replace(OLD, seal=SEAL, deployed=wide, most_shards=7)
    narrow = OLD.swept(wide, NOW).swept(LIMITS, NOW)
    assert (narrow.deployed, narrow.most_shards) == (LIMITS, 7)
    mine = OLD.limited(wide).swept(LIMITS, NOW)
    assert (mine.limits, mine.deployed, mine.most_shards) == (wide, LIMITS, 7)


@pytest.mark.parametrize(("days", "carried"), [(0, 2), (4, 2), (4.001, 0)])
def test_admissions_of_an_earlier_version_end_after_four_days(days: float, carried: int) -> None:
    """A wrong count would hold a slot for good."""
    later = OLD.sealed(NOW).swept(LIMITS, NOW + days * DAY)
    assert later.carried_in_flight == carried


def test_a_long_pause_does_not_end_the_tasks_of_an_earlier_version() -> None:
    """That version may have admitted them just before the first run of Sweep."""
    paused = replace(OLD, seal=replace(BY_HAND, since=NOW - 4 * DAY))
    assert paused.swept(LIMITS, NOW).carried_in_flight == 2
