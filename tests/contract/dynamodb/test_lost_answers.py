"""Writes whose answer was lost after they were made, and which the SDK or the adapter repeats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoCallBodies, DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.gate.pauses_and_slots import FreeSlot, ShardChange
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.job.source import LatestVersion
from cutout.domain.states import State
from cutout.ports.jobs_table import (
    CallBody,
    DedupRecordMovedError,
    GateMovedError,
    JobMovedError,
    TaskClaim,
)
from tests.contract.dynamodb.table import CALLS, TABLE, create_calls_table, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, NOW, PRICE, a_job, a_source, new_gate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEAD = LatestVersion(source_ref="uploads/a.jpg", order=a_source().order, job_id="a")
CLAIM = TaskClaim(task_id="task-1", job_id="a", attempt=1, is_certain=False, expires_at=LATER)


TAKES = ShardChange(shard=0, takes="a", charges={NOW.date(): Decimal("5.4")})
SLOT = FreeSlot(shard=0, most_holders=0, most_spent=Decimal(0), day=NOW.date())
RECORD = DedupRecord(picture="ab#model", owner="a")
BODY = CallBody(name="0123", text="{}", expires_at=LATER)


class Lossy:
    """DynamoDB behind a bad connection: each write is made, and its first answer is lost.

    The SDK repeats a single write, which then meets itself. A transaction is reported as still in
    progress, and the adapter repeats it; DynamoDB makes it once, by its token.
    """

    def __init__(self, client: DynamoDBClient) -> None:
        self._client: Any = client
        self.is_lossy = False
        self.tokens: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **request: Any) -> Any:
        """Put one item twice."""
        if self.is_lossy:
            self._client.put_item(**request)
        return self._client.put_item(**request)

    def update_item(self, **request: Any) -> Any:
        """Update one item twice."""
        if self.is_lossy:
            self._client.update_item(**request)
        return self._client.update_item(**request)

    def transact_write_items(self, **request: Any) -> Any:
        """Write several items, once for each token; the first answer is lost."""
        self.tokens.append(request["ClientRequestToken"])
        if self.tokens.count(request["ClientRequestToken"]) > 1:
            return {}
        answer = self._client.transact_write_items(**request)
        if not self.is_lossy:
            return answer
        in_progress: Any = {"Error": {"Code": "TransactionInProgressException", "Message": ""}}
        raise ClientError(in_progress, "TransactWriteItems")


@pytest.fixture
def lossy(account: Account) -> Iterator[Lossy]:
    """An empty table; its connection is still good."""
    with account() as clients:
        create_table(clients.dynamodb)
        create_calls_table(clients.dynamodb)
        yield Lossy(clients.dynamodb)


@pytest.fixture
def table(lossy: Lossy) -> Table:
    """The table behind that connection."""
    client: Any = lossy
    return Table(client, TABLE, sleep=lambda _seconds: None)


@pytest.fixture
def jobs(table: Table) -> DynamoJobs:
    """The jobs behind that connection."""
    return DynamoJobs(table, PRICE)


@pytest.fixture
def records(table: Table) -> DynamoDedupRecords:
    """The deduplication records behind that connection."""
    return DynamoDedupRecords(table)


def test_repeated_write_of_a_job_succeeds_if_the_first_one_was_made(
    lossy: Lossy, jobs: DynamoJobs
) -> None:
    """The writer goes on. Otherwise it would make no paid call now, and repeat one much later."""
    job = jobs.claim(a_job())
    lossy.is_lossy = True
    saved = jobs.save(replace(job, state=State.SUBMITTING))
    assert saved == replace(job, state=State.SUBMITTING, version=1, look_at=LATER)
    assert jobs.find(job.id) == saved


@pytest.mark.parametrize("tasks", [(), (CLAIM,)])
@pytest.mark.parametrize("picture", [None, RECORD])
def test_repeated_transaction_succeeds_if_the_first_one_was_made(
    tasks: tuple[TaskClaim, ...],
    picture: DedupRecord | None,
    lossy: Lossy,
    jobs: DynamoJobs,
    records: DynamoDedupRecords,
) -> None:
    """The same token makes DynamoDB write it once: the slot is taken and charged once.

    That holds even if another worker has moved the job since.
    """
    job = jobs.claim(a_job())
    lossy.is_lossy = True
    saved = jobs.save(
        replace(job, state=State.SUBMITTING),
        gate=[TAKES],
        slot=SLOT,
        picture=picture,
        tasks=tasks,
    )
    assert jobs.find(job.id) == saved
    gate = jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(NOW.date())) == (1, Decimal("5.4"))
    found = records.find_dedup_record(RECORD.picture)
    assert found == (None if picture is None else replace(picture, version=0))
    assert len(lossy.tokens) == 2
    assert len(set(lossy.tokens)) == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda jobs: jobs.claim(a_job()) == a_job(),
        lambda jobs: (
            jobs.write_gate(new_gate(price=Decimal(7))) == new_gate(version=1, price=Decimal(7))
        ),
        lambda jobs: jobs.advance(HEAD).newest == HEAD,
        lambda jobs: jobs.claim_result_key("a.png", "uploads/a.jpg"),
        lambda jobs: jobs.free_slot(0, "a") is None,
    ],
    ids=["job", "gate", "head", "result key", "slot"],
)
def test_repeated_write_of_each_kind_of_item_succeeds_if_the_first_one_was_made(
    write: Callable[[DynamoJobs], bool], lossy: Lossy, jobs: DynamoJobs
) -> None:
    """None of them is reported as a lost race."""
    lossy.is_lossy = True
    assert write(jobs)


def test_repeated_write_of_a_body_succeeds_if_the_first_one_was_made(lossy: Lossy) -> None:
    """The call is made, as its text can be repeated."""
    client: Any = lossy
    bodies = DynamoCallBodies(Table(client, CALLS, sleep=lambda _seconds: None))
    lossy.is_lossy = True
    bodies.keep_body("a", BODY)
    assert bodies.find_body("a", BODY.name) == BODY.text


def test_repeated_write_of_a_record_succeeds_if_the_first_one_was_made(
    lossy: Lossy, records: DynamoDedupRecords
) -> None:
    """Also of a cached result, whose update does not depend on the version.

    The jobs that wait for the result are enqueued.
    """
    lossy.is_lossy = True
    waited_for = replace(RECORD, waiting=("b", "c"))
    saved = records.save_dedup_record(waited_for)
    assert saved == replace(waited_for, version=0)
    kept = Kept(key="k", sha256="ab", job_id="a", task_id="t", credits=Decimal("5.4"))
    before = records.cache_result(RECORD.picture, RECORD.owner, kept, LATER)
    assert before.waiting == ("b", "c")
    found = records.find_dedup_record(RECORD.picture)
    assert found is not None
    assert (found.kept, found.expires_at) == (kept, LATER)
    assert records.save_dedup_record(found).version == found.version + 1


def test_equal_transaction_of_another_worker_is_a_lost_race(
    jobs: DynamoJobs,
) -> None:
    """Two workers write the same at the same moment: only one of them makes the paid call."""
    taken = replace(jobs.claim(a_job()), state=State.SUBMITTING)
    jobs.save(taken, gate=[TAKES], slot=SLOT, picture=RECORD)
    with pytest.raises(JobMovedError):
        jobs.save(taken, gate=[TAKES], slot=SLOT, picture=RECORD)
    assert jobs.read_gate().spent_on(NOW.date()) == Decimal("5.4")


def test_single_write_that_differs_from_the_stored_item_is_a_lost_race(
    jobs: DynamoJobs, records: DynamoDedupRecords
) -> None:
    """Only an equal item can have been written by the writer itself."""
    job = jobs.claim(a_job())
    jobs.save(replace(job, updated_at=LATER))
    with pytest.raises(JobMovedError):
        jobs.save(job)
    jobs.write_gate(new_gate(price=Decimal(7)))
    with pytest.raises(GateMovedError):
        jobs.write_gate(new_gate(price=Decimal(8)))
    records.save_dedup_record(RECORD)
    with pytest.raises(DedupRecordMovedError):
        records.save_dedup_record(replace(RECORD, owner="b"))
