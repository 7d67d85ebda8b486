"""Rows that a newer version wrote before it was taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import pytest
from boto3.dynamodb.types import TypeSerializer

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.errors import NewerRowError
from cutout.domain.gate import DEFAULT_LIMITS, Gate, Pause, PauseReason
from cutout.domain.states import Reason, State
from cutout.ports.jobs_table import Due, NewerRow
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import NOW, a_job, an_attempt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SECOND = timedelta(seconds=1)
JOB = replace(
    a_job(State.PROCESSING),
    id="a" * 32,
    due_at=NOW,
    attempts=(replace(an_attempt(), started_at=NOW),),
)
OURS = replace(
    JOB,
    id="b" * 32,
    due_at=NOW + SECOND,
    attempts=(replace(an_attempt(), started_at=NOW + SECOND),),
)


class Write(Protocol):
    """Changes one item in a way that this version never does."""

    def __call__(self, pk: str, change: str, name: str, new: object) -> None:
        """Run an update expression in which `#name` is this name and `:new` this value."""
        ...


@pytest.fixture
def client(account: Account) -> Iterator[DynamoDBClient]:
    """A client of an empty table."""
    with account() as clients:
        create_table(clients.dynamodb())
        yield clients.dynamodb()


@pytest.fixture
def table(client: DynamoDBClient) -> Write:
    """What a newer version writes."""

    def write(pk: str, change: str, name: str, new: object) -> None:
        client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": pk}},
            UpdateExpression=change,
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":new": TypeSerializer().serialize(new)},
        )

    return write


@pytest.fixture
def jobs(client: DynamoDBClient, table: Write) -> DynamoJobs:
    """A job that is due, whose state is a word of a newer version, and an older one's, later."""
    jobs = DynamoJobs(Table(client, TABLE))
    jobs.claim(JOB)
    jobs.claim(OURS)
    table(f"job#{JOB.id}", "SET job.#name = :new", "state", "archived")
    return jobs


@pytest.mark.parametrize(
    "look",
    [
        lambda jobs: jobs.find(JOB.id),
        lambda jobs: jobs.find_all([JOB.id]),
    ],
)
def test_who_meets_a_word_of_a_newer_version_says_so(
    jobs: DynamoJobs, look: Callable[[DynamoJobs], object]
) -> None:
    """It is no defect, and nobody guesses what the word means: the job is named."""
    with pytest.raises(NewerRowError, match=f"job {JOB.id} is of a newer version: 'archived'"):
        look(jobs)


def test_a_row_of_a_newer_version_does_not_stand_in_the_way_of_what_is_due(
    jobs: DynamoJobs,
) -> None:
    """It is told apart, with the time since when it is due."""
    due = jobs.due(NOW + SECOND, 10)
    assert due == Due(jobs=[OURS], newer=[NewerRow(job_id=JOB.id, due_at=NOW)])


def test_it_is_postponed_as_a_job_is_and_stays_as_it_was_written(jobs: DynamoJobs) -> None:
    """The time since when it is due is still told: an alarm goes by it."""
    (theirs,) = jobs.due(NOW, 10).newer
    jobs.postpone(theirs, NOW + 5 * SECOND)
    assert jobs.due(NOW + SECOND, 10) == Due(jobs=[OURS], newer=[])
    assert jobs.due(NOW + 5 * SECOND, 10).newer == [theirs]


def test_those_that_wait_keep_nobody_behind_them_waiting(jobs: DynamoJobs, table: Write) -> None:
    """However many they are, and however few are asked for."""
    for number in range(25):
        waiting = replace(
            a_job(State.QUEUED), id=f"{number:032x}", is_waiting=True, due_at=None, created_at=NOW
        )
        jobs.claim(waiting)
        table(f"job#{waiting.id}", "SET job.#name = :new", "state", "archived")
    ours = replace(
        a_job(State.QUEUED), id="c" * 32, is_waiting=True, due_at=None, created_at=NOW + SECOND
    )
    jobs.claim(ours)
    assert jobs.waiting(1) == jobs.waiting(3) == [ours.id]


@pytest.mark.parametrize(
    "change",
    [
        ("SET job.#name = :new", "attempts", "none"),
        ("SET job.#name = :new", "photo", "a.jpg"),
        ("SET job.#name = :new", "created_at", {"day": 7}),
        ("SET #name = :new", "job", "elsewhere"),
    ],
)
def test_another_form_is_of_a_newer_version_as_another_word_is(
    jobs: DynamoJobs, table: Write, change: tuple[str, str, object]
) -> None:
    """Sweep goes on with the others."""
    table(f"job#{JOB.id}", *change)
    due = jobs.due(NOW + SECOND, 10)
    assert (due.jobs, [row.job_id for row in due.newer]) == ([OURS], [JOB.id])


def test_a_gate_of_a_newer_version_pauses_for_a_reason_that_is_not_known_here(
    jobs: DynamoJobs, table: Write
) -> None:
    """Whatever it is for, it ends when it says: nobody passes the limits meanwhile.

    Those inside go on: what they write of the gate keeps the reason, and what is not known here.
    """
    until = NOW + timedelta(hours=1)
    pause = Pause(reason=PauseReason.OPERATOR, since=NOW, until=until)
    jobs.write_gate(Gate(in_flight=2, pause=pause))
    table("gate", "SET gate.pause.#name = :new", "reason", "provider-maintenance")
    table("gate", "SET gate.#name = :new", "reserved_tomorrow", {"credits": 7})
    gate = jobs.read_gate()
    assert gate.pause is not None
    assert gate.pause.reason.value == "provider-maintenance"
    assert gate.why_closed(DEFAULT_LIMITS, NOW) == Reason.GATE_PAUSED
    assert gate.why_closed(DEFAULT_LIMITS, until) is None
    jobs.write_gate(gate.releasing())
    written = jobs.read_gate()
    assert written.in_flight == 1
    assert written.pause == gate.pause
    assert written.newer == {"reserved_tomorrow": {"credits": 7}}


def test_a_gate_that_cannot_be_read_at_all_is_called_what_it_is(
    jobs: DynamoJobs, table: Write
) -> None:
    """Without the limits nobody may pass it."""
    jobs.write_gate(Gate())
    table("gate", "SET gate.#name = :new", "day", "someday")
    with pytest.raises(NewerRowError, match="the gate's item is of a newer version"):
        jobs.read_gate()


def test_the_line_and_the_calls_are_told_without_rows_of_a_newer_version(jobs: DynamoJobs) -> None:
    """Which stand in both, for the indexes."""
    standing = jobs.backlog_status()
    assert standing.in_flight_since == NOW + SECOND
