"""Claims on tasks: a task belongs to one attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.gate.pauses_and_slots import ShardChange
from cutout.domain.states import State
from cutout.ports.jobs_table import TaskClaim, TaskTakenError
from tests.contract.dynamodb.table import TABLE, Store, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, PRICE, a_job

OTHER = "f" * 32


def claim(job_id: str = a_job().id, **facts: Any) -> TaskClaim:
    """An attempt's claim on a task that a callback's body named."""
    known: dict[str, Any] = {
        "task_id": "task-unified-1",
        "attempt": 1,
        "is_certain": False,
        "expires_at": LATER,
    }
    return TaskClaim(job_id=job_id, **(known | facts))


def test_task_is_claimed_with_the_write_of_its_job(store: Store) -> None:
    """And again by the same attempt, however often."""
    job = store.claim(a_job())
    for version in (1, 2):
        job = store.save(job, tasks=[claim()])
        assert job.version == version


@pytest.mark.parametrize(
    ("standing", "late"),
    [
        (claim(OTHER), claim()),
        (claim(OTHER, is_certain=True), claim()),
        (claim(OTHER, is_certain=True), claim(is_certain=True)),
        (claim(attempt=1), claim(attempt=2)),
    ],
)
def test_job_is_not_written_if_its_task_belongs_to_another_attempt(
    store: Store,
    standing: TaskClaim,
    late: TaskClaim,
) -> None:
    """Nor is its slot taken."""
    other = store.claim(a_job(id=OTHER))
    store.save(other, tasks=[standing])
    job = store.claim(a_job(look_at=LATER))
    takes = ShardChange(shard=0, takes="a")
    with pytest.raises(TaskTakenError):
        store.save(replace(job, state=State.PROCESSING), gate=[takes], tasks=[late])
    assert store.find(job.id) == job
    assert store.read_gate().in_flight == 0


def test_claim_by_the_providers_answer_replaces_one_by_a_callback(store: Store) -> None:
    """The provider's answer to our own call is certain; no other attempt gets the task then."""
    other = store.save(store.claim(a_job(id=OTHER)), tasks=[claim(OTHER)])
    job = store.save(store.claim(a_job()), tasks=[claim(is_certain=True)])
    assert job.version == 1
    with pytest.raises(TaskTakenError):
        store.save(other, tasks=[claim(OTHER)])


def test_claims_expire(account: Account) -> None:
    """DynamoDB deletes an item after the second `expires_at`."""
    with account() as clients:
        create_table(clients.dynamodb)
        table = Table(clients.dynamodb, TABLE)
        jobs = DynamoJobs(table, PRICE)
        jobs.save(jobs.claim(a_job()), tasks=[claim(expires_at=LATER + timedelta(days=1))])
        item = table.get("task#task-unified-1")
    assert item is not None
    assert item["expires_at"] == int((LATER + timedelta(days=1)).timestamp())
