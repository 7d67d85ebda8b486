"""Tables of earlier versions are read, indexed and overwritten by this version.

`written/` holds the tables of earlier versions, item by item, as they were in the middle of an
upgrade with photos in every state. `UPGRADE_FROM=COMMIT RECORD_ROWS=write python -m pytest
tests/e2e/test_upgrading.py` adds another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.serialization import to_row
from cutout.domain.states import HOLDING, Lane, State
from cutout.usecases.shared.job_writer import gate_changes
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER
from tests.support.whole_table import WholeTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_GIVEN_UP = {"job.is_buyer"}
"""Whether a job owns its photo's bytes is only in the deduplication record."""
_ADDED = {"entered_at", "failures", "cut_short", "trying_since"}
"""Fields that versions before the recorded ones did not write."""
_FILES = sorted((Path(__file__).parent / "written").glob("*.json"))


@dataclass(frozen=True, kw_only=True)
class Written:
    """A table that an earlier version wrote.

    Attributes:
        items: its items, in DynamoDB's own form, by key.
        client: of the account that has it.
        jobs: this version's view of it.
        records: the same.
    """

    items: dict[str, Any]
    client: DynamoDBClient
    jobs: WholeTable
    records: DynamoDedupRecords

    def names(self, kind: str) -> list[str]:
        """Return what follows the `#` in the keys of one kind."""
        return [key.partition("#")[2] for key in self.items if key.startswith(f"{kind}#")]

    def now(self, job: Job) -> Any:
        """Return the job's item as it is now, in DynamoDB's own form."""
        return self.client.get_item(TableName=TABLE, Key={"pk": {"S": f"job#{job.id}"}})["Item"]

    def every_job(self) -> list[Job]:
        """Return every job, each of which must be there."""
        found = [self.jobs.find(job_id) for job_id in self.names("job")]
        return [job for job in found if job is not None]


@pytest.fixture(params=_FILES, ids=lambda path: path.stem)
def written(account: Account, request: pytest.FixtureRequest) -> Iterator[Written]:
    """Each version's table."""
    items: list[Any] = json.loads(request.param.read_text())
    with account() as clients:
        client = clients.dynamodb
        create_table(client)
        for item in items:
            client.put_item(TableName=TABLE, Item=item)
        table = Table(client, TABLE)
        yield Written(
            items={item["pk"]["S"]: item for item in items},
            client=client,
            jobs=WholeTable(table),
            records=DynamoDedupRecords(table),
        )


def test_a_table_of_an_earlier_version_is_recorded() -> None:
    """Without one, nothing below would be tested."""
    assert _FILES


def test_earlier_jobs_of_every_state_are_read(written: Written) -> None:
    """Each has the values that the table has."""
    jobs = written.every_job()
    assert len(jobs) == len(written.names("job"))
    assert {job.state for job in jobs} >= set(State) - {State.SUPERSEDED}
    for job in jobs:
        row = written.items[f"job#{job.id}"]["job"]["M"]
        told = {name: row[name]["S"] for name in ("id", "state", "created_at", "updated_at")}
        assert {name: to_row(job)[name] for name in told} == told
        assert len(job.attempts) == len(row["attempts"]["L"])
        assert len(job.history) == len(row["history"]["L"])


def test_no_field_of_an_earlier_job_is_dropped(written: Written) -> None:
    """Written again, it has every field that it had: no name was changed."""
    for job in written.every_job():
        before = written.items[f"job#{job.id}"]["job"]
        assert set(_missing(before, to_row(job))) <= _GIVEN_UP


def test_finished_jobs_of_versions_before_the_recorded_ones_are_read(written: Written) -> None:
    """They lack fields, and have one that is gone; a person may list, show and retry them."""
    settled = [job for job in written.every_job() if job.state.is_settled]
    for job in settled:
        item = written.items[f"job#{job.id}"]
        row = {name: it for name, it in item["job"]["M"].items() if name not in _ADDED}
        for attempt in row["attempts"]["L"]:
            attempt["M"]["body"] = {"S": "{}"}
        written.client.put_item(TableName=TABLE, Item=item | {"job": {"M": row}})
        ended = job.updated_at
        before = replace(job, entered_at=ended, failures=0, cut_short=0, trying_since=None)
        assert written.jobs.find(job.id) == before
        # As a version between wrote it again.
        written.jobs.save(before)
        item = written.now(job)
        del item["row"]["M"]["entered_at"]
        written.client.put_item(TableName=TABLE, Item=item)
        again = written.jobs.find(job.id)
        assert again is not None
        assert again.entered_at == again.updated_at == job.updated_at
    assert settled


def test_earlier_jobs_are_overwritten_in_the_new_form(written: Written) -> None:
    """With all of their values; the version is incremented from their last write."""
    for job in written.every_job():
        saved = written.jobs.save(job)
        assert saved == replace(job, version=job.version + 1)
        assert written.jobs.find(job.id) == _in_whole_seconds(saved)
        assert "job" not in written.now(job)


@pytest.mark.parametrize("is_written_over", [False, True])
def test_earlier_jobs_are_found_by_every_index(written: Written, *, is_written_over: bool) -> None:
    """Due, by state and by photo, before and after this version has written them."""
    jobs = written.every_job()
    if is_written_over:
        jobs = [_in_whole_seconds(written.jobs.save(job)) for job in jobs]
    latest = max(job.due_at for job in jobs if job.due_at)
    due = {job.id for job in jobs if job.due_at}
    assert {job.id for job in written.jobs.due(latest, 100).jobs} == due != set()
    moving = {entry.job_id for entry in written.jobs.moving()}
    assert moving == {job.id for job in jobs if not job.state.is_settled} != set()
    for job in jobs:
        if job.state.is_settled:
            assert job.id in {entry.job_id for entry in written.jobs.moved(job.state)}
        assert job in written.jobs.of_source(job.source.bucket, job.source.key, 100)


def test_earlier_waiting_jobs_are_carried_over_to_this_versions_index(written: Written) -> None:
    """Sweep does so; jobs that no longer wait, or were carried over, are not changed."""
    jobs = [job for job in written.every_job() if job.is_waiting]
    assert written.jobs.waiting(100) == []
    assert written.jobs.carry_over() == len(jobs) > 0
    in_order = sorted(jobs, key=lambda job: (job.lane is Lane.BACKFILL, job.waiting_since))
    assert written.jobs.waiting(100) == [job.id for job in in_order]
    since = min(job.waiting_since for job in jobs)
    status = written.jobs.backlog_status()
    assert status.waiting == len(jobs)
    assert status.waiting_since == since.replace(microsecond=since.microsecond // 1000 * 1000)
    assert written.jobs.carry_over() == 0
    assert [written.jobs.find(job.id) for job in jobs] == [
        replace(job, version=job.version + 1) for job in jobs
    ]


def test_earlier_jobs_in_flight_hold_their_slots_until_they_end(written: Written) -> None:
    """Their slots are freed where the earlier version counted them.

    Until then they stay in the index by which that version counts them again.
    """
    running = [job for job in written.every_job() if job.state in HOLDING]
    gate = written.jobs.read_gate()
    assert gate.in_flight == gate.carried_in_flight == len(running) > 0
    saved = [written.jobs.save(job, gate=gate_changes(job, job)) for job in running]
    assert [written.now(job)["lane"] for job in running] == [{"S": "holding"}] * len(running)
    assert written.jobs.read_gate() == gate
    for left, job in reversed(list(enumerate(saved))):
        ended = replace(job, state=State.FAILED)
        written.jobs.save(ended, gate=gate_changes(job, ended))
        assert written.jobs.read_gate().in_flight == left
        assert "lane" not in written.now(job)


def test_earlier_gate_is_read_sealed_and_overwritten(written: Written) -> None:
    """With its price, the day's credits and the pause that a person made."""
    gate = written.jobs.read_gate()
    stored = written.items["gate"]["gate"]["M"]
    assert stored["pause"]["M"]["reason"] == {"S": "operator"}
    assert gate.price == Decimal(stored["price"]["N"])
    day = date.fromisoformat(stored["day"]["S"])
    assert gate.spent_on(day) == Decimal(stored["spent"]["N"]) > 0
    assert not gate.is_sealed
    sealed = written.jobs.write_gate(gate.sealed(LATER))
    assert sealed.version == gate.version + 1
    assert sealed.pause is not None
    assert sealed.pause.reason is PauseReason.OPERATOR
    assert sealed.pause.since.isoformat() == stored["pause"]["M"]["since"]["S"]
    assert sealed.is_sealed
    assert written.jobs.read_gate() == sealed
    assert sealed.why_closed(LATER) is Reason.GATE_PAUSED
    resumed = written.jobs.write_gate(sealed.resuming())
    assert (resumed.is_sealed, resumed.is_paused(LATER)) == (True, False)


def test_earlier_latest_versions_records_and_claims_are_read(written: Written) -> None:
    """The latest version of a key, the owner of a photo's bytes, the source of a result key."""
    heads = [written.jobs.newest(ref) for ref in written.names("head")]
    assert {head.job_id for head in heads if head} == set(written.names("job"))
    for picture in written.names("picture"):
        found = written.records.find_dedup_record(picture)
        assert found is not None
        assert written.records.save_dedup_record(found).version == found.version + 1
    for job in written.every_job():
        if job.result_key is not None:
            assert written.jobs.claim_result_key(job.result_key, job.source.ref)
            assert not written.jobs.claim_result_key(job.result_key, "somebody/else.jpg")


def _in_whole_seconds(job: Job) -> Job:
    """Return the job as it is read again: it expires by the second."""
    at = job.expires_at
    return job if at is None else replace(job, expires_at=at.replace(microsecond=0))


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
