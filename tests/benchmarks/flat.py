"""Requests to the jobs table, and what they read, with few jobs and with many.

    python -m tests.benchmarks.flat [--write]      # 1,000 and 100,000 rows, some minutes

Seconds would say nothing here: the emulator walks through all items for each query. `--write`
records the figures in `flat.json`. What a photo writes is counted elsewhere, for each request:
`tests.benchmarks.counting`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

from boto3.dynamodb.types import TypeSerializer

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.job_item import job_item
from cutout.domain.gate.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.states import Lane, State
from cutout.operator.list_jobs import JobFilter, ListJobs
from cutout.usecases.sweep.sweep import Sweep
from tests.benchmarks.units import read_units
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import cloud
from tests.support.builders import a_source
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.queues import MemoryCallbacks, MemorySubmissions, MemoryTelemetry
from tests.support.whole_table import WholeTable

RECORDED: Final = Path(__file__).with_name("flat.json")
ROWS = (1_000, 100_000)
LIMITS = Limits(max_in_flight=50, daily_credit_cap=Decimal(5000))
_PAGE = 25
_typed = TypeSerializer().serialize
_WAITING = 200
"""Jobs that wait at the gate; all others have ended."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What an operation reads of the table: units as `tests.benchmarks.units` calculates them."""

    requests: int
    items: int
    units: float


Figures = dict[str, Read]
"""By operation."""


class Asked:
    """Counts requests of a client, and what their answers read."""

    def __init__(self, client: Any) -> None:
        self._reads: list[tuple[int, Decimal]] = []
        client.meta.events.register("before-parameter-build.dynamodb", self._ask)
        client.meta.events.register("after-call.dynamodb", self._count)

    def _ask(self, *, params: dict[str, Any], context: dict[str, Any], **_more: Any) -> None:
        batches = params.get("RequestItems", {}).values()
        keys = sum(len(one["Keys"]) for one in batches if "Keys" in one) + ("Key" in params)
        context["keys"] = None if "KeyConditionExpression" in params else keys

    def _count(self, *, parsed: dict[str, Any], context: dict[str, Any], **_more: Any) -> None:
        batches = parsed.get("Responses", {}).values()
        items = [*parsed.get("Items", ()), *(item for batch in batches for item in batch)]
        items += [parsed["Item"]] if "Item" in parsed else []
        self._reads.append((len(items), read_units(context["keys"], items)))

    def during(self, act: Callable[[], object]) -> Read:
        """Count from zero while `act` runs."""
        self._reads.clear()
        act()
        items, units = (sum(part) for part in zip(*self._reads, strict=True))
        return Read(requests=len(self._reads), items=int(items), units=float(units))


def asked(rows: int) -> Figures:
    """Return what each operation reads with so many jobs."""
    with cloud() as clients:
        client = clients.dynamodb
        create_table(client)
        jobs = WholeTable(Table(client, TABLE))
        clock = FakeClock()
        _fill(client, rows, clock.now())
        counter = Asked(client)
        return {name: counter.during(act) for name, act in _acts(jobs, clock).items()}


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


def recorded() -> dict[int, Figures]:
    """Return the last figures, by the number of rows."""
    told = json.loads(RECORDED.read_text())
    return {
        int(rows): {name: Read(**one) for name, one in figures.items()}
        for rows, figures in told.items()
    }


def table(known: Mapping[int, Figures]) -> list[str]:
    """The figures as a table of Markdown."""
    few, many = (known[rows] for rows in ROWS)
    lines = [f"| with {ROWS[0]:,} / {ROWS[1]:,} jobs | requests | items read | read units |"]
    lines.append("|---|---|---|---|")
    for name, one in few.items():
        pairs = zip(astuple(one), astuple(many[name]), strict=True)
        lines.append(f"| {name} | " + " | ".join(f"{a:g} / {b:g}" for a, b in pairs) + " |")
    return lines


def main() -> None:
    """Print the table; record with `--write`."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.flat")
    parser.add_argument("--write", action="store_true", help="record the figures")
    chosen = parser.parse_args()
    known = {rows: asked(rows) for rows in ROWS}
    sys.stdout.write("\n".join(table(known)) + "\n")
    if chosen.write:
        told = {
            rows: {name: asdict(one) for name, one in figures.items()}
            for rows, figures in known.items()
        }
        RECORDED.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
