"""Request bodies of paid calls: in a table of their own, named by job and text."""

from __future__ import annotations

from dataclasses import replace

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.ports.jobs_table import CallBody
from tests.contract.dynamodb.table import CALLS, TABLE, Store, create_calls_table, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, a_job

TEXT = '{"image_urls": ["https://uploads.example/a.jpg?X-Amz-Security-Token=ü"]}'
BODY = CallBody(name="0123456789abcdef", text=TEXT, expires_at=LATER)
ID = a_job().id


def test_body_is_found_by_its_job_and_name(store: Store) -> None:
    """Unchanged; it may be stored again."""
    assert store.find_body(ID, BODY.name) is None
    for _ in range(2):
        store.keep_body(ID, BODY)
        assert store.find_body(ID, BODY.name) == TEXT
    assert store.find_body(ID, "fedcba9876543210") is None
    assert store.find_body("f" * 32, BODY.name) is None


def test_job_may_have_several_bodies(store: Store) -> None:
    """Two workers prepare the same attempt; the admitted one finds its own text again."""
    other = replace(BODY, name="fedcba9876543210", text=TEXT.upper())
    store.keep_body(ID, BODY)
    store.keep_body(ID, other)
    assert [store.find_body(ID, one.name) for one in (BODY, other)] == [TEXT, TEXT.upper()]


def test_bodies_are_in_a_table_of_their_own_and_expire(account: Account) -> None:
    """Who reads the jobs table reads no body; DynamoDB deletes it after its time."""
    with account() as clients:
        client = clients.dynamodb
        create_table(client)
        create_calls_table(client)
        jobs = DynamoJobs(Table(client, TABLE), calls_table=CALLS)
        job = jobs.claim(a_job())
        jobs.keep_body(job.id, BODY)
        assert TEXT not in str(client.scan(TableName=TABLE)["Items"])
        (kept,) = client.scan(TableName=CALLS)["Items"]
    assert kept["pk"] == {"S": f"{job.id}.{BODY.name}"}
    assert kept["expires_at"] == {"N": str(int(LATER.timestamp()))}
