"""Which jobs the gate admits, and when it is closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate.gate import DEFAULT_LIMITS, Gate, Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot, Pause, PauseReason, Shard
from cutout.domain.reasons import Reason
from tests.support.builders import NOW, a_gate, a_shard, holders, new_gate

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
PROBE = timedelta(seconds=120)
NO_CREDITS = Pause(reason=PauseReason.OUT_OF_CREDITS, since=NOW, until=NOW + 15 * MINUTE)
BAD_KEY = Pause(reason=PauseReason.KEY_REFUSED, since=NOW, until=None)
BY_HAND = Pause(reason=PauseReason.OPERATOR, since=NOW, until=None)
SEAL = Pause(reason=PauseReason.NEWER_VERSION, since=NOW, until=None)


def slot(gate: Gate, now: datetime = NOW, pick: float = 0.0) -> FreeSlot | Reason:
    """The place for the next job under the deployed limits."""
    return gate.slot(now, lambda: pick)


@pytest.mark.parametrize(
    ("held", "reason"),
    [(0, None), (2, None), (3, Reason.GATE_FULL), (4, Reason.GATE_FULL)],
)
def test_no_more_tasks_are_in_flight_than_the_limit(held: int, reason: Reason | None) -> None:
    """With three slots, the third job is admitted and the fourth waits."""
    assert a_gate(held=held).why_closed(NOW) == reason


@pytest.mark.parametrize(
    ("spent", "reason"),
    [("0", None), ("4994.6", None), ("4994.61", Reason.DAILY_CAP), ("5000", Reason.DAILY_CAP)],
)
def test_no_more_credits_are_spent_a_day_than_the_cap(spent: str, reason: Reason | None) -> None:
    """A job whose price just fits is admitted; with a hundredth of a credit more, it waits."""
    assert a_gate(spent=Decimal(spent)).why_closed(NOW) == reason


def test_a_place_names_the_conditions_for_taking_it() -> None:
    """At most two slots are held, and the spent credits leave room for the price."""
    assert slot(a_gate(held=1, spent=10)) == FreeSlot(
        shard=0, most_holders=2, most_spent=Decimal("4994.6"), day=NOW.date()
    )


@pytest.mark.parametrize(("pick", "shard"), [(0.0, 1), (0.49, 1), (0.5, 3), (0.999, 3)])
def test_the_shard_is_picked_at_random_among_those_with_room(pick: float, shard: int) -> None:
    """Workers that read the gate at the same time use different shards."""
    limits = Limits(max_in_flight=32, daily_credit_cap=Decimal(800))
    shards = (a_shard(8), a_shard(7), a_shard(0, spent=Decimal("194.61")), a_shard(2))
    picked = a_gate(shards=shards, limits=limits).slot(NOW, lambda: pick)
    assert isinstance(picked, FreeSlot)
    assert (picked.shard, picked.most_holders) == (shard, 7)
    assert picked.most_spent == Decimal("194.6")


def test_the_price_is_what_the_provider_last_reserved() -> None:
    """With a higher price, the cap is reached earlier."""
    dear = a_gate(spent=4980, price=Decimal("20.01"))
    assert dear.why_closed(NOW) == Reason.DAILY_CAP
    assert replace(dear, price=Decimal(20)).why_closed(NOW) is None


def test_a_new_day_starts_with_nothing_spent() -> None:
    """At midnight UTC the whole cap is available; the day before keeps its sum."""
    full, tomorrow = a_gate(spent=5000, held=1), NOW + DAY
    assert full.why_closed(NOW) == Reason.DAILY_CAP
    assert slot(full, tomorrow) == FreeSlot(
        shard=0, most_holders=2, most_spent=Decimal("4994.6"), day=tomorrow.date()
    )
    assert (full.spent_on(NOW.date()), full.spent_on(tomorrow.date())) == (
        Decimal(5000),
        Decimal(0),
    )


def test_slots_and_credits_are_counted_over_all_shards() -> None:
    """Shards of an earlier limit count, too; the oldest holder gives the start time."""
    shards = (a_shard(2, spent=3), a_shard(0), Shard(holders=holders(1, NOW - MINUTE)))
    gate = a_gate(shards=shards)
    assert (gate.in_flight, gate.spent_on(NOW.date())) == (3, Decimal(3))
    assert gate.in_flight_since == NOW - MINUTE
    assert gate.why_closed(NOW) == Reason.GATE_FULL
    assert a_gate().in_flight_since is None


def test_a_shard_that_was_not_read_counts_as_empty() -> None:
    """The limits were raised; the first shard holds eight of nine slots."""
    limits = Limits(max_in_flight=9, daily_credit_cap=Decimal(5000))
    picked = a_gate(held=8, deployed=limits).slot(NOW, lambda: 0.0)
    assert picked == FreeSlot(shard=1, most_holders=0, most_spent=Decimal("2494.6"), day=NOW.date())


def test_an_operators_limits_replace_the_deployed_ones() -> None:
    """They can be raised and lowered at run time."""
    one = Limits(max_in_flight=1, daily_credit_cap=Decimal(10))
    assert a_gate(held=1, limits=one).why_closed(NOW) == Reason.GATE_FULL
    assert a_gate(spent=5, limits=one).why_closed(NOW) == Reason.DAILY_CAP
    assert a_gate(held=1).why_closed(NOW) is None


def test_the_gate_records_the_highest_number_of_shards_in_use() -> None:
    """Attempts admitted under higher limits still hold slots there."""
    wide = Limits(max_in_flight=50, daily_credit_cap=Decimal(50_000))
    gate = a_gate().limited(wide)
    assert (gate.limits, gate.most_shards) == (wide, 7)
    assert gate.limited(None) == replace(gate, limits=None)
    deployed = a_gate(deployed=wide)
    assert deployed.limited(None) == replace(deployed, most_shards=7)


@pytest.mark.parametrize(("held", "free"), [(0, 3), (2, 1), (3, 0), (5, 0)])
def test_free_slots_are_never_negative(held: int, free: int) -> None:
    """Even when the limit was lowered below the number of running tasks."""
    assert a_gate(held=held).free_slots == free


def test_a_pause_takes_precedence_over_a_full_gate() -> None:
    """As the reason why a job waits."""
    assert a_gate(held=3, pause=BAD_KEY).why_closed(NOW) == Reason.GATE_PAUSED


def test_a_full_gate_takes_precedence_over_the_cap() -> None:
    """A slot becomes free sooner than a day ends."""
    assert a_gate(held=3, spent=5000).why_closed(NOW) == Reason.GATE_FULL


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
def test_a_pause_lasts_until_its_end_or_until_an_operator_resumes(
    pause: Pause | None,
    at: datetime,
    is_paused: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A pause with an end is over at that moment; one without never ends by itself."""
    assert a_gate(pause=pause).is_paused(at) == is_paused


def test_one_job_probes_when_a_pause_ends() -> None:
    """It is admitted, and the others wait for the response to its call."""
    over = NOW + 15 * MINUTE
    paused = a_gate(pause=NO_CREDITS)
    assert paused.why_closed(over) is None
    probing = paused.probing(over + PROBE)
    assert probing.pause == replace(NO_CREDITS, until=over + PROBE)
    assert probing.why_closed(over + PROBE / 2) == Reason.GATE_PAUSED
    assert a_gate().probing(over) == a_gate()


def test_another_probe_is_made_if_the_first_gets_no_response() -> None:
    """A probe whose worker crashes does not close the gate for good."""
    over = NOW + 15 * MINUTE
    probing = a_gate(pause=NO_CREDITS).probing(over + PROBE)
    assert probing.why_closed(over + PROBE) is None


def test_a_successful_probe_opens_the_gate() -> None:
    """An accepted call that was made after the pause began ends the pause."""
    over = NOW + 15 * MINUTE
    probing = a_gate(pause=NO_CREDITS).probing(over + PROBE)
    assert probing.cleared_by(over) == replace(probing, pause=None)


@pytest.mark.parametrize("started_at", [NOW - MINUTE, NOW])
def test_calls_made_before_the_pause_do_not_end_it(started_at: datetime) -> None:
    """Their acceptance is older than the refusal."""
    paused = a_gate(pause=NO_CREDITS)
    assert paused.cleared_by(started_at) == paused


@pytest.mark.parametrize("pause", [BAD_KEY, BY_HAND])
def test_no_success_ends_a_pause_that_only_an_operator_ends(pause: Pause) -> None:
    """A refused key and an operator's pause."""
    paused = a_gate(pause=pause)
    assert paused.cleared_by(NOW + DAY) == paused
    assert paused.resuming() == a_gate()


def test_a_success_does_not_change_an_open_gate() -> None:
    """There is no pause to end."""
    assert a_gate().cleared_by(NOW) == a_gate()


@pytest.mark.parametrize("reason", sorted(set(PauseReason) - {PauseReason.NEWER_VERSION}))
def test_a_pause_records_its_reason_start_and_end(reason: PauseReason) -> None:
    """Everything but the pause stays."""
    gate = a_gate(held=2, spent=10, seal=SEAL)
    assert gate.pausing(reason, NOW, NOW + MINUTE) == replace(
        gate, pause=Pause(reason=reason, since=NOW, until=NOW + MINUTE)
    )


@pytest.mark.parametrize("standing", [BAD_KEY, BY_HAND])
def test_a_rate_limit_does_not_shorten_a_pause_without_end(standing: Pause) -> None:
    """A later 429 leaves an operator's pause, and that of a refused key, as they are."""
    paused = a_gate(pause=standing)
    assert paused.pausing(PauseReason.RATE_LIMITED, NOW + MINUTE, NOW + 2 * MINUTE) == paused


def test_an_operator_can_pause_a_gate_that_is_paused_for_a_while() -> None:
    """The pause without an end replaces the shorter one."""
    paused = a_gate(pause=NO_CREDITS, seal=SEAL)
    assert paused.pausing(PauseReason.OPERATOR, NOW, None) == replace(paused, pause=BY_HAND)


@pytest.mark.parametrize(
    ("named", "price"), [("6", "6"), ("0.1", "0.1"), ("0", "5.4"), ("-1", "5.4")]
)
def test_the_price_is_learnt_from_the_provider(named: str, price: str) -> None:
    """A price of zero or less is ignored: it would admit any number of jobs."""
    assert a_gate().priced(Decimal(named)) == a_gate(price=Decimal(price))


def test_a_price_above_the_cap_admits_one_job_on_a_new_day() -> None:
    """Only a call can correct the price. The job is charged with it, so that no other follows."""
    odd = a_gate(price=Decimal(9999), spent=9999)
    assert odd.why_closed(NOW) == Reason.PRICE_ABOVE_CAP
    assert slot(odd, NOW + DAY) == FreeSlot(
        shard=0, most_holders=2, most_spent=Decimal("4994.6"), day=(NOW + DAY).date()
    )


def test_a_price_above_the_cap_is_tried_in_the_first_shard_only() -> None:
    """One job a day, not one for each shard."""
    limits = Limits(max_in_flight=32, daily_credit_cap=Decimal(800))
    free = a_gate(price=Decimal(201), limits=limits, shards=(Shard(),) * 4)
    picked = free.slot(NOW, lambda: 0.99)
    assert isinstance(picked, FreeSlot)
    assert picked.shard == 0
    tried = replace(free, shards=(a_shard(1, spent=201), Shard(), Shard(), Shard()))
    assert tried.why_closed(NOW) == Reason.PRICE_ABOVE_CAP
    assert replace(tried, price=Decimal(199)).why_closed(NOW) is None


@pytest.mark.parametrize(
    ("spent", "reason"), [(599, None), (600, Reason.PRICE_ABOVE_CAP), (780, Reason.PRICE_ABOVE_CAP)]
)
def test_a_price_above_a_shards_share_is_tried_only_within_the_cap(
    spent: int, reason: Reason | None
) -> None:
    """The first shard has room for the usual price, but the whole cap has none for this one."""
    limits = Limits(max_in_flight=32, daily_credit_cap=Decimal(800))
    shards = tuple(a_shard(spent=part) for part in (100, 190, 190, spent - 480))
    gate = a_gate(price=Decimal(201), limits=limits, shards=shards)
    assert gate.why_closed(NOW) == reason


@pytest.mark.parametrize("cap", ["0", "5.39"])
@pytest.mark.parametrize("price", ["5.4", "9999"])
def test_a_cap_below_the_usual_price_admits_no_job(cap: str, price: str) -> None:
    """The operator set it so; a price above it is no reason to try."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(cap))
    gate = a_gate(price=Decimal(price), limits=limits)
    assert gate.why_closed(NOW) == Reason.PRICE_ABOVE_CAP


def test_a_new_gate_is_open() -> None:
    """A newly deployed stack admits the first job."""
    fresh = new_gate()
    assert fresh.why_closed(NOW) is None
    assert (fresh.version, fresh.most_shards, fresh.in_flight, fresh.shards) == (
        0,
        1,
        0,
        (Shard(),),
    )
    assert fresh.carried_in_flight == 0
    assert (fresh.price, fresh.carried_spent) == (Decimal("5.4"), Decimal(0))


def test_a_short_pause_does_not_shorten_a_long_one() -> None:
    """A 429 comes in while the account is known to be empty."""
    empty = new_gate().pausing(PauseReason.OUT_OF_CREDITS, NOW, NOW + 15 * MINUTE)
    assert empty.pausing(PauseReason.RATE_LIMITED, NOW, NOW + MINUTE) == empty
    longer = empty.pausing(PauseReason.RATE_LIMITED, NOW, NOW + 20 * MINUTE)
    assert longer.pause == Pause(
        reason=PauseReason.RATE_LIMITED, since=NOW, until=NOW + 20 * MINUTE
    )


def test_of_two_pauses_with_the_same_end_the_later_one_counts() -> None:
    """It is no shorter than the first."""
    limited = new_gate().pausing(PauseReason.RATE_LIMITED, NOW, NOW + MINUTE)
    empty = limited.pausing(PauseReason.OUT_OF_CREDITS, NOW, NOW + MINUTE)
    assert empty == new_gate().pausing(PauseReason.OUT_OF_CREDITS, NOW, NOW + MINUTE)


def test_a_pause_reason_of_a_newer_version_is_kept() -> None:
    """After a rollback, such a pause closes the gate as any other."""
    reason = PauseReason("full-moon")
    assert (reason, reason.name, reason.value) == ("full-moon", "full-moon", "full-moon")


@pytest.mark.parametrize(("spent", "reason"), [("0", None), ("0.1", Reason.DAILY_CAP)])
def test_a_price_equal_to_the_cap_admits_one_job_a_day(spent: str, reason: Reason | None) -> None:
    """The whole cap is needed."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(10))
    gate = a_gate(price=Decimal(10), spent=Decimal(spent), limits=limits)
    assert gate.why_closed(NOW) == reason


def test_free_slots_follow_from_an_operators_limits() -> None:
    """The deployed limits do not count then."""
    one = Limits(max_in_flight=1, daily_credit_cap=Decimal(10))
    assert a_gate(limits=one).free_slots == 1


def test_the_default_limits_are_three_slots_and_five_thousand_credits_a_day() -> None:
    """As the README says."""
    assert Limits(max_in_flight=3, daily_credit_cap=Decimal(5000)) == DEFAULT_LIMITS
