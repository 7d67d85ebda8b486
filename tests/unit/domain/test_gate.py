"""What the gate lets through, and when it stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate import (
    DEFAULT_LIMITS,
    INDEX_LAG,
    Gate,
    Limits,
    Pause,
    PauseReason,
    Suspicion,
)
from cutout.domain.states import Reason
from tests.support.builders import LIMITS, NOW, a_gate

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
PROBE = timedelta(seconds=120)
NO_CREDITS = Pause(reason=PauseReason.OUT_OF_CREDITS, since=NOW, until=NOW + 15 * MINUTE)
BAD_KEY = Pause(reason=PauseReason.KEY_REFUSED, since=NOW, until=None)
BY_HAND = Pause(reason=PauseReason.OPERATOR, since=NOW, until=None)


@pytest.mark.parametrize(
    ("in_flight", "held"),
    [(0, None), (2, None), (3, Reason.GATE_FULL), (4, Reason.GATE_FULL)],
)
def test_never_more_tasks_in_flight_than_the_limit(in_flight: int, held: Reason | None) -> None:
    """With three slots, the third passes and the fourth waits."""
    answer = a_gate(in_flight=in_flight).why_closed(LIMITS, NOW)
    assert answer == held


@pytest.mark.parametrize(
    ("spent", "held"),
    [("0", None), ("4994.6", None), ("4994.61", Reason.DAILY_CAP), ("5000", Reason.DAILY_CAP)],
)
def test_never_more_credits_a_day_than_the_cap(spent: str, held: Reason | None) -> None:
    """The photo whose price just fits passes; a hundredth of a credit more, and it waits."""
    answer = a_gate(spent=Decimal(spent)).why_closed(LIMITS, NOW)
    assert answer == held


def test_the_price_is_what_the_provider_last_reserved() -> None:
    """A dearer photo reaches the cap earlier."""
    dear = a_gate(spent=Decimal(4980), price=Decimal("20.01"))
    assert dear.why_closed(LIMITS, NOW) == Reason.DAILY_CAP
    assert replace(dear, price=Decimal(20)).why_closed(LIMITS, NOW) is None


def test_a_new_day_begins_with_nothing_spent() -> None:
    """At midnight UTC the cap is whole again, and admitting writes the new day down."""
    full = a_gate(spent=Decimal(5000), in_flight=1)
    tomorrow = NOW + DAY
    assert full.why_closed(LIMITS, NOW) == Reason.DAILY_CAP
    assert full.why_closed(LIMITS, tomorrow) is None
    assert full.admitting(tomorrow, PROBE) == replace(
        full, in_flight=2, day=tomorrow.date(), spent=Decimal("5.4")
    )
    assert (full.spent_on(NOW.date()), full.spent_on(tomorrow.date())) == (
        Decimal(5000),
        Decimal(0),
    )


def test_limits_set_by_a_person_replace_the_deployed_ones() -> None:
    """Limits can be changed while running, up and down."""
    one = Limits(max_in_flight=1, daily_credit_cap=Decimal(10))
    assert a_gate(in_flight=1, limits=one).why_closed(LIMITS, NOW) == Reason.GATE_FULL
    assert a_gate(spent=Decimal(5), limits=one).why_closed(LIMITS, NOW) == Reason.DAILY_CAP
    assert a_gate(in_flight=1).why_closed(LIMITS, NOW) is None


@pytest.mark.parametrize(("in_flight", "free"), [(0, 3), (2, 1), (3, 0), (5, 0)])
def test_free_slots_are_never_negative(in_flight: int, free: int) -> None:
    """Also when the limit was lowered below what is running."""
    assert a_gate(in_flight=in_flight).free_slots(LIMITS) == free


def test_the_pause_is_named_before_a_full_gate() -> None:
    """A paused gate says so, even if it is full as well."""
    held = a_gate(in_flight=3, pause=BAD_KEY).why_closed(LIMITS, NOW)
    assert held == Reason.GATE_PAUSED


def test_admitting_takes_a_slot_and_the_price() -> None:
    """One more in flight, one price more spent, nothing else."""
    gate = a_gate(in_flight=1, spent=Decimal(10))
    assert gate.admitting(NOW, PROBE) == replace(gate, in_flight=2, spent=Decimal("15.4"))


def test_releasing_never_goes_below_nothing() -> None:
    """A slot that is given back twice does not open a further one."""
    assert a_gate(in_flight=2).releasing() == a_gate(in_flight=1)
    assert a_gate(in_flight=0).releasing() == a_gate(in_flight=0)


@pytest.mark.parametrize(
    ("pause", "at", "is_paused"),
    [
        (None, NOW, False),
        (NO_CREDITS, NOW, True),
        (NO_CREDITS, NOW + 15 * MINUTE - timedelta(microseconds=1), True),
        (NO_CREDITS, NOW + 15 * MINUTE, False),
        (BAD_KEY, NOW + 1000 * DAY, True),
    ],
)
def test_a_pause_lasts_until_its_end_or_until_a_person_resumes(
    pause: Pause | None,
    at: datetime,
    is_paused: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A pause with an end is over at that moment; one without, never by itself."""
    assert a_gate(pause=pause).is_paused(at) == is_paused


def test_one_photo_probes_when_a_pause_runs_out() -> None:
    """Half open: the first passes, and nobody follows before its answer is known."""
    over = NOW + 15 * MINUTE
    paused = a_gate(pause=NO_CREDITS)
    assert paused.why_closed(LIMITS, over) is None
    probing = paused.admitting(over, PROBE)
    assert probing.pause == replace(NO_CREDITS, until=over + PROBE)
    assert probing.why_closed(LIMITS, over + PROBE / 2) == Reason.GATE_PAUSED


def test_another_probe_goes_when_the_first_is_never_answered() -> None:
    """A probe that dies does not close the gate for ever."""
    over = NOW + 15 * MINUTE
    probing = a_gate(pause=NO_CREDITS).admitting(over, PROBE)
    assert probing.why_closed(LIMITS, over + PROBE) is None


def test_the_probes_success_opens_the_gate() -> None:
    """A call made after the pause began, and accepted, ends the pause."""
    over = NOW + 15 * MINUTE
    probing = a_gate(pause=NO_CREDITS).admitting(over, PROBE)
    assert probing.cleared_by(over) == replace(probing, pause=None)


@pytest.mark.parametrize("started_at", [NOW - MINUTE, NOW])
def test_calls_under_way_when_the_pause_began_prove_nothing(started_at: datetime) -> None:
    """Their acceptance is older news than the refusal."""
    paused = a_gate(pause=NO_CREDITS)
    assert paused.cleared_by(started_at) == paused


@pytest.mark.parametrize("pause", [BAD_KEY, BY_HAND])
def test_no_success_ends_a_pause_that_only_a_person_ends(pause: Pause) -> None:
    """A refused key, or a person's own pause, waits for a person."""
    paused = a_gate(pause=pause)
    assert paused.cleared_by(NOW + DAY) == paused
    assert paused.resuming() == a_gate()


def test_an_open_gate_is_not_changed_by_a_success() -> None:
    """Nothing to clear."""
    assert a_gate().cleared_by(NOW) == a_gate()


@pytest.mark.parametrize("reason", PauseReason)
def test_pausing_keeps_the_reason_its_beginning_and_its_end(reason: PauseReason) -> None:
    """Everything but the pause stays."""
    gate = a_gate(in_flight=2, spent=Decimal(10))
    assert gate.pausing(reason, NOW, NOW + MINUTE) == replace(
        gate, pause=Pause(reason=reason, since=NOW, until=NOW + MINUTE)
    )


@pytest.mark.parametrize("standing", [BAD_KEY, BY_HAND])
def test_a_rate_limit_does_not_shorten_a_pause_without_end(standing: Pause) -> None:
    """A 429 that comes later leaves an operator's pause, and a refused key's, as they are."""
    paused = a_gate(pause=standing)
    assert paused.pausing(PauseReason.RATE_LIMITED, NOW + MINUTE, NOW + 2 * MINUTE) == paused


def test_a_person_can_pause_a_gate_that_pauses_for_a_while() -> None:
    """An operator's pause without end takes the place of a shorter one."""
    paused = a_gate(pause=NO_CREDITS)
    assert paused.pausing(PauseReason.OPERATOR, NOW, None) == replace(paused, pause=BY_HAND)


def test_the_count_agrees() -> None:
    """Nothing to correct, and an old suspicion is dropped."""
    gate = a_gate(in_flight=2)
    assert gate.recounted(2, NOW) == gate
    suspicious = replace(gate, suspicion=Suspicion(version=7, counted=1, since=NOW))
    assert suspicious.recounted(2, NOW) == gate


def _written(gate: Gate) -> Gate:
    """As the store hands it back: every write counts the version up."""
    return replace(gate, version=gate.version + 1)


def _suspicious(counted: int) -> Gate:
    """Two tasks in flight, and Sweep has just counted another number."""
    return _written(a_gate(in_flight=2).recounted(counted, NOW))


@pytest.mark.parametrize("counted", [0, 1, 5])
def test_a_difference_is_believed_when_it_is_older_than_an_index_may_be(counted: int) -> None:
    """A second look within the lag may see the same old index: it proves and changes nothing."""
    first = _suspicious(counted)
    seen = Suspicion(version=8, counted=counted, since=NOW)
    assert first == a_gate(in_flight=2, version=8, suspicion=seen)
    assert first.recounted(counted, NOW + INDEX_LAG - timedelta(seconds=1)) == first
    assert first.recounted(counted, NOW + INDEX_LAG) == a_gate(in_flight=counted, version=8)


def test_another_difference_is_a_new_suspicion() -> None:
    """Two looks that disagree with one another correct nothing."""
    first, later = _suspicious(1), NOW + INDEX_LAG
    seen = Suspicion(version=9, counted=0, since=later)
    assert first.recounted(0, later) == replace(first, suspicion=seen)


def test_a_difference_is_not_believed_if_somebody_passed_in_between() -> None:
    """A job that passed the gate between two looks may be the difference."""
    passed, later = _written(_suspicious(3).admitting(NOW, PROBE)), NOW + INDEX_LAG
    seen = Suspicion(version=10, counted=2, since=later)
    assert passed.recounted(2, later) == replace(passed, suspicion=seen)


def test_a_suspicion_of_an_earlier_version_begins_again() -> None:
    """It does not say since when. Nobody else writes a gate whose slots are all taken by nobody."""
    gate = a_gate(in_flight=2, suspicion=Suspicion(version=7, counted=1))
    seen = Suspicion(version=8, counted=1, since=NOW)
    first = gate.recounted(1, NOW)
    assert first == replace(gate, suspicion=seen)
    assert _written(first).recounted(1, NOW + INDEX_LAG).in_flight == 1


@pytest.mark.parametrize(
    ("credits_", "days", "spent"),
    [
        ("5.4", 0, "15.4"),
        ("-5.4", 0, "4.6"),
        ("-11", 0, "0"),
        ("5.4", -1, "10"),
        ("-5.4", -1, "10"),
        ("5.4", 1, "5.4"),
    ],
)
def test_credits_count_on_their_own_day(credits_: str, days: int, spent: str) -> None:
    """A day that is over is closed, a day that begins starts at nothing, none goes below it."""
    gate, day = a_gate(spent=Decimal(10)), (NOW + days * DAY).date()
    counted = gate.counting(Decimal(credits_), day)
    assert counted == replace(gate, day=max(gate.day, day), spent=Decimal(spent))


def test_no_credits_open_no_day() -> None:
    """Nothing is nothing on any day."""
    gate = a_gate(spent=Decimal(10))
    assert gate.counting(Decimal(0), (NOW + DAY).date()) == gate


def test_a_clock_of_yesterday_does_not_bring_yesterday_back() -> None:
    """Clocks differ around midnight: what a slow one admits counts on the day that has begun."""
    gate, yesterday = a_gate(spent=Decimal(10)), NOW - DAY
    assert gate.today(yesterday) == gate.day
    assert gate.spent_on(yesterday.date()) == Decimal(10)
    assert gate.admitting(yesterday, PROBE) == gate.admitting(NOW, PROBE)


@pytest.mark.parametrize(
    ("named", "price"), [("6", "6"), ("0.1", "0.1"), ("0", "5.4"), ("-1", "5.4")]
)
def test_the_price_is_learnt_from_the_provider(named: str, price: str) -> None:
    """Nothing, or less, is no price: it would let everybody in."""
    assert a_gate().priced(Decimal(named)) == a_gate(price=Decimal(price))


def test_a_price_above_the_cap_lets_one_photo_try_on_a_new_day() -> None:
    """Only a call can correct it. The photo counts with that price, so that no other follows."""
    odd = a_gate(price=Decimal(9999), spent=Decimal(9999))
    assert odd.why_closed(LIMITS, NOW) == Reason.DAILY_CAP
    assert odd.why_closed(LIMITS, NOW + DAY) is None
    trying = odd.admitting(NOW + DAY, PROBE)
    assert trying.why_closed(LIMITS, NOW + DAY) == Reason.DAILY_CAP


@pytest.mark.parametrize("cap", ["0", "5.39"])
def test_a_cap_below_the_usual_price_lets_nobody_in(cap: str) -> None:
    """A person wants it so; a price above it is no reason to try."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(cap))
    for price in (Decimal("5.4"), Decimal(9999)):
        gate = a_gate(price=price, limits=limits)
        assert gate.why_closed(LIMITS, NOW) == Reason.DAILY_CAP


def test_a_fresh_gate_is_open() -> None:
    """A stack that was just deployed lets the first photo through."""
    assert Gate().why_closed(LIMITS, NOW) is None
    assert Gate().admitting(NOW, PROBE) == Gate(
        version=0, in_flight=1, day=NOW.date(), spent=Decimal("5.4"), price=Decimal("5.4")
    )


def test_a_short_pause_does_not_shorten_a_long_one() -> None:
    """A call that was under way comes back with 429 while the account is known to be empty."""
    empty = Gate().pausing(PauseReason.OUT_OF_CREDITS, NOW, NOW + 15 * MINUTE)
    assert empty.pausing(PauseReason.RATE_LIMITED, NOW, NOW + MINUTE) == empty
    longer = empty.pausing(PauseReason.RATE_LIMITED, NOW, NOW + 20 * MINUTE)
    assert longer.pause == Pause(
        reason=PauseReason.RATE_LIMITED, since=NOW, until=NOW + 20 * MINUTE
    )


def test_of_two_pauses_that_end_together_the_later_says_why() -> None:
    """It is no shorter than the first."""
    limited = Gate().pausing(PauseReason.RATE_LIMITED, NOW, NOW + MINUTE)
    empty = limited.pausing(PauseReason.OUT_OF_CREDITS, NOW, NOW + MINUTE)
    assert empty == Gate().pausing(PauseReason.OUT_OF_CREDITS, NOW, NOW + MINUTE)


def test_a_pause_for_a_reason_of_a_newer_version_keeps_its_word() -> None:
    """After a roll-back, it pauses the gate as any other."""
    reason = PauseReason("full-moon")
    assert (reason, reason.name, reason.value) == ("full-moon", "full-moon", "full-moon")


@pytest.mark.parametrize(("spent", "has_room"), [("0", True), ("0.1", False)])
def test_a_price_as_high_as_the_cap_is_asked_for_in_full(
    spent: str,
    has_room: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """One photo a day."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(10))
    assert a_gate(price=Decimal(10), spent=Decimal(spent)).has_room(limits, NOW) == has_room


def test_free_slots_are_those_of_the_limits_that_a_person_set() -> None:
    """The deployed ones do not count then."""
    one = Limits(max_in_flight=1, daily_credit_cap=Decimal(10))
    assert a_gate(limits=one).free_slots(LIMITS) == 1


def test_an_index_is_believed_after_five_minutes() -> None:
    """DynamoDB's indexes follow within seconds, and in trouble within a few minutes."""
    first = _suspicious(1)
    assert first.recounted(1, NOW + timedelta(minutes=4, seconds=59)).in_flight == 2
    assert first.recounted(1, NOW + timedelta(minutes=5)).in_flight == 1


def test_a_stack_without_settings_lets_three_photos_in_and_five_thousand_credits_a_day() -> None:
    """What the README promises."""
    assert Limits(max_in_flight=3, daily_credit_cap=Decimal(5000)) == DEFAULT_LIMITS
