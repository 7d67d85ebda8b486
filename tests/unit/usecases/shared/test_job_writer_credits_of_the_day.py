"""The daily credit cap holds in spite of clock differences, odd prices and lost responses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from cutout.domain.gate.gate import Limits
from cutout.domain.provider_outcomes import Accepted, CreateOutcome
from cutout.domain.reasons import Reason
from cutout.domain.states import State, Transport
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.evolink import LOST, PRICE, FakeEvolink, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook

MINUTE = timedelta(minutes=1)
TWO_A_DAY = Limits(max_in_flight=100, daily_credit_cap=2 * PRICE)
ODD = Decimal(9999)


class TwoClocks(FakeClock):
    """Workers whose clocks differ: `behind` is how far the current worker's clock is behind."""

    behind = timedelta(0)

    def now(self) -> datetime:
        """The time by the clock of the current worker."""
        return super().now() - self.behind


def spent(world: World) -> dict[date, Decimal]:
    """What the only shard was charged, by day."""
    return dict(world.jobs.shards[0].spent)


def an_odd_price(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
    """The call is accepted, and the response names a price above any cap."""
    accepted = evolink.take(body, key)
    assert isinstance(accepted, Accepted)
    return replace(accepted, credits_reserved=ODD)


def test_workers_with_different_clocks_around_midnight_respect_each_days_cap() -> None:
    """Admissions alternate between yesterday and today by the workers' clocks."""
    clock = TwoClocks(datetime(2026, 3, 2, 0, 0, 30, tzinfo=UTC))
    world = World(clock=clock, limits=TWO_A_DAY)
    for number in range(10):
        clock.behind = MINUTE if number % 2 else timedelta(0)
        world.arrives(f"{number}.jpg", png(salt=number))
    assert spent(world) == {date(2026, 3, 1): 2 * PRICE, date(2026, 3, 2): 2 * PRICE}
    assert len(world.evolink.charges) == 4


def test_a_photo_transferred_across_midnight_is_charged_to_the_new_day() -> None:
    """The gate had room yesterday; the new day's credits are spent before the admission."""
    hook = Hook()
    clock = FakeClock(datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC))
    world = World(step=hook, clock=clock, limits=TWO_A_DAY, transport=Transport.FILES)

    def others_come_first() -> None:
        clock.advance(timedelta(seconds=1))
        for number in range(2):
            world.arrives(f"{number}.jpg", png(salt=number))

    hook.once_at("files.upload", others_come_first)
    late = world.arrives("late.jpg", png(salt=9))
    assert (late.state, late.reason) == (State.QUEUED, Reason.DAILY_CAP)
    assert spent(world) == {date(2026, 3, 2): 2 * PRICE}


def test_a_refund_goes_to_the_day_that_was_charged() -> None:
    """The call started yesterday by the clock of its worker, and the refund comes today."""
    clock = TwoClocks(datetime(2026, 3, 2, 0, 0, 30, tzinfo=UTC))
    world = World(clock=clock)
    world.arrives("a.jpg")
    clock.behind = MINUTE
    slow = world.arrives("b.jpg", png(salt=1))
    assert spent(world) == {date(2026, 3, 1): PRICE, date(2026, 3, 2): PRICE}
    clock.behind = timedelta(0)
    world.evolink.fail(world.task_of(slow), "content_policy_violation")
    world.check_task(slow)
    assert spent(world) == {date(2026, 3, 1): 0, date(2026, 3, 2): PRICE}


def test_a_completed_task_that_cost_nothing_is_refunded_once() -> None:
    """However often the task is read again because its result cannot be downloaded."""
    world = World()
    job = world.arrives("a.jpg")
    world.arrives("b.jpg", png(salt=1))
    task = world.task_of(job)
    world.evolink.complete(task)
    world.evolink.tasks[task] = replace(world.evolink.tasks[task], credits_used=Decimal(0))
    world.downloads.rule = lambda: LOST
    for _ in range(5):
        world.check_task(job)
        world.clock.advance(10 * MINUTE)
    assert world.job(job).state is State.STORING
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


def test_one_odd_price_does_not_close_the_gate_for_good() -> None:
    """The task above the cap never ends; the next day, one job is admitted to learn the price."""
    world = World()
    world.evolink.create_faults.append(an_odd_price)
    world.arrives("a.jpg")
    held = world.arrives("b.jpg", png(salt=1))
    assert (held.state, held.reason) == (State.QUEUED, Reason.PRICE_ABOVE_CAP)
    world.passes(timedelta(hours=13))
    assert world.job(held).state is State.PROCESSING
    assert world.jobs.read_gate().price == PRICE


def test_only_one_job_is_admitted_to_check_an_odd_price() -> None:
    """While the provider keeps naming that price, each day costs one such photo."""
    world = World()
    world.evolink.create_rule = an_odd_price
    for number in range(5):
        world.arrives(f"{number}.jpg", png(salt=number))
    assert len(world.evolink.charges) == 1
    world.passes(timedelta(hours=13))
    assert len(world.evolink.charges) == 2


def test_a_repeated_call_without_a_response_is_counted_twice() -> None:
    """Both calls may have been charged, so both count towards the cap."""
    world = World(limits=replace(TWO_A_DAY, max_in_flight=3))
    world.evolink.honours_keys = False
    world.evolink.create_faults += [taken_but_unanswered, taken_but_unanswered]
    world.arrives("a.jpg")
    world.passes(TIMING.unconfirmed_grace + 3 * MINUTE)
    assert len(world.evolink.charges) == 2
    assert world.jobs.read_gate().spent_on(START.date()) == 2 * PRICE
    next_one = world.arrives("b.jpg", png(salt=2))
    assert (next_one.state, next_one.reason) == (State.QUEUED, Reason.DAILY_CAP)


def test_a_replayed_repeat_is_counted_once() -> None:
    """The provider recognised the key, so the amount counted for the repeat is returned."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives("a.jpg")
    world.passes(TIMING.unconfirmed_grace + MINUTE)
    assert world.job(job).state is State.PROCESSING
    assert world.jobs.read_gate().spent_on(START.date()) == PRICE


def test_a_repeat_after_midnight_is_counted_on_its_own_day() -> None:
    """The repeat may be charged on the new day."""
    world = World(clock=FakeClock(datetime(2026, 3, 1, 23, 50, tzinfo=UTC)))
    world.evolink.honours_keys = False
    world.evolink.create_faults += [taken_but_unanswered, taken_but_unanswered]
    world.arrives("a.jpg")
    world.passes(TIMING.unconfirmed_grace + MINUTE)
    assert spent(world) == {date(2026, 3, 1): PRICE, date(2026, 3, 2): PRICE}
