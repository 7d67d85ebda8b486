"""How often jobs that are admitted at the same time collide, and how many of them give up.

    python -m tests.benchmarks.gate_collisions

The real adapter writes to a client that takes its time, and that cancels a transaction if another
one that overlaps it writes one of its items, as DynamoDB does. Time is simulated: each photo takes
a slot in one transaction, and frees it in another.
"""

from __future__ import annotations

import heapq
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.errors import StoreBusyError
from cutout.domain.gate.gate import Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.states import Move
from cutout.usecases.shared.job_writer import gate_changes
from tests.support.builders import PRICE

LIMITS = Limits(max_in_flight=840, daily_credit_cap=Decimal(10**6))
"""100,000 photos an hour whose tasks take half a minute."""
_TRANSACTION_SECONDS = 0.025
"""Slower than DynamoDB's transactions of three small items usually are."""
_BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
_TASK_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Collisions:
    """The result of a run.

    Attributes:
        writes: transactions that the photos needed.
        canceled: how often one was canceled and tried again.
        given_up: how many were canceled each time.
    """

    writes: int
    canceled: int
    given_up: int

    @property
    def percent_given_up(self) -> float:
        """Of the writes."""
        return 100 * self.given_up / self.writes


@dataclass
class _Time:
    """Simulated time. One worker runs at a time, until it sleeps or ends."""

    now: float = 0.0
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _is_idle: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def begin(self, at: float, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                self._is_idle.release()

        heapq.heappush(self._due, (at, next(self._order), threading.Thread(target=run).start))

    def sleep(self, seconds: float) -> None:
        resumed = threading.Event()
        heapq.heappush(self._due, (self.now + seconds, next(self._order), resumed.set))
        self._is_idle.release()
        resumed.wait()

    def run(self) -> None:
        while self._due:
            self.now, _order, resume = heapq.heappop(self._due)
            resume()
            self._is_idle.acquire()


@dataclass
class _Client:
    """The part of DynamoDB that takes transactions: those that overlap in an item are canceled."""

    time: _Time
    being_written: set[str] = field(default_factory=set)
    canceled: int = 0

    def transact_write_items(self, *, TransactItems: Any, **_more: Any) -> None:  # noqa: N803
        writes = [write for one in TransactItems for write in one.values()]
        with self._alone({(w.get("Key") or w["Item"])["pk"]["S"] for w in writes}):
            self.time.sleep(_TRANSACTION_SECONDS)

    @contextmanager
    def _alone(self, pks: set[str]) -> Iterator[None]:
        if pks & self.being_written:
            self.canceled += 1
            self.time.sleep(_TRANSACTION_SECONDS / 2)
            canceled: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": "TransactionConflict"}],
            }
            raise ClientError(canceled, "TransactWriteItems")
        self.being_written |= pks
        try:
            yield
        finally:
            self.being_written -= pks


def collisions(
    photos_a_second: float, *, seconds: float = 60, limits: Limits = LIMITS, seed: int = 0
) -> Collisions:
    """Admit so many photos a second, at random times."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    time = _Time()
    client: Any = _Client(time)
    table = Table(client, "Jobs", sleep=time.sleep, randomness=rng.random)
    jobs = DynamoJobs(table, PRICE)
    given_up = [0]

    def pass_gate(number: int) -> None:
        shard = rng.randrange(limits.shards)
        before = Job.begin(_source(number), now=_BEGAN, due_at=_BEGAN)
        attempt = Attempt(
            number=1,
            idempotency_key="key",
            started_at=_BEGAN + timedelta(seconds=time.now),
            credits_reserved=Decimal("5.4"),
            shard=shard,
        )
        inside = before.with_attempt(attempt).move(Move.ADMIT, now=_BEGAN)
        slot = FreeSlot(shard=shard, most_holders=14, most_spent=Decimal(10**6), day=_BEGAN.date())
        outside = inside.move(Move.FETCH, now=_BEGAN)
        for old, new, its_place in ((before, inside, slot), (inside, outside, None)):
            try:
                jobs.save(new, gate=gate_changes(old, new), slot=its_place)
            except StoreBusyError:
                given_up[0] += 1
            time.sleep(_TASK_SECONDS)

    at = 0.0
    photos = 0
    while at < seconds:
        time.begin(at, lambda number=photos: pass_gate(number))  # type: ignore[misc]
        photos += 1
        at += rng.expovariate(photos_a_second)
    time.run()
    return Collisions(writes=2 * photos, canceled=client.canceled, given_up=given_up[0])


def _source(number: int) -> Source:
    return Source(
        bucket="uploads", key=f"{number}.png", version_id="v", etag="e", sequencer="0A", size=1
    )


def main() -> None:
    """Print the results at several rates."""
    for rate in (28, 56, 112):
        done = collisions(rate)
        sys.stdout.write(
            f"{rate} photos a second: {done.writes} writes, {done.canceled} canceled and tried "
            f"again ({100 * done.canceled / done.writes:.1f} %), {done.given_up} given up "
            f"({done.percent_given_up:.2f} %)\n"
        )


if __name__ == "__main__":
    main()
