"""A write that was made, but whose answer was lost, and which is made again by the SDK or by us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.gate import Gate
from cutout.domain.job.conflicts import GateMovedError, JobMovedError
from cutout.domain.states import State
from cutout.ports.jobs_table import LatestVersion, TaskClaim
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, a_job, a_source

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HEAD = LatestVersion(source_ref="uploads/a.jpg", order=a_source().order, job_id="a")
CLAIM = TaskClaim(task_id="task-1", job_id="a", attempt=1, is_certain=False, expires_at=LATER)


class Lossy:
    """DynamoDB behind a bad line: what is written is written, and the first answer is lost.

    A single write is made again by the SDK, which meets it; of a transaction it says that it is
    still under way, and leaves it to us. What stands in for DynamoDB knows no client tokens, so
    the repeated transaction meets the first.
    """

    def __init__(self, client: DynamoDBClient) -> None:
        self._client: Any = client
        self.is_lossy = False
        self.tokens: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **request: Any) -> Any:
        """One item, written twice."""
        if self.is_lossy:
            self._client.put_item(**request)
        return self._client.put_item(**request)

    def transact_write_items(self, **request: Any) -> Any:
        """Several items; what became of them is told the second time."""
        self.tokens.append(request["ClientRequestToken"])
        answer = self._client.transact_write_items(**request)
        if not self.is_lossy:
            return answer
        self.is_lossy = False
        under_way: Any = {"Error": {"Code": "TransactionInProgressException", "Message": ""}}
        raise ClientError(under_way, "TransactWriteItems")


@pytest.fixture
def lossy(account: Account) -> Iterator[Lossy]:
    """A table, its line still good."""
    with account() as clients:
        create_table(clients.dynamodb())
        yield Lossy(clients.dynamodb())


@pytest.fixture
def jobs(lossy: Lossy) -> DynamoJobs:
    """The adapter behind that line."""
    client: Any = lossy
    return DynamoJobs(Table(client, TABLE, sleep=lambda _seconds: None))


@pytest.mark.parametrize(
    ("gate", "tasks"), [(None, ()), (Gate(in_flight=1), ()), (Gate(in_flight=1), (CLAIM,))]
)
def test_a_row_that_was_written_is_its_writers(
    gate: Gate | None, tasks: tuple[TaskClaim, ...], lossy: Lossy, jobs: DynamoJobs
) -> None:
    """Its writer goes on. Else it makes no call now, and repeats it, counted twice, much later."""
    job = jobs.claim(a_job())
    lossy.is_lossy = True
    saved = jobs.save(replace(job, state=State.SUBMITTING), gate=gate, tasks=tasks)
    assert saved == replace(job, state=State.SUBMITTING, version=1)
    assert jobs.find(job.id) == saved
    assert jobs.read_gate() == (replace(gate, version=1) if gate else Gate())


@pytest.mark.parametrize(
    "write",
    [
        lambda jobs: jobs.claim(a_job()) == a_job(),
        lambda jobs: jobs.write_gate(Gate(in_flight=1)) == Gate(version=1, in_flight=1),
        lambda jobs: jobs.advance(HEAD) == HEAD,
        lambda jobs: jobs.claim_result_key("a.png", "uploads/a.jpg"),
    ],
)
def test_whatever_was_written_is_its_writers(
    write: Callable[[DynamoJobs], bool], lossy: Lossy, jobs: DynamoJobs
) -> None:
    """Each kind of item."""
    lossy.is_lossy = True
    assert write(jobs)


def test_an_equal_write_of_another_worker_is_not_taken_for_ones_own(jobs: DynamoJobs) -> None:
    """Two workers do the same at the same moment: one of them pays."""
    job = jobs.claim(a_job())
    taken = replace(job, state=State.SUBMITTING)
    jobs.save(taken, gate=Gate(in_flight=1))
    with pytest.raises(JobMovedError):
        jobs.save(taken, gate=Gate(in_flight=1))
    with pytest.raises(GateMovedError):
        jobs.write_gate(Gate(in_flight=1))


def test_a_transaction_that_may_have_been_made_is_repeated_under_its_token(
    lossy: Lossy, jobs: DynamoJobs
) -> None:
    """DynamoDB makes it once then, even if another worker has moved the row on."""
    job = jobs.claim(a_job())
    lossy.is_lossy = True
    jobs.save(job, gate=Gate(in_flight=1))
    assert len(lossy.tokens) == 2
    assert len(set(lossy.tokens)) == 1
