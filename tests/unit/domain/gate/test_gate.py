"""What the gate lets through, and when it stands still."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from cutout.domain.gate.gate import DEFAULT_LIMITS, Gate, Limits, Pause, PauseReason
from cutout.domain.gate.shards import Place, Shard
from cutout.domain.reasons import Reason
from tests.support.builders import NOW, a_gate, a_shard, holders

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
PROBE = timedelta(seconds=120)
NO_CREDITS = Pause(reason=PauseReason.OUT_OF_CREDITS, since=NOW, until=NOW + 15 * MINUTE)
BAD_KEY = Pause(reason=PauseReason.KEY_REFUSED, since=NOW, until=None)
BY_HAND = Pause(reason=PauseReason.OPERATOR, since=NOW, until=None)
SEAL = Pause(reason=PauseReason.NEWER_VERSION, since=NOW, until=None)


def place(gate: Gate, now: datetime = NOW, pick: float = 0.0) -> Place | Reason:
    """Where the next job gets in, by the deployed limits."""
    return gate.place(now, lambda: pick)


@pytest.mark.parametrize(
    ("held", "reason"),
    [(0, None), (2, None), (3, Reason.GATE_FULL), (4, Reason.GATE_FULL)],
)
def test_never_more_tasks_in_flight_than_the_limit(held: int, reason: Reason | None) -> None:
    """With three slots, the third passes and the fourth waits."""
    assert a_gate(held=held).why_closed(NOW) == reason


@pytest.mark.parametrize(
    ("spent", "reason"),
    [("0", None), ("4994.6", None), ("4994.61", Reason.DAILY_CAP), ("5000", Reason.DAILY_CAP)],
)
def test_never_more_credits_a_day_than_the_cap(spent: str, reason: Reason | None) -> None:
    """The photo whose price just fits passes; a hundredth of a credit more, and it waits."""
    assert a_gate(spent=Decimal(spent)).why_closed(NOW) == reason


def test_a_place_names_what_must_still_hold_when_it_is_taken() -> None:
    """Two slots are held at most, and what is spent leaves room for the price."""
    assert place(a_gate(held=1, spent=10)) == Place(
        shard=0, most_holders=2, most_spent=Decimal("4994.6"), day=NOW.date()
    )


@pytest.mark.parametrize(("pick", "shard"), [(0.0, 1), (0.49, 1), (0.5, 3), (0.999, 3)])
def test_the_shard_is_picked_at_random_among_those_with_room(pick: float, shard: int) -> None:
    """Workers that read the gate at the same time go to different shards."""
    limits = Limits(max_in_flight=32, daily_credit_cap=Decimal(800))
    shards = (a_shard(8), a_shard(7), a_shard(0, spent=Decimal("194.61")), a_shard(2))
    picked = a_gate(shards=shards, limits=limits).place(NOW, lambda: pick)
    assert isinstance(picked, Place)
    assert (picked.shard, picked.most_holders) == (shard, 7)
    assert picked.most_spent == Decimal("194.6")


def test_the_price_is_what_the_provider_last_reserved() -> None:
    """A dearer photo reaches the cap earlier."""
    dear = a_gate(spent=4980, price=Decimal("20.01"))
    assert dear.why_closed(NOW) == Reason.DAILY_CAP
    assert replace(dear, price=Decimal(20)).why_closed(NOW) is None


def test_a_new_day_begins_with_nothing_spent() -> None:
    """At midnight UTC the cap is whole again; what was spent before stays known."""
    full, tomorrow = a_gate(spent=5000, held=1), NOW + DAY
    assert full.why_closed(NOW) == Reason.DAILY_CAP
    assert place(full, tomorrow) == Place(
        shard=0, most_holders=2, most_spent=Decimal("4994.6"), day=tomorrow.date()
    )
    assert (full.spent_on(NOW.date()), full.spent_on(tomorrow.date())) == (
        Decimal(5000),
        Decimal(0),
    )


def test_slots_and_credits_are_counted_over_all_shards() -> None:
    """Shards that an earlier limit used count, too; the oldest holder tells since when."""
    shards = (a_shard(2, spent=3), a_shard(0), Shard(holders=holders(1, NOW - MINUTE)))
    gate = a_gate(shards=shards)
    assert (gate.in_flight, gate.spent_on(NOW.date())) == (3, Decimal(3))
    assert gate.in_flight_since == NOW - MINUTE
    assert gate.why_closed(NOW) == Reason.GATE_FULL
    assert a_gate().in_flight_since is None


def test_a_shard_that_was_not_read_is_empty() -> None:
    """The limits were raised since; the first shard holds eight of nine slots."""
    limits = Limits(max_in_flight=9, daily_credit_cap=Decimal(5000))
    picked = a_gate(held=8, deployed=limits).place(NOW, lambda: 0.0)
    assert picked == Place(shard=1, most_holders=0, most_spent=Decimal("2494.6"), day=NOW.date())


def test_limits_set_by_a_person_replace_the_deployed_ones() -> None:
    """Limits can be changed while running, up and down."""
    one = Limits(max_in_flight=1, daily_credit_cap=Decimal(10))
    assert a_gate(held=1, limits=one).why_closed(NOW) == Reason.GATE_FULL
    assert a_gate(spent=5, limits=one).why_closed(NOW) == Reason.DAILY_CAP
    assert a_gate(held=1).why_closed(NOW) is None


def test_the_gate_remembers_how_many_shards_were_ever_in_use() -> None:
    """Attempts that were admitted under the higher limits still hold slots there."""
    wide = Limits(max_in_flight=50, daily_credit_cap=Decimal(50_000))
    gate = a_gate().limited(wide)
    assert (gate.limits, gate.most_shards) == (wide, 7)
    assert gate.limited(None) == replace(gate, limits=None)
    deployed = a_gate(deployed=wide)
    assert deployed.limited(None) == replace(deployed, most_shards=7)


@pytest.mark.parametrize(("held", "free"), [(0, 3), (2, 1), (3, 0), (5, 0)])
def test_free_slots_are_never_negative(held: int, free: int) -> None:
    """Also when the limit was lowered below what is running."""
    assert a_gate(held=held).free_slots == free


def test_the_pause_is_named_before_a_full_gate() -> None:
    """A paused gate says so, even if it is full as well."""
    assert a_gate(held=3, pause=BAD_KEY).why_closed(NOW) == Reason.GATE_PAUSED


def test_a_full_gate_is_named_before_the_cap() -> None:
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
    assert paused.why_closed(over) is None
    probing = paused.probing(over + PROBE)
    assert probing.pause == replace(NO_CREDITS, until=over + PROBE)
    assert probing.why_closed(over + PROBE / 2) == Reason.GATE_PAUSED
    assert a_gate().probing(over) == a_gate()


def test_another_probe_goes_when_the_first_is_never_answered() -> None:
    """A probe that dies does not close the gate for ever."""
    over = NOW + 15 * MINUTE
    probing = a_gate(pause=NO_CREDITS).probing(over + PROBE)
    assert probing.why_closed(over + PROBE) is None


def test_the_probes_success_opens_the_gate() -> None:
    """A call made after the pause began, and accepted, ends the pause."""
    over = NOW + 15 * MINUTE
    probing = a_gate(pause=NO_CREDITS).probing(over + PROBE)
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


@pytest.mark.parametrize("reason", sorted(set(PauseReason) - {PauseReason.NEWER_VERSION}))
def test_pausing_keeps_the_reason_its_beginning_and_its_end(reason: PauseReason) -> None:
    """Everything but the pause stays."""
    gate = a_gate(held=2, spent=10, seal=SEAL)
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
    paused = a_gate(pause=NO_CREDITS, seal=SEAL)
    assert paused.pausing(PauseReason.OPERATOR, NOW, None) == replace(paused, pause=BY_HAND)


@pytest.mark.parametrize(
    ("named", "price"), [("6", "6"), ("0.1", "0.1"), ("0", "5.4"), ("-1", "5.4")]
)
def test_the_price_is_learnt_from_the_provider(named: str, price: str) -> None:
    """Nothing, or less, is no price: it would let everybody in."""
    assert a_gate().priced(Decimal(named)) == a_gate(price=Decimal(price))


def test_a_price_above_the_cap_lets_one_photo_try_on_a_new_day() -> None:
    """Only a call can correct it. It is charged with that price, so that no other follows."""
    odd = a_gate(price=Decimal(9999), spent=9999)
    assert odd.why_closed(NOW) == Reason.PRICE_ABOVE_CAP
    assert place(odd, NOW + DAY) == Place(
        shard=0, most_holders=2, most_spent=Decimal("4994.6"), day=(NOW + DAY).date()
    )


def test_a_price_above_the_cap_is_tried_in_the_first_shard_alone() -> None:
    """One photo a day, not one for each shard."""
    limits = Limits(max_in_flight=32, daily_credit_cap=Decimal(800))
    free = a_gate(price=Decimal(201), limits=limits, shards=(Shard(),) * 4)
    picked = free.place(NOW, lambda: 0.99)
    assert isinstance(picked, Place)
    assert picked.shard == 0
    tried = replace(free, shards=(a_shard(1, spent=201), Shard(), Shard(), Shard()))
    assert tried.why_closed(NOW) == Reason.PRICE_ABOVE_CAP
    assert replace(tried, price=Decimal(199)).why_closed(NOW) is None


@pytest.mark.parametrize(
    ("spent", "reason"), [(599, None), (600, Reason.PRICE_ABOVE_CAP), (780, Reason.PRICE_ABOVE_CAP)]
)
def test_a_price_above_a_shards_share_is_tried_within_the_cap_alone(
    spent: int, reason: Reason | None
) -> None:
    """The first shard has room for the usual price, but the whole cap has none for this one."""
    limits = Limits(max_in_flight=32, daily_credit_cap=Decimal(800))
    shards = tuple(a_shard(spent=part) for part in (100, 190, 190, spent - 480))
    gate = a_gate(price=Decimal(201), limits=limits, shards=shards)
    assert gate.why_closed(NOW) == reason


@pytest.mark.parametrize("cap", ["0", "5.39"])
@pytest.mark.parametrize("price", ["5.4", "9999"])
def test_a_cap_below_the_usual_price_lets_nobody_in(cap: str, price: str) -> None:
    """A person wants it so; a price above it is no reason to try."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(cap))
    gate = a_gate(price=Decimal(price), limits=limits)
    assert gate.why_closed(NOW) == Reason.PRICE_ABOVE_CAP


def test_a_fresh_gate_is_open() -> None:
    """A stack that was just deployed lets the first photo through."""
    fresh = Gate()
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


@pytest.mark.parametrize(("spent", "reason"), [("0", None), ("0.1", Reason.DAILY_CAP)])
def test_a_price_as_high_as_the_cap_is_asked_for_in_full(spent: str, reason: Reason | None) -> None:
    """One photo a day."""
    limits = Limits(max_in_flight=3, daily_credit_cap=Decimal(10))
    gate = a_gate(price=Decimal(10), spent=Decimal(spent), limits=limits)
    assert gate.why_closed(NOW) == reason


def test_free_slots_are_those_of_the_limits_that_a_person_set() -> None:
    """The deployed ones do not count then."""
    one = Limits(max_in_flight=1, daily_credit_cap=Decimal(10))
    assert a_gate(limits=one).free_slots == 1


def test_a_stack_without_settings_lets_three_photos_in_and_five_thousand_credits_a_day() -> None:
    """What the README promises."""
    assert Limits(max_in_flight=3, daily_credit_cap=Decimal(5000)) == DEFAULT_LIMITS


def test_holders_that_are_older_than_any_task_are_stale() -> None:
    """Somebody deleted their job from the table; all others stay."""
    old, young = holders(1, NOW - 3 * DAY - MINUTE), holders(1, NOW - 3 * DAY)
    gate = a_gate(shards=(Shard(holders=young), Shard(holders=old | young)))
    assert list(gate.stale_holders(NOW)) == [(1, *old)]


def test_credits_of_days_that_no_task_changes_any_more_are_past() -> None:
    """Tasks run for three days at most."""
    days = [NOW.date() - number * DAY for number in range(6)]
    spent = dict.fromkeys(days, Decimal(7))
    gate = a_gate(shards=(Shard(spent={days[0]: Decimal(7)}), Shard(spent=spent)))
    assert list(gate.past_days(NOW)) == [(1, days[4]), (1, days[5])]
