"""What earlier versions wrote to the table is read, found and written over by the present one.

`written/` holds the tables of earlier versions, item by item, as they stood in the middle of an
upgrade with photos in every state. `UPGRADE_FROM=COMMIT RECORD_ROWS=write python -m pytest
tests/e2e/test_upgrading.py` adds another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cutout.adapters.dynamodb.dedup_records import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.job.job import Job
from cutout.domain.serialization import to_row
from cutout.domain.states import State
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account

_FILES = sorted((Path(__file__).parent / "written").glob("*.json"))


@dataclass(frozen=True, kw_only=True)
class Written:
    """A table that an earlier version wrote.

    Attributes:
        items: Its items, in DynamoDB's own form, by key.
        jobs: The present version's view of it.
        purchases: The same.
    """

    items: dict[str, Any]
    jobs: DynamoJobs
    purchases: DynamoDedupRecords

    def names(self, kind: str) -> list[str]:
        """Return what stands behind the `#` of the keys of one kind."""
        return [key.partition("#")[2] for key in self.items if key.startswith(f"{kind}#")]

    def every_job(self) -> list[Job]:
        """Return every job, each of which must be there."""
        found = [self.jobs.find(job_id) for job_id in self.names("job")]
        return [job for job in found if job is not None]


@pytest.fixture(params=_FILES, ids=lambda path: path.stem)
def written(account: Account, request: pytest.FixtureRequest) -> Iterator[Written]:
    """Each version's table."""
    items: list[Any] = json.loads(request.param.read_text())
    with account() as clients:
        client = clients.dynamodb()
        create_table(client)
        for item in items:
            client.put_item(TableName=TABLE, Item=item)
        table = Table(client, TABLE)
        yield Written(
            items={item["pk"]["S"]: item for item in items},
            jobs=DynamoJobs(table),
            purchases=DynamoDedupRecords(table),
        )


def test_there_is_a_table_of_an_earlier_version() -> None:
    """Else nothing below would be tried."""
    assert _FILES


def test_rows_of_every_state_are_read(written: Written) -> None:
    """Each says of its photo what it says in the table."""
    jobs = written.every_job()
    assert len(jobs) == len(written.names("job"))
    assert {job.state for job in jobs} >= set(State) - {State.SUPERSEDED}
    for job in jobs:
        row = written.items[f"job#{job.id}"]["job"]["M"]
        told = {name: row[name]["S"] for name in ("id", "state", "created_at", "updated_at")}
        assert {name: to_row(job)[name] for name in told} == told
        assert len(job.attempts) == len(row["attempts"]["L"])
        assert len(job.history) == len(row["history"]["L"])


def test_nothing_that_a_row_says_is_dropped(written: Written) -> None:
    """Written again, it has every field that it had: no name was given up or changed."""
    for job in written.every_job():
        before = written.items[f"job#{job.id}"]["job"]
        assert _missing(before, to_row(job)) == []


def test_rows_are_written_over(written: Written) -> None:
    """Each counts on from the write that was its last."""
    for job in written.every_job():
        assert written.jobs.save(job).version == job.version + 1


def test_rows_are_found_by_every_index(written: Written) -> None:
    """In line, due, by state and by photo, as when they were written."""
    jobs = written.every_job()
    waiting = {job.id for job in jobs if job.is_waiting}
    assert set(written.jobs.waiting(100)) == waiting != set()
    assert written.jobs.count_holding() == sum(job.state.holds_slot for job in jobs)
    latest = max(job.due_at for job in jobs if job.due_at)
    due = {job.id for job in jobs if job.due_at}
    assert {job.id for job in written.jobs.due(latest, 100).jobs} == due != set()
    for job in jobs:
        assert job.id in {entry.job_id for entry in written.jobs.moved(job.state)}
        assert job in written.jobs.of_source(job.source.bucket, job.source.key, 100)


def test_the_gate_is_read_and_written_over(written: Written) -> None:
    """With the pause, the price and the slots that it had."""
    gate = written.jobs.read_gate()
    holding = [job for job in written.every_job() if job.state.holds_slot]
    assert (gate.in_flight, gate.pause is not None) == (len(holding), True)
    assert gate.spent > 0
    assert written.jobs.write_gate(gate).version == gate.version + 1


def test_heads_purchases_and_claims_are_read(written: Written) -> None:
    """Which upload of a key is the newest, who buys a picture, whose a result key is."""
    heads = [written.jobs.newest(ref) for ref in written.names("head")]
    assert {head.job_id for head in heads if head} == set(written.names("job"))
    for picture in written.names("picture"):
        found = written.purchases.find_dedup_record(picture)
        assert found is not None
        assert written.purchases.save_dedup_record(found).version == found.version + 1
    for job in written.every_job():
        if job.result_key is not None:
            assert written.jobs.claim_result_key(job.result_key, job.source.ref)
            assert not written.jobs.claim_result_key(job.result_key, "somebody/else.jpg")


def _missing(before: Any, after: Any, path: str = "job") -> list[str]:
    """Name what is in a stored item and not in a row, at any depth."""
    if "M" in before:
        return [
            gap
            for name, value in before["M"].items()
            for gap in (
                _missing(value, after[name], f"{path}.{name}")
                if name in after
                else [f"{path}.{name}"]
            )
        ]
    if "L" in before:
        pairs = enumerate(zip(before["L"], after, strict=True))
        return [gap for at, (one, other) in pairs for gap in _missing(one, other, f"{path}[{at}]")]
    return []
