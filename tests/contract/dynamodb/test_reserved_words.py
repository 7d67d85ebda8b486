"""DynamoDB refuses expressions that name a reserved word; the emulators do not always."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoCallBodies, DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.gate.gate import DEFAULT_LIMITS
from cutout.domain.gate.pauses_and_slots import FreeSlot, ShardChange
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.job.source import LatestVersion
from cutout.domain.states import State
from cutout.ports.jobs_table import CallBody, TaskClaim
from tests.contract.dynamodb.table import CALLS, TABLE, create_calls_table, create_table
from tests.support.aws_account import cloud
from tests.support.builders import LATER, NOW, a_job, new_gate
from tests.support.whole_table import WholeTable

_OF_EXPRESSIONS = frozenset(
    {
        "ADD",
        "AND",
        "BETWEEN",
        "DELETE",
        "OR",
        "REMOVE",
        "SET",
        "attribute_exists",
        "attribute_not_exists",
    }
    | {"size"}
)
_NAME = re.compile(r"(?<![:#\w])[A-Za-z_]\w*")
DAY = datetime(2026, 11, 20, tzinfo=UTC).date()


def _members(request: object) -> Iterator[tuple[str, Any]]:
    """Every member of a request, at any depth."""
    if isinstance(request, dict):
        for name, value in request.items():
            yield name, value
            yield from _members(value)
    if isinstance(request, list):
        for one in request:
            yield from _members(one)


@pytest.fixture(scope="module")
def expressions() -> set[str]:
    """Return all expressions that the adapters send."""
    found: set[str] = set()

    def see(params: dict[str, Any], **_others: object) -> None:
        found.update(value for name, value in _members(params) if name.endswith("Expression"))

    with cloud() as clients:
        client = clients.dynamodb
        create_table(client)
        create_calls_table(client)
        client.meta.events.register("before-parameter-build.dynamodb.*", see)
        table = Table(client, TABLE)
        _write_everything(WholeTable(table), DynamoDedupRecords(table))
        body = CallBody(name="a", text="{}", expires_at=LATER)
        DynamoCallBodies(Table(client, CALLS)).keep_body("a", body)
    return found


def _write_everything(jobs: WholeTable, records: DynamoDedupRecords) -> None:
    """Send every kind of expression."""
    job = jobs.claim(a_job())
    jobs.write_gate(jobs.write_gate(new_gate(carried_in_flight=1)))
    jobs.read_gate(DEFAULT_LIMITS)
    takes = ShardChange(shard=0, takes="1.a.1", charges={DAY: Decimal("5.4")})
    picture = DedupRecord(picture="ab#model", owner=job.id)
    claims = [
        TaskClaim(task_id=str(number), job_id="a", attempt=1, is_certain=certain, expires_at=LATER)
        for number, certain in enumerate((False, True))
    ]
    slot = FreeSlot(shard=0, most_holders=0, most_spent=Decimal(0), day=DAY)
    job = jobs.save(job, gate=[takes], slot=slot, picture=picture, tasks=claims)
    frees = ShardChange(shard=0, frees="1.a.1", charges={DAY: Decimal("-5.4")})
    job = jobs.save(job, gate=[frees, ShardChange(shard=None, frees="a")])
    jobs.postpone(job, LATER)
    jobs.save(replace(job, state=State.COMPLETED))
    jobs.free_slot(0, "1.a.1")
    jobs.forget_day(0, DAY)
    found = records.find_dedup_record("ab#model")
    assert found is not None
    records.save_dedup_record(found)
    kept = Kept(key="k", sha256="ab", job_id="a", task_id="t", credits=Decimal("5.4"))
    records.cache_result("ab#model", job.id, kept, LATER)
    head = LatestVersion(source_ref="uploads/a.jpg", order="0A", job_id="a")
    jobs.advance(head)
    jobs.newest_all([head.source_ref])
    jobs.claim_result_key("a.png", "uploads/a.jpg")
    jobs.waiting(1)
    jobs.carry_over()
    jobs.due(NOW, 1)
    jobs.backlog_status()
    list(jobs.moving())
    list(jobs.moved(State.COMPLETED, since=NOW, until=LATER))
    jobs.of_source("uploads", "shoes/red.jpg", 1)


def test_no_expression_names_a_reserved_word(expressions: set[str]) -> None:
    """Such names are given as placeholders, which begin with `#`.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
    """
    reserved = set(ReservedKeywords.get_reserved_keywords())
    names = {name for one in expressions for name in _NAME.findall(one)} - _OF_EXPRESSIONS
    assert {"pk", "holders", "gate", "purchase", "owner_ref", "claimed_by"} <= names
    assert {name for name in names if name.upper() in reserved} == set()


def test_list_of_reserved_words_has_those_that_items_use() -> None:
    """Otherwise the test above would find nothing."""
    reserved = set(ReservedKeywords.get_reserved_keywords())
    assert {"ROW", "STATE", "ORDER"} <= reserved
