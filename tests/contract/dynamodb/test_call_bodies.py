"""Request bodies of paid calls: in a table of their own, named by job and text."""

from __future__ import annotations

from dataclasses import replace

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoCallBodies
from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.ports.jobs_table import CallBodies, CallBody
from tests.contract.dynamodb.table import CALLS, TABLE, create_calls_table, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, PRICE, a_job

TEXT = '{"image_urls": ["https://uploads.example/a.jpg?X-Amz-Security-Token=ü"]}'
BODY = CallBody(name="0123456789abcdef", text=TEXT, expires_at=LATER)
ID = a_job().id


def test_body_is_found_by_its_job_and_name(bodies: CallBodies) -> None:
    """Unchanged; it may be stored again."""
    assert bodies.find_body(ID, BODY.name) is None
    for _ in range(2):
        bodies.keep_body(ID, BODY)
        assert bodies.find_body(ID, BODY.name) == TEXT
    assert bodies.find_body(ID, "fedcba9876543210") is None
    assert bodies.find_body("f" * 32, BODY.name) is None


def test_job_may_have_several_bodies(bodies: CallBodies) -> None:
    """Two workers prepare the same attempt; the admitted one finds its own text again."""
    other = replace(BODY, name="fedcba9876543210", text=TEXT.upper())
    bodies.keep_body(ID, BODY)
    bodies.keep_body(ID, other)
    assert [bodies.find_body(ID, one.name) for one in (BODY, other)] == [TEXT, TEXT.upper()]


def test_bodies_are_in_a_table_of_their_own_and_expire(account: Account) -> None:
    """Who reads the jobs table reads no body; DynamoDB deletes it after its time."""
    with account() as clients:
        client = clients.dynamodb
        create_table(client)
        create_calls_table(client)
        job = DynamoJobs(Table(client, TABLE), PRICE).claim(a_job())
        DynamoCallBodies(Table(client, CALLS)).keep_body(job.id, BODY)
        assert TEXT not in str(client.scan(TableName=TABLE)["Items"])
        (kept,) = client.scan(TableName=CALLS)["Items"]
    assert kept["pk"] == {"S": f"{job.id}.{BODY.name}"}
    assert kept["expires_at"] == {"N": str(int(LATER.timestamp()))}
