"""Requests to the jobs table, and the items that they read, with few jobs and with many.

    python -m tests.benchmarks.flat        # 1,000 and 100,000 rows, some minutes

Seconds would say nothing here: the emulator walks through all items for each query.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.job_item import job_item
from cutout.domain.gate.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.states import Lane, State
from cutout.operator.list_jobs import JobFilter, ListJobs
from cutout.usecases.sweep.sweep import Sweep
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import cloud
from tests.support.builders import a_source
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.queues import MemoryCallbacks, MemorySubmissions, MemoryTelemetry
from tests.support.whole_table import WholeTable

ROWS = (1_000, 100_000)
LIMITS = Limits(max_in_flight=50, daily_credit_cap=Decimal(5000))
_PAGE = 25
_typed = TypeSerializer().serialize
_WAITING = 200
"""Jobs that wait at the gate; all others have ended."""


class Asked:
    """Counts requests of a client, and the items in their answers."""

    def __init__(self, client: Any) -> None:
        self.requests: Counter[str] = Counter()
        self.items = 0
        client.meta.events.register("after-call.dynamodb", self._count)

    def _count(self, *, model: Any, parsed: dict[str, Any], **_more: Any) -> None:
        self.requests[model.name] += 1
        batches = parsed.get("Responses", {}).values()
        self.items += len(parsed.get("Items", ())) + sum(map(len, batches)) + ("Item" in parsed)

    @contextmanager
    def reset(self) -> Iterator[None]:
        """Count from zero."""
        self.requests.clear()
        self.items = 0
        yield


def asked(rows: int) -> dict[str, tuple[int, int]]:
    """Return requests and items read, for each operation on so many jobs."""
    with cloud() as clients:
        client = clients.dynamodb
        create_table(client)
        jobs = WholeTable(Table(client, TABLE))
        clock = FakeClock()
        _fill(client, rows, clock.now())
        counter = Asked(client)
        told = {}
        for name, act in _acts(jobs, clock).items():
            with counter.reset():
                act()
                told[name] = counter.requests.total(), counter.items
        return told


def _acts(jobs: WholeTable, clock: FakeClock) -> dict[str, Callable[[], object]]:
    submissions = MemorySubmissions()
    sweep = Sweep(
        backlog=jobs,
        gates=jobs,
        submissions=submissions,
        callbacks=MemoryCallbacks(),
        telemetry=MemoryTelemetry(),
        clock=clock,
        limits=LIMITS,
        resend_after=timedelta(minutes=2),
    )

    def admit() -> None:
        jobs.read_gate(LIMITS)
        jobs.waiting(1, Lane.LIVE)

    def first_page() -> None:
        list(islice(ListJobs(records=jobs).jobs(JobFilter()), _PAGE))

    return {
        "admit a photo, while others wait": admit,
        "enqueue the next job": lambda: submissions.enqueue(jobs.waiting(1)),
        "sweep, with nothing due": sweep.sweep,
        "cutout where KEY": lambda: jobs.of_source("uploads", "0.png", 1),
        "the first page of cutout ls": first_page,
    }


def _fill(client: Any, rows: int, now: datetime) -> None:
    for start in range(0, rows, _PAGE):
        items = [job_item(_job(number, now)) for number in range(start, start + _PAGE)]
        requests = [
            {"PutRequest": {"Item": {name: _typed(value) for name, value in item.items()}}}
            for item in items
        ]
        client.batch_write_item(RequestItems={TABLE: requests})


def _job(number: int, now: datetime) -> Job:
    began = now - timedelta(days=1) + timedelta(milliseconds=number)
    source = replace(a_source(), bucket="uploads", key=f"{number}.png", version_id=f"v{number}")
    job = replace(
        Job.begin(source, now=began, due_at=began), state=State.COMPLETED, due_at=None, look_at=None
    )
    if number < _WAITING:
        return replace(job, state=State.QUEUED, is_waiting=True)
    return replace(job, is_announced=True, expires_at=datetime(2100, 1, 1, tzinfo=UTC))


def main() -> None:
    """Print a line for each operation."""
    few, many = (asked(rows) for rows in ROWS)
    sys.stdout.write(f"requests and items read, with {ROWS[0]:,} and {ROWS[1]:,} rows\n")
    for name, (requests, items) in few.items():
        more_requests, more_items = many[name]
        sys.stdout.write(f"{name}: {requests} / {items}   {more_requests} / {more_items}\n")


if __name__ == "__main__":
    main()
