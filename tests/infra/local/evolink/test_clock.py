import asyncio
from datetime import timedelta

from infra.local.evolink.standin_clock import Clock


def test_time_runs_as_much_faster_as_was_chosen() -> None:
    """A day is over in no time."""
    clock = Clock(speed=1e7)
    started = clock.now()

    asyncio.run(clock.wait(24 * 3600))

    assert clock.now() - started >= timedelta(days=1)


def test_who_waits_is_woken_when_time_is_moved_forward() -> None:
    """Only those whose time has come."""

    async def wait_while_time_moves() -> list[str]:
        clock, woken = Clock(), []

        async def sleep(name: str, seconds: float) -> None:
            await clock.wait(seconds)
            woken.append(name)

        sleeps = [
            asyncio.create_task(sleep("hour", 3600)),
            asyncio.create_task(sleep("day", 86400)),
        ]
        await asyncio.sleep(0)
        clock.advance(7200)
        await sleeps[0]
        early = list(woken)
        clock.advance(86400)
        await sleeps[1]
        return [*early, "|", *woken]

    assert asyncio.run(wait_while_time_moves()) == ["hour", "|", "hour", "day"]


def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    """Nor is no time at all."""
    clock = Clock()

    asyncio.run(clock.wait_until(clock.now() - timedelta(hours=1)))
    asyncio.run(clock.wait(0))

    assert clock.now().tzinfo is not None
