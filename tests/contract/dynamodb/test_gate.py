"""The gate: slots and credits in shards, written with the jobs; the rest in an item of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from cutout.domain.errors import LostRaceError
from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import FreeSlot, Pause, PauseReason, Shard, ShardChange
from cutout.domain.job.result import DedupRecord
from cutout.domain.states import State
from cutout.ports.jobs_table import (
    DedupRecordMovedError,
    DedupRecords,
    GateMovedError,
    JobMovedError,
    ResultKeyTakenError,
    TaskClaim,
    TaskTakenError,
)
from tests.contract.dynamodb.table import Store
from tests.support.builders import LATER, NOW, PRICE, a_job, new_gate

DAY = NOW.date()
MANY = Limits(max_in_flight=24, daily_credit_cap=Decimal(5000))
"""Divided over three shards."""
RECORD = DedupRecord(picture="ab#model", owner=a_job().id)
CLAIM = TaskClaim(task_id="t-1", job_id=a_job().id, attempt=1, is_certain=True, expires_at=LATER)
OTHER_CLAIM = replace(CLAIM, job_id="f" * 32)


def takes(shard: int = 0, name: str = "a", price: Decimal = PRICE, day: date = DAY) -> ShardChange:
    """The change by which an attempt takes a slot and is charged."""
    return ShardChange(shard=shard, takes=name, charges={day: price})


def frees(
    shard: int | None = 0, name: str = "a", charges: Mapping[date, Decimal] | None = None
) -> ShardChange:
    """The change by which an attempt's slot becomes free."""
    return ShardChange(shard=shard, frees=name, charges=charges or {})


def slot(
    shard: int = 0, most_holders: int = 0, most_spent: Decimal | int = 100, day: date = DAY
) -> FreeSlot:
    """A place that is free while the shard has at most so many holders and so much is spent."""
    return FreeSlot(shard=shard, most_holders=most_holders, most_spent=Decimal(most_spent), day=day)


def held(*names: str, spent: Decimal = PRICE) -> Shard:
    """A shard with these holders, and what was spent on the day of `NOW`."""
    return Shard(holders=frozenset(names), spent={DAY: spent})


def test_job_and_its_slot_are_written_together(store: Store) -> None:
    """The slot is taken and charged when the attempt is recorded, in the shard that it names."""
    job = store.claim(a_job())
    saved = store.save(replace(job, state=State.SUBMITTING), gate=[takes(2)], slot=slot(2))
    assert store.find(job.id) == saved
    assert store.read_gate(MANY).shards == (Shard(), Shard(), held("a"))


def test_slot_is_taken_and_freed_once_however_often_the_change_is_written(store: Store) -> None:
    """A slot has a name. Credits are added each time, so they are written with the job alone."""
    job = store.claim(a_job())
    for _ in range(2):
        job = store.save(job, gate=[ShardChange(shard=0, takes="a")])
    assert store.read_gate().in_flight == 1
    for _ in range(2):
        job = store.save(job, gate=[frees()])
    assert store.read_gate().in_flight == 0
    assert store.read_gate().shards == (Shard(),)


def test_credits_add_up_by_day(store: Store) -> None:
    """Refunds are subtracted, also when the slot is free already."""
    next_day = DAY + timedelta(days=1)
    job = store.save(store.claim(a_job()), gate=[takes(name="a")])
    job = store.save(job, gate=[takes(name="b", day=next_day)])
    store.save(job, gate=[frees(charges={DAY: -PRICE, next_day: Decimal("0.000001")})])
    gate = store.read_gate()
    assert gate.shards[0].holders == {"b"}
    assert [gate.spent_on(day) for day in (DAY, next_day)] == [Decimal(0), Decimal("5.400001")]


def test_one_write_may_change_several_shards(store: Store) -> None:
    """The next attempt of a job takes its slot in another shard."""
    job = store.save(store.claim(a_job()), gate=[takes(1)])
    store.save(
        job, gate=[takes(0, "b"), frees(1, charges={DAY: -PRICE})], slot=slot(most_holders=0)
    )
    shards = store.read_gate(MANY).shards
    assert shards == (held("b"), held(spent=Decimal(0)), Shard())


@pytest.mark.parametrize(
    "free",
    [
        slot(most_holders=0),
        slot(most_holders=1, most_spent=PRICE - Decimal("0.000001")),
        slot(most_holders=0, most_spent=0),
    ],
    ids=["the slot", "the credits", "both"],
)
def test_slot_that_is_no_longer_free_is_not_taken(
    store: Store, records: DedupRecords, free: FreeSlot
) -> None:
    """Nothing of the transaction is written: neither job nor record, claim or charge."""
    store.save(store.claim(a_job(id="e" * 32)), gate=[takes(name="other")])
    job = store.claim(a_job(look_at=LATER))
    with pytest.raises(GateMovedError):
        store.save(
            replace(job, state=State.SUBMITTING),
            gate=[takes()],
            slot=free,
            picture=RECORD,
            tasks=[CLAIM],
        )
    assert store.find(job.id) == job
    assert store.read_gate().shards == (held("other"),)
    assert records.find_dedup_record(RECORD.picture) is None
    store.save(store.claim(a_job(id="f" * 32)), tasks=[OTHER_CLAIM])


@pytest.mark.parametrize(
    "free",
    [
        slot(most_holders=1, most_spent=PRICE),
        slot(most_holders=2),
        slot(most_holders=1, most_spent=0, day=DAY + timedelta(days=1)),
    ],
    ids=["the last", "one of many", "the next day"],
)
def test_slot_that_is_still_free_is_taken(store: Store, free: FreeSlot) -> None:
    """As many holders and credits as the place allows, on the day that it names."""
    store.save(store.claim(a_job(id="e" * 32)), gate=[takes(name="other")])
    store.save(store.claim(a_job()), gate=[takes(day=free.day)], slot=free)
    assert store.read_gate().in_flight == 2


def test_condition_of_a_slot_does_not_keep_other_slots_from_being_freed(store: Store) -> None:
    """Only the shard in which it is taken must have room."""
    job = store.save(store.claim(a_job()), gate=[takes(1), takes(2, "b")])
    store.save(job, gate=[frees(1), takes(0, "c")], slot=slot(0))
    assert [shard.holders for shard in store.read_gate(MANY).shards] == [{"c"}, set(), {"b"}]


def test_job_slot_record_and_claim_are_written_together(
    store: Store, records: DedupRecords
) -> None:
    """One transaction admits a job."""
    job = store.claim(a_job())
    saved = store.save(
        replace(job, state=State.SUBMITTING),
        gate=[takes()],
        slot=slot(),
        picture=RECORD,
        tasks=[CLAIM],
    )
    assert store.find(job.id) == saved
    assert store.read_gate().shards == (held("a"),)
    assert records.find_dedup_record(RECORD.picture) == replace(RECORD, version=0)
    with pytest.raises(TaskTakenError):
        store.save(store.claim(a_job(id="f" * 32)), tasks=[OTHER_CLAIM])


@pytest.mark.parametrize("version", [-1, 1])
def test_job_is_not_admitted_if_its_record_has_changed(
    store: Store, records: DedupRecords, version: int
) -> None:
    """Another job owns the photo by now; the error carries its record."""
    winner = records.save_dedup_record(replace(RECORD, owner="e" * 32))
    job = store.claim(a_job(look_at=LATER))
    with pytest.raises(DedupRecordMovedError) as lost:
        store.save(
            replace(job, state=State.SUBMITTING),
            gate=[takes()],
            slot=slot(),
            picture=replace(RECORD, version=version),
            tasks=[CLAIM],
        )
    assert lost.value.winner == winner
    assert store.find(job.id) == job
    assert store.read_gate().shards == (Shard(),)
    assert records.find_dedup_record(RECORD.picture) == winner
    store.save(store.claim(a_job(id="f" * 32)), tasks=[OTHER_CLAIM])


def test_error_about_an_expired_record_has_no_winner(store: Store) -> None:
    """The record was read, and DynamoDB has deleted it since."""
    with pytest.raises(DedupRecordMovedError) as lost:
        store.save(store.claim(a_job()), gate=[takes()], picture=replace(RECORD, version=3))
    assert lost.value.winner is None


def test_job_that_has_changed_takes_no_slot(store: Store, records: DedupRecords) -> None:
    """Nothing of the transaction is written."""
    job = store.claim(a_job())
    winner = store.save(job)
    with pytest.raises(JobMovedError) as lost:
        store.save(job, gate=[takes()], slot=slot(), picture=RECORD, tasks=[CLAIM])
    assert lost.value.winner == winner
    assert store.read_gate().shards == (Shard(),)
    assert records.find_dedup_record(RECORD.picture) is None
    store.save(store.claim(a_job(id="f" * 32)), tasks=[OTHER_CLAIM])


def test_of_several_lost_conditions_the_job_is_reported_first_then_slot_record_key_and_task(
    store: Store, records: DedupRecords
) -> None:
    """A worker that lost the job decides nothing else; a slot or a record is read again."""
    store.save(store.claim(a_job(id="f" * 32)), gate=[takes(name="other")], tasks=[OTHER_CLAIM])
    records.save_dedup_record(replace(RECORD, owner="f" * 32))
    store.claim_result_key("a.png", "uploads/a.png")
    job = store.claim(a_job())
    moved = store.save(job)
    errors: list[type[Exception]] = []
    for version, most_holders, record, key in (
        (0, 0, -1, "a.png"),
        (1, 0, -1, "a.png"),
        (1, 1, -1, "a.png"),
        (1, 1, 0, "a.png"),
        (1, 1, 0, "a.jpg.png"),
    ):
        with pytest.raises(LostRaceError) as lost:
            store.save(
                replace(moved, version=version),
                gate=[takes()],
                slot=slot(most_holders=most_holders),
                picture=replace(RECORD, version=record),
                tasks=[CLAIM],
                result_key=key,
            )
        errors.append(lost.type)
    assert errors == [
        JobMovedError,
        GateMovedError,
        DedupRecordMovedError,
        ResultKeyTakenError,
        TaskTakenError,
    ]
    assert store.claim_result_key("a.jpg.png", "uploads/b.png")


def test_slot_can_be_freed_without_a_job(store: Store) -> None:
    """Sweep frees a slot whose job is gone; nothing happens if it is free, or was never held."""
    store.save(store.claim(a_job()), gate=[takes(name="a"), takes(1, "b")])
    for shard, name in ((0, "a"), (0, "a"), (1, "a"), (2, "c")):
        store.free_slot(shard, name)
    gate = store.read_gate(MANY)
    assert [shard.holders for shard in gate.shards] == [set(), {"b"}, set()]
    assert gate.spent_on(DAY) == 2 * PRICE


def test_job_is_found_together_with_whether_jobs_wait_at_the_gate(store: Store) -> None:
    """Either of the two may be missing."""
    assert store.find_at_gate(a_job().id) == (None, False)
    job = store.claim(a_job())
    assert store.find_at_gate(job.id) == (job, False)
    gate = store.write_gate(replace(store.read_gate(), has_waiting=True))
    assert store.find_at_gate(job.id) == (job, True)
    store.write_gate(replace(gate, has_waiting=False))
    assert store.find_at_gate(job.id) == (job, False)
    assert store.find_at_gate("f" * 32) == (None, False)


def test_credits_of_a_day_can_be_deleted(store: Store) -> None:
    """Once or twice; slots and other days stay."""
    next_day = DAY + timedelta(days=1)
    job = store.save(store.claim(a_job()), gate=[takes()])
    store.save(job, gate=[takes(name="b", day=next_day)])
    for _ in range(2):
        store.forget_day(0, DAY)
    assert store.read_gate().shards == (
        Shard(holders=frozenset({"a", "b"}), spent={next_day: PRICE}),
    )
    store.forget_day(1, DAY)
    assert store.read_gate(MANY).shards[1] == Shard()


WHOLE_GATE = new_gate(
    price=Decimal("5.40"),
    limits=Limits(max_in_flight=20, daily_credit_cap=Decimal("1E+3")),
    deployed=MANY,
    pause=Pause(reason=PauseReason.OUT_OF_CREDITS, since=NOW, until=LATER),
    most_shards=3,
    carried_in_flight=2,
    carried_day=DAY,
    carried_spent=Decimal("12.34"),
    seal=Pause(reason=PauseReason.NEWER_VERSION, since=NOW, until=None),
)
ENDLESS = Pause(reason=PauseReason.KEY_REFUSED, since=NOW, until=None)


@pytest.mark.parametrize("gate", [new_gate(), WHOLE_GATE, new_gate(pause=ENDLESS)])
def test_gates_item_is_read_as_it_was_written(store: Store, gate: Gate) -> None:
    """A new one if there is none; each write increments the version and leaves the shards alone."""
    assert store.read_gate() == new_gate()
    store.save(store.claim(a_job()), gate=[takes()])
    written = store.write_gate(gate)
    assert written == replace(gate, version=1)
    shards = (held("a"), *[Shard()] * (gate.most_shards - 1))
    assert store.read_gate() == replace(written, shards=shards)
    assert store.write_gate(written) == replace(gate, version=2)


@pytest.mark.parametrize("version", [0, 1, 3])
def test_gate_that_has_changed_is_not_written(store: Store, version: int) -> None:
    """Neither by a writer with an older version nor by one with none."""
    winner = store.write_gate(store.write_gate(new_gate(price=Decimal(7))))
    with pytest.raises(GateMovedError):
        store.write_gate(new_gate(version=version, price=Decimal(9)))
    assert store.read_gate() == winner


@pytest.mark.parametrize(
    ("gate", "deployed"),
    [
        (new_gate(), MANY),
        (new_gate(most_shards=3), None),
        (new_gate(most_shards=3), Limits(max_in_flight=1, daily_credit_cap=Decimal(10))),
        (new_gate(limits=MANY), None),
        (new_gate(limits=MANY), Limits(max_in_flight=9, daily_credit_cap=Decimal(5000))),
    ],
    ids=["deployed", "of higher limits before", "of a deployment before", "set", "set over two"],
)
def test_every_shard_that_may_be_in_use_is_read(
    store: Store, gate: Gate, deployed: Limits | None
) -> None:
    """A slot in a shard that is not read would be given away twice."""
    store.write_gate(gate)
    store.save(store.claim(a_job()), gate=[takes(2)])
    read = store.read_gate(deployed)
    assert (read.in_flight, len(read.shards)) == (1, 3)


def test_more_shards_are_read_than_one_batch_has_keys(store: Store) -> None:
    """Limits never make so many shards, but another version may have."""
    store.write_gate(new_gate(most_shards=150))
    store.save(store.claim(a_job()), gate=[takes(149)])
    assert store.read_gate(MANY).shards[149].holders == {"a"}


def test_task_of_an_earlier_version_is_subtracted_from_that_versions_count(store: Store) -> None:
    """The item's version is incremented, so that nobody writes the old count over it."""
    gate = store.write_gate(WHOLE_GATE)
    store.save(store.claim(a_job()), gate=[frees(None)])
    read = store.read_gate()
    assert (read.carried_in_flight, read.in_flight, read.version) == (1, 1, 2)
    with pytest.raises(GateMovedError):
        store.write_gate(gate)
