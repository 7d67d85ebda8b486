import asyncio
from datetime import timedelta

from infra.local.evolink.standin_clock import Clock


def test_clock_runs_faster_by_the_chosen_factor() -> None:
    """A day passes in milliseconds."""
    clock = Clock(speed=1e7)
    started = clock.now()

    asyncio.run(clock.wait(24 * 3600))

    assert clock.now() - started >= timedelta(days=1)


def test_waits_end_when_the_clock_is_moved_forward() -> None:
    """Only those whose time is over."""

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


def test_a_wait_until_a_past_time_ends_at_once() -> None:
    """Neither is a wait of 0 seconds."""
    clock = Clock()

    asyncio.run(clock.wait_until(clock.now() - timedelta(hours=1)))
    asyncio.run(clock.wait(0))

    assert clock.now().tzinfo is not None
