"""Rows that a newer version wrote before it was taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.dynamodb.table import Table
from cutout.errors import NewerRowError
from cutout.states import State
from tests.contract.aws import cloud
from tests.contract.jobs.table import TABLE, create_table
from tests.unit.core.builders import a_job

JOB = replace(a_job(State.FAILED), id="a" * 32)


@pytest.mark.parametrize(
    "look",
    [
        lambda jobs: jobs.find(JOB.id),
        lambda jobs: jobs.find_all([JOB.id]),
        lambda jobs: jobs.briefs([JOB.id]),
    ],
)
def test_who_meets_a_word_of_a_newer_version_says_so(look: Callable[[DynamoJobs], object]) -> None:
    """It is no defect, and nobody guesses what the word means: the job is named."""
    with cloud() as clients:
        client = clients.dynamodb()
        create_table(client)
        jobs = DynamoJobs(Table(client, TABLE))
        jobs.claim(JOB)
        client.update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"job#{JOB.id}"}},
            UpdateExpression="SET job.#state = :new",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":new": {"S": "archived"}},
        )
        with pytest.raises(NewerRowError, match=f"job {JOB.id} is of a newer version: 'archived'"):
            look(jobs)
