"""Rows that a newer version wrote before it was taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.table import Table
from cutout.errors import NewerRowError
from cutout.ports.table import Due, NewerRow
from cutout.states import State
from tests.contract.aws import cloud
from tests.contract.jobs.table import TABLE, create_table
from tests.unit.core.builders import NOW, a_job, an_attempt

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


@pytest.fixture
def jobs() -> Iterator[DynamoJobs]:
    """A job that is due, whose state is a word of a newer version, and an older one's, later."""
    with cloud() as clients:
        client = clients.dynamodb()
        create_table(client)
        jobs = DynamoJobs(Table(client, TABLE))
        jobs.claim(JOB)
        jobs.claim(OURS)
        client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"job#{JOB.id}"}},
            UpdateExpression="SET job.#state = :new",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":new": {"S": "archived"}},
        )
        yield jobs


@pytest.mark.parametrize(
    "look",
    [
        lambda jobs: jobs.find(JOB.id),
        lambda jobs: jobs.find_all([JOB.id]),
        lambda jobs: jobs.briefs([JOB.id]),
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


def test_the_line_and_the_calls_are_told_without_rows_of_a_newer_version(jobs: DynamoJobs) -> None:
    """Which stand in both, for the indexes."""
    standing = jobs.standing()
    assert standing.in_flight_since == NOW + SECOND
