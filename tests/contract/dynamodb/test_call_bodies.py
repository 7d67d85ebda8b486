"""Bodies of calls: written and deleted with the job's row, and kept apart from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.gate import Gate
from cutout.domain.job.conflicts import JobMovedError
from cutout.domain.states import State
from cutout.ports.jobs_table import CallBody
from tests.contract.dynamodb.table import CALLS, TABLE, Store, create_calls_table, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, a_job

TEXT = '{"image_urls": ["https://uploads.example/a.jpg?X-Amz-Security-Token=ü"]}'
BODY = CallBody(attempt=2, text=TEXT, expires_at=LATER)


def test_a_body_is_found_until_its_call_is_answered(store: Store) -> None:
    """By job and attempt, to the letter."""
    job = store.claim(a_job())
    assert store.find_body(job.id, 2) is None
    job = store.save(replace(job, state=State.SUBMITTING), gate=Gate(in_flight=1), body=BODY)
    assert store.find_body(job.id, 2) == TEXT
    assert (store.find_body(job.id, 1), store.find_body("f" * 32, 2)) == (None, None)
    store.save(replace(job, state=State.PROCESSING), answered=2)
    assert store.find_body(job.id, 2) is None


def test_what_is_not_there_can_be_deleted(store: Store) -> None:
    """The rows of earlier versions have their bodies themselves."""
    job = store.claim(a_job())
    assert store.save(job, answered=1).version == 1


def test_if_the_row_moved_its_body_stays_as_it_was(store: Store) -> None:
    """Neither written nor deleted: all or nothing."""
    old = store.claim(a_job())
    store.save(old, body=BODY)
    with pytest.raises(JobMovedError):
        store.save(old, body=replace(BODY, attempt=3))
    with pytest.raises(JobMovedError):
        store.save(old, answered=2)
    assert (store.find_body(old.id, 2), store.find_body(old.id, 3)) == (TEXT, None)


def test_a_body_is_in_a_table_of_its_own_and_expires(account: Account) -> None:
    """Who may read the jobs table reads no body; one that is left behind is let go by DynamoDB."""
    with account() as clients:
        client = clients.dynamodb()
        create_table(client)
        create_calls_table(client)
        jobs = DynamoJobs(Table(client, TABLE), calls_table=CALLS)
        job = jobs.claim(a_job())
        jobs.save(job, body=BODY)
        assert TEXT not in str(client.scan(TableName=TABLE)["Items"])
        (kept,) = client.scan(TableName=CALLS)["Items"]
        assert kept["pk"] == {"S": f"{job.id}.2"}
        assert kept["expires_at"] == {"N": str(int(LATER.timestamp()))}
