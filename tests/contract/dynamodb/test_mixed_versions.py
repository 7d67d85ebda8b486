"""The previous version reads items of this one, while both run or after a roll-back.

The dataclasses below have the fields of that version, by which it reads items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoDedupRecords
from cutout.adapters.dynamodb.item_table import LostError, Put, Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.domain.gate.gate import DEFAULT_LIMITS, Gate, Limits
from cutout.domain.gate.pauses_and_slots import PauseReason, ShardChange
from cutout.domain.job.result import DedupRecord, Kept
from cutout.domain.job.source import LatestVersion
from cutout.domain.serialization import STORED_AS, from_row, to_row
from cutout.domain.states import State
from cutout.ports.jobs_table import TaskClaim
from tests.contract.dynamodb.table import TABLE, create_table
from tests.support.aws_account import Account
from tests.support.builders import LATER, NOW, PRICE, a_job, an_attempt, new_gate

YEARS_LATER = NOW.replace(year=2036)


@dataclass(frozen=True, kw_only=True)
class _EarlierPause:
    reason: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class _EarlierSuspicion:
    version: int
    counted: int
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class _EarlierGate:
    version: int = 0
    in_flight: int = 0
    day: date = date.min
    spent: Decimal = Decimal(0)
    price: Decimal = Decimal("5.4")
    limits: Limits | None = None
    deployed: Limits | None = None
    pause: _EarlierPause | None = None
    suspicion: _EarlierSuspicion | None = None

    def is_paused(self, now: datetime) -> bool:
        return self.pause is not None and (self.pause.until is None or now < self.pause.until)


@dataclass(frozen=True, kw_only=True)
class _EarlierRecord:
    picture: str
    owner: str = field(metadata={STORED_AS: "buyer"})
    expires_at: datetime | None = None
    version: int = 0
    kept: Kept | None = None
    waiting: tuple[str, ...] = ()


@pytest.fixture
def table(account: Account) -> Iterator[Table]:
    """An empty table."""
    with account() as clients:
        create_table(clients.dynamodb)
        yield Table(clients.dynamodb, TABLE)


@pytest.fixture
def jobs(table: Table) -> DynamoJobs:
    """This version's adapter."""
    return DynamoJobs(table, PRICE)


def _item(table: Table, pk: str) -> dict[str, Any]:
    item = table.get(pk)
    assert item is not None
    return item


def _earlier_gate(table: Table) -> _EarlierGate:
    return from_row(_EarlierGate, _item(table, "gate")["gate"])


def _earlier_record(table: Table) -> dict[str, object]:
    item = _item(table, "picture#ab#model")
    seen = from_row(_EarlierRecord, item["purchase"])
    assert item["version"] == seen.version
    return to_row(seen)


def _write_as_earlier(table: Table, gate: _EarlierGate) -> None:
    """Write the gate by the rules of the previous version: fields that it does not know stay."""
    stored = _item(table, "gate")["gate"]
    known = {column.name for column in fields(_EarlierGate)}
    newer = {name: value for name, value in stored.items() if name not in known}
    row = to_row(replace(gate, version=gate.version + 1))
    put = Put(
        item={"pk": "gate", "version": gate.version + 1, "gate": newer | row},
        condition="#version = :version",
        values={":version": gate.version},
    )
    table.write(put)


COUNTED = new_gate(carried_in_flight=2, carried_day=NOW.date(), carried_spent=Decimal("37.8"))
"""As the version before has counted its tasks and credits."""
PAUSED = COUNTED.pausing(PauseReason.OUT_OF_CREDITS, NOW, LATER)


@pytest.mark.parametrize(
    "gate",
    [
        new_gate().sealed(NOW),
        COUNTED.sealed(NOW),
        PAUSED.sealed(NOW),
        PAUSED.sealed(NOW).resuming(),
        COUNTED.sealed(NOW).limited(DEFAULT_LIMITS).swept(DEFAULT_LIMITS, NOW),
        COUNTED.sealed(NOW).priced(Decimal(7)),
    ],
    ids=["new", "counted", "paused", "resumed", "swept", "priced"],
)
def test_sealed_gate_is_paused_for_the_previous_version_until_a_person_resumes(
    table: Table, jobs: DynamoJobs, gate: Gate
) -> None:
    """The previous version reads every field that it needs, and admits nothing."""
    jobs.write_gate(gate)
    seen = _earlier_gate(table)
    assert seen.is_paused(YEARS_LATER)
    assert seen.pause is not None
    assert (seen.pause.reason, seen.pause.until) == ("newer-version", None)
    assert (seen.version, seen.in_flight) == (1, gate.carried_in_flight)
    assert (seen.day, seen.spent, seen.price) == (gate.carried_day, gate.carried_spent, gate.price)
    assert (seen.limits, seen.deployed) == (gate.limits, gate.deployed)
    assert int(_item(table, "gate")["version"]) == seen.version


def test_gate_of_the_previous_version_is_closed_before_this_one_admits(
    table: Table, jobs: DynamoJobs
) -> None:
    """What the previous version has counted counts here, and its pause is adopted."""
    item = to_row(_EarlierGate(version=4, in_flight=2, day=NOW.date(), spent=Decimal("37.8")))
    table.write(Put(item={"pk": "gate", "version": 4, "gate": item}))
    gate = jobs.read_gate()
    assert (gate.is_sealed, gate.in_flight) == (False, 2)
    assert gate.spent_on(NOW.date()) == Decimal("37.8")
    assert gate.free_slots == 1
    jobs.write_gate(gate.sealed(NOW))
    assert _earlier_gate(table).is_paused(YEARS_LATER)
    assert jobs.read_gate().why_closed(NOW) is None


def test_write_of_the_previous_version_to_the_gate_keeps_this_versions_fields(
    table: Table, jobs: DynamoJobs
) -> None:
    """It frees slots and counts credits of its own tasks; this version sees that at once."""
    jobs.write_gate(replace(PAUSED.sealed(NOW), most_shards=3))
    jobs.save(jobs.claim(a_job()), gate=[ShardChange(shard=2, takes="1.a.1")])
    before = _earlier_gate(table)
    _write_as_earlier(table, replace(before, in_flight=1, spent=before.spent - Decimal("5.4")))
    gate = jobs.read_gate()
    assert (gate.carried_in_flight, gate.in_flight) == (1, 1 + 1)
    assert gate.spent_on(NOW.date()) == Decimal("32.4")
    assert (gate.pause, gate.most_shards, gate.is_sealed) == (PAUSED.pause, 3, True)


def test_ended_task_of_the_previous_version_is_subtracted_from_that_versions_count(
    table: Table, jobs: DynamoJobs
) -> None:
    """A function of that version that has read the old count cannot write it back."""
    jobs.write_gate(COUNTED.sealed(NOW))
    before = _earlier_gate(table)
    jobs.save(jobs.claim(a_job()), gate=[ShardChange(shard=None, frees="a")])
    assert (_earlier_gate(table).in_flight, _earlier_gate(table).version) == (1, 2)
    with pytest.raises(LostError):
        _write_as_earlier(table, before)


def test_gate_that_the_previous_version_has_resumed_is_sealed_again(
    table: Table, jobs: DynamoJobs
) -> None:
    """A person resumed it with the old command line."""
    jobs.write_gate(PAUSED.sealed(NOW))
    _write_as_earlier(table, replace(_earlier_gate(table), pause=None))
    gate = jobs.read_gate()
    assert not gate.is_sealed
    jobs.write_gate(gate.sealed(LATER))
    assert jobs.read_gate().pause == PAUSED.pause
    assert _earlier_gate(table).is_paused(YEARS_LATER)


@pytest.mark.parametrize("state", State)
def test_previous_version_leaves_jobs_of_this_one_alone(
    table: Table, jobs: DynamoJobs, state: State
) -> None:
    """It does not know the slots that they hold: an item without `job` is a newer one to it.

    Its Sweep finds them by the same index, and needs their version and due time for that.
    """
    job = jobs.save(jobs.claim(a_job(state, attempts=(replace(an_attempt(), shard=0),))))
    item = _item(table, f"job#{job.id}")
    assert "job" not in item
    assert (item["version"], item["due_at"]) == (1, int(LATER.timestamp() * 1000))
    assert item["due_shard"] == "due"
    assert item.get("lane") != "holding"


def test_previous_version_reads_deduplication_records(table: Table) -> None:
    """New ones, those with waiting jobs, and those with a cached result."""
    records = DynamoDedupRecords(table)
    new = records.save_dedup_record(DedupRecord(picture="ab#model", owner="a"))
    assert _earlier_record(table) == to_row(new)
    waiting = records.save_dedup_record(replace(new, waiting=("b",)))
    assert _earlier_record(table) == to_row(waiting)
    kept = Kept(key="k", sha256="ab", job_id="a", task_id="t", credits=Decimal("5.4"))
    records.cache_result("ab#model", "a", kept, LATER)
    cached = replace(waiting, kept=kept, expires_at=LATER, version=2)
    assert _earlier_record(table) == to_row(cached)


def test_claims_and_latest_versions_have_the_form_of_the_previous_version(
    table: Table, jobs: DynamoJobs
) -> None:
    """Both versions write them, each over the other's."""
    claim = TaskClaim(task_id="t", job_id="a", attempt=2, is_certain=True, expires_at=LATER)
    jobs.save(jobs.claim(a_job()), tasks=[claim])
    jobs.claim_result_key("a.png", "uploads/a.jpg")
    jobs.advance(LatestVersion(source_ref="uploads/a.jpg", order="0A", job_id="a"))
    assert _item(table, "task#t") == {
        "pk": "task#t",
        "owner_ref": "a.2",
        "is_certain": True,
        "expires_at": int(LATER.timestamp()),
    }
    assert _item(table, "claim#a.png") == {"pk": "claim#a.png", "claimed_by": "uploads/a.jpg"}
    assert _item(table, "head#uploads/a.jpg") == {
        "pk": "head#uploads/a.jpg",
        "newest": {"source_ref": "uploads/a.jpg", "order": "0A", "job_id": "a"},
        "order": "0A",
    }
