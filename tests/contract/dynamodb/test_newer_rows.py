"""Items that a newer version wrote before it was rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import pytest
from boto3.dynamodb.types import TypeSerializer

from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.errors import NewerRowError
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason, ShardChange
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.ports.jobs_table import BacklogStatus, Due, NewerRow
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import NOW, a_job, an_attempt, new_gate
from tests.support.whole_table import WholeTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECOND = timedelta(seconds=1)
JOB = replace(
    a_job(State.PROCESSING),
    id="a" * 32,
    due_at=NOW,
    look_at=NOW,
    attempts=(replace(an_attempt(), started_at=NOW),),
)
OURS = replace(
    JOB,
    id="b" * 32,
    due_at=NOW + SECOND,
    look_at=NOW + SECOND,
    attempts=(replace(an_attempt(), started_at=NOW + SECOND),),
)


TAKES = ShardChange(shard=0, takes=f"1.{OURS.id}.1")


class Write(Protocol):
    """Changes one item in a way that this version never does."""

    def __call__(self, pk: str, change: str, name: str, new: object) -> None:
        """Run an update expression in which `#name` is this name and `:new` this value."""
        ...


@pytest.fixture
def client(account: Account) -> Iterator[DynamoDBClient]:
    """A client of an empty table."""
    with account() as clients:
        create_table(clients.dynamodb)
        yield clients.dynamodb


@pytest.fixture
def table(client: DynamoDBClient) -> Write:
    """Write as a newer version does."""

    def write(pk: str, change: str, name: str, new: object) -> None:
        row = {"#row": "row"} if "#row" in change else {}
        client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": pk}},
            UpdateExpression=change,
            ExpressionAttributeNames={"#name": name} | row,
            ExpressionAttributeValues={":new": TypeSerializer().serialize(new)},
        )

    return write


@pytest.fixture
def jobs(client: DynamoDBClient, table: Write) -> WholeTable:
    """A due job whose state only a newer version knows, and one of ours that is due later."""
    jobs = WholeTable(Table(client, TABLE))
    jobs.claim(JOB)
    jobs.claim(OURS)
    table(f"job#{JOB.id}", "SET #name = :new", "phase", "archived")
    return jobs


@pytest.mark.parametrize(
    "look",
    [
        lambda jobs: jobs.find(JOB.id),
        lambda jobs: jobs.find_all([JOB.id]),
    ],
)
def test_unknown_state_is_reported_as_that_of_a_newer_version(
    jobs: WholeTable, look: Callable[[WholeTable], object]
) -> None:
    """It is no defect, and its meaning is not guessed: the error names the job."""
    with pytest.raises(NewerRowError, match=f"job {JOB.id} is of a newer version: 'archived'"):
        look(jobs)


def test_job_of_a_newer_version_does_not_keep_other_jobs_from_being_listed_as_due(
    jobs: WholeTable,
) -> None:
    """It is listed apart, with the time since when it is due."""
    due = jobs.due(NOW + SECOND, 10)
    assert due == Due(jobs=[OURS], early=[], newer=[NewerRow(id=JOB.id, due_at=NOW)])


def test_job_of_a_newer_version_is_postponed_and_otherwise_not_changed(jobs: WholeTable) -> None:
    """The time since when it is due does not change: an alarm depends on it."""
    (theirs,) = jobs.due(NOW, 10).newer
    jobs.postpone(theirs, NOW + 5 * SECOND)
    assert jobs.due(NOW + SECOND, 10) == Due(jobs=[OURS], early=[], newer=[])
    assert jobs.due(NOW + 5 * SECOND, 10).newer == [theirs]


def test_jobs_of_a_newer_version_do_not_block_the_jobs_that_wait_behind_them(
    jobs: WholeTable, table: Write
) -> None:
    """However many they are, and however few jobs are asked for."""
    for number in range(25):
        waiting = replace(
            a_job(State.QUEUED), id=f"{number:032x}", is_waiting=True, due_at=None, created_at=NOW
        )
        jobs.claim(waiting)
        table(f"job#{waiting.id}", "SET #name = :new", "phase", "archived")
    ours = replace(
        a_job(State.QUEUED), id="c" * 32, is_waiting=True, due_at=None, created_at=NOW + SECOND
    )
    jobs.claim(ours)
    assert jobs.waiting(1) == jobs.waiting(3) == [ours.id]


@pytest.mark.parametrize(
    "change",
    [
        ("SET #row.#name = :new", "attempts", "none"),
        ("SET #row.#name = :new", "photo", "a.jpg"),
        ("SET #row.#name = :new", "created_at", {"day": 7}),
        ("SET #name = :new", "row", "elsewhere"),
    ],
)
def test_unknown_form_of_an_item_is_of_a_newer_version(
    jobs: WholeTable, table: Write, change: tuple[str, str, object]
) -> None:
    """Sweep goes on with the other jobs."""
    table(f"job#{JOB.id}", *change)
    due = jobs.due(NOW + SECOND, 10)
    assert (due.jobs, [row.id for row in due.newer]) == ([OURS], [JOB.id])


def test_item_without_any_known_form_is_of_a_newer_version(
    jobs: WholeTable, client: DynamoDBClient
) -> None:
    """It has neither of the two forms that this version reads."""
    client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"job#{JOB.id}"}},
        UpdateExpression="REMOVE #row",
        ExpressionAttributeNames={"#row": "row"},
    )
    with pytest.raises(NewerRowError):
        jobs.find(JOB.id)
    due = jobs.due(NOW + SECOND, 10)
    assert (due.jobs, due.newer) == ([OURS], [NewerRow(id=JOB.id, due_at=NOW)])


def test_gate_of_a_newer_version_can_be_paused_for_an_unknown_reason(
    jobs: WholeTable, table: Write
) -> None:
    """The pause ends at its time; until then no job is admitted.

    Jobs in flight go on: their writes keep the reason, and fields that are not known here.
    """
    until = NOW + timedelta(hours=1)
    pause = Pause(reason=PauseReason.OPERATOR, since=NOW, until=until)
    jobs.write_gate(new_gate(carried_in_flight=2, pause=pause))
    table("gate", "SET gate.paused.#name = :new", "reason", "provider-maintenance")
    table("gate", "SET gate.#name = :new", "reserved_tomorrow", {"credits": 7})
    gate = jobs.read_gate()
    assert gate.pause is not None
    assert gate.pause.reason.value == "provider-maintenance"
    assert gate.why_closed(NOW) == Reason.GATE_PAUSED
    assert gate.why_closed(until) is None
    jobs.save(OURS, gate=[ShardChange(shard=None, frees="theirs"), TAKES])
    jobs.write_gate(jobs.read_gate().priced(Decimal(7)))
    written = jobs.read_gate()
    assert (written.carried_in_flight, written.in_flight, written.price) == (1, 2, Decimal(7))
    assert written.pause == gate.pause
    assert written.newer == {"reserved_tomorrow": {"credits": 7}}


@pytest.mark.parametrize("name", ["day", "paused", "most_shards"])
def test_gate_that_cannot_be_read_is_of_a_newer_version(
    name: str, jobs: WholeTable, table: Write
) -> None:
    """Without the limits no job may be admitted."""
    jobs.write_gate(new_gate())
    table("gate", "SET gate.#name = :new", name, "something else")
    with pytest.raises(NewerRowError, match="the gate is of a newer version"):
        jobs.read_gate()


def test_shard_that_cannot_be_read_is_of_a_newer_version(jobs: WholeTable, table: Write) -> None:
    """Its credits cannot be counted."""
    table("gate#0", "SET #name = :new", "spent#someday", 7)
    with pytest.raises(NewerRowError, match="the gate is of a newer version"):
        jobs.read_gate()


def test_waiting_jobs_are_counted_without_being_read(jobs: WholeTable, table: Write) -> None:
    """Also those that only a newer version can read: the index has their times."""
    waiting = replace(a_job(), id="c" * 32, is_waiting=True, due_at=None)
    jobs.claim(waiting)
    table(f"job#{waiting.id}", "SET #name = :new", "phase", "archived")
    assert jobs.backlog_status() == BacklogStatus(waiting=1, waiting_since=NOW)
