"""The stand-in's time, which can run faster and be moved forward."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Time that runs ``speed`` times as fast as the real one.

    Every wait of the stand-in uses it, so that a test need not wait for hours. Time-outs of sockets
    stay real, because the other side's clock does.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._origin = datetime.now(UTC)
        self._started = time.monotonic()
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Return the present, an aware UTC time."""
        elapsed = (time.monotonic() - self._started) * self._speed
        return self._origin + timedelta(seconds=elapsed)

    def advance(self, seconds: float) -> None:
        """Move time forward and wake those whose wait is over."""
        self._origin += timedelta(seconds=seconds)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def wait(self, seconds: float) -> None:
        """Wait for that many stand-in seconds."""
        await self.wait_until(self.now() + timedelta(seconds=seconds))

    async def wait_until(self, moment: datetime) -> None:
        """Wait until that time."""
        while (left := (moment - self.now()).total_seconds()) > 0:
            try:
                # Ends early when time is moved; the loop then looks how much is left.
                async with asyncio.timeout(left / self._speed):
                    await self._moved.wait()
            except TimeoutError:
                continue
