"""Values written to the table are read back unchanged."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given

from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.result import DedupRecord
from cutout.domain.job.source import LatestVersion, Photo
from cutout.domain.reasons import Reason
from cutout.domain.serialization import (
    Row,
    from_row,
    json_fields,
    json_object,
    to_row,
    to_small_row,
)
from cutout.domain.states import AttemptOutcome, Lane, State
from tests.support.builders import NOW, PHOTO, PRICE, RESULT, a_gate, a_job, an_attempt, new_gate
from tests.support.strategies import GATES, JOBS

FULL_JOB = a_job(
    State.COMPLETED,
    reason=None,
    photo=PHOTO,
    result=RESULT,
    result_key=RESULT.key,
    attempts=(an_attempt(1, outcome=AttemptOutcome.SUCCEEDED, task_id="task-1"),),
    storing_attempt=1,
    expires_at=NOW,
)
OPTIONAL_FIELDS = [
    field.name
    for field in fields(Job)
    if field.name
    not in {
        "id",
        "source",
        "state",
        "created_at",
        "updated_at",
        "entered_at",
    }
]


def through_dynamodb(row: Row) -> Row:
    """The row as the table returns it: every number is a Decimal."""
    write, read = TypeSerializer().serialize, TypeDeserializer().deserialize
    plain: Row = read(write(row))
    return plain


@given(job=JOBS)
def test_every_job_is_read_as_it_was_written(job: Job) -> None:
    """Whatever its fields hold, in their types."""
    row = through_dynamodb(to_row(job))
    assert from_row(Job, row) == job


@given(job=JOBS)
def test_every_job_is_read_from_its_small_row(job: Job) -> None:
    """The same job, to the microsecond, with the omitted defaults."""
    row = through_dynamodb(to_small_row(job))
    assert from_row(Job, row) == job


@given(gate=GATES)
def test_every_gate_is_read_as_it_was_written(gate: Gate) -> None:
    """Whatever its limits, its pause and an earlier version's counts."""
    row = through_dynamodb(to_row(gate))
    assert from_row(Gate, row) == gate


@pytest.mark.parametrize("job_id", [None, "a00fc0b0b75cd1e67b0d7024ca35e9a9"])
def test_latest_versions_are_read_as_they_were_written(job_id: str | None) -> None:
    """The newest upload of a key, or its deletion."""
    head = LatestVersion(source_ref="uploads/a.jpg", order="00AB", job_id=job_id)
    assert from_row(LatestVersion, through_dynamodb(to_row(head))) == head


def test_rows_hold_plain_values() -> None:
    """Enums become text, times ISO 8601, tuples lists; None is omitted."""
    job = a_job(
        photo=PHOTO,
        attempts=(an_attempt(),),
        history=(HistoryEntry(state=State.QUEUED, at=NOW, reason=Reason.GATE_FULL),),
    )
    row = to_row(job)
    assert row == {
        "id": job.id,
        "source": {
            "bucket": "uploads",
            "key": "shoes/red.jpg",
            "version_id": "v1",
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "sequencer": "00691ED95F3C4B2A11",
            "size": 19394,
        },
        "state": "queued",
        "created_at": "2026-11-20T09:15:27+00:00",
        "updated_at": "2026-11-20T09:15:27+00:00",
        "version": 0,
        "due_at": "2026-11-20T09:20:27+00:00",
        "look_at": "2026-11-20T09:20:27+00:00",
        "tries": 0,
        "entered_at": "2026-11-20T09:15:27+00:00",
        "handovers_failed": 0,
        "lane": "live",
        "is_first": False,
        "is_fresh": False,
        "is_waiting": False,
        "is_announced": False,
        "photo": {
            "format": "jpeg",
            "width": 600,
            "height": 400,
            "sha256": "c0" * 32,
            "orientation": 1,
            "has_alpha": False,
        },
        "preparations": 0,
        "failures": 0,
        "cut_short": 0,
        "attempts": [
            {
                "number": 1,
                "idempotency_key": "cutout-1-1",
                "started_at": "2026-11-20T09:15:27+00:00",
                "posts": 1,
                "outcome": "open",
                "credits_reserved": Decimal("5.4"),
                "is_replayed": False,
                "is_adopted": False,
                "is_asked_again": False,
                "is_taken": False,
                "is_probe": False,
            }
        ],
        "variants": [],
        "history": [{"state": "queued", "at": "2026-11-20T09:15:27+00:00", "reason": "gate-full"}],
    }
    assert {type(row["state"]), type(row["lane"])} == {str}


def test_a_small_row_omits_defaults_and_holds_times_as_microseconds() -> None:
    """At every depth; a number needs half the room of a text."""
    job = a_job(
        photo=PHOTO,
        attempts=(an_attempt(shard=0, day=NOW.date()),),
        history=(HistoryEntry(state=State.QUEUED, at=NOW, reason=Reason.GATE_FULL),),
    )
    at = 1_795_166_127_000_000
    row = to_small_row(job)
    assert row == {
        "id": job.id,
        "source": {
            "bucket": "uploads",
            "key": "shoes/red.jpg",
            "version_id": "v1",
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "sequencer": "00691ED95F3C4B2A11",
            "size": 19394,
        },
        "state": "queued",
        "created_at": at,
        "updated_at": at,
        "due_at": at + 300_000_000,
        "look_at": at + 300_000_000,
        "entered_at": at,
        "photo": {"format": "jpeg", "width": 600, "height": 400, "sha256": "c0" * 32},
        "attempts": [
            {
                "number": 1,
                "idempotency_key": "cutout-1-1",
                "started_at": at,
                "day": "2026-11-20",
                "credits_reserved": Decimal("5.4"),
                "shard": 0,
            }
        ],
        "history": [{"state": "queued", "at": at, "reason": "gate-full"}],
    }
    assert {type(row["state"]), type(row["created_at"])} == {str, int}


def test_a_small_row_keeps_values_that_resemble_a_default() -> None:
    """Credits of zero are not unknown ones, and the first shard is not None."""
    attempt = an_attempt(shard=0, credits_used=Decimal(0), code="", posts=2)
    row = to_small_row(attempt)
    assert {name: row[name] for name in ("shard", "credits_used", "code", "posts")} == {
        "shard": 0,
        "credits_used": Decimal(0),
        "code": "",
        "posts": 2,
    }
    assert from_row(Attempt, through_dynamodb(row)) == attempt


def test_fields_of_a_later_version_are_ignored() -> None:
    """A row that a newer deployment wrote can be read, at every depth."""
    row: dict[str, Any] = to_row(FULL_JOB) | {"colour": "red"}
    row["photo"]["depth"] = 8
    row["attempts"][0]["mood"] = {"good": True}
    assert from_row(Job, row) == FULL_JOB


@pytest.mark.parametrize("name", OPTIONAL_FIELDS)
def test_missing_fields_get_their_defaults(name: str) -> None:
    """A row that an earlier deployment wrote can be read."""
    row = to_row(FULL_JOB)
    row.pop(name, None)
    default: Any = next(field.default for field in fields(Job) if field.name == name)
    changed: dict[str, Any] = {name: default}
    assert from_row(Job, row) == replace(FULL_JOB, **changed)


def test_missing_fields_of_an_attempt_get_their_defaults() -> None:
    """At every depth."""
    row = {"number": 1, "idempotency_key": "k", "started_at": "2026-11-20T09:15:27+00:00"}
    assert from_row(Attempt, row) == Attempt(number=1, idempotency_key="k", started_at=NOW)


def test_times_keep_their_microseconds_and_their_zone() -> None:
    """Aware, and exact."""
    at = datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=UTC)
    step = HistoryEntry(state=State.STORING, at=at)
    assert from_row(HistoryEntry, to_row(step)) == step
    assert from_row(HistoryEntry, through_dynamodb(to_small_row(step))) == step
    gate = a_gate(carried_day=at.date(), shards=())
    assert from_row(Gate, to_row(gate)).carried_day == at.date()


def test_a_gate_keeps_the_names_that_earlier_versions_read() -> None:
    """They find their own counts, and a pause that stops their admissions."""
    seal = Pause(reason=PauseReason.NEWER_VERSION, since=NOW, until=None)
    pause = replace(seal, reason=PauseReason.OPERATOR)
    gate = a_gate(
        carried_in_flight=2,
        carried_day=NOW.date(),
        carried_spent=Decimal(9),
        seal=seal,
        pause=pause,
        shards=(),
    )
    assert gate.is_sealed
    row = to_row(gate)
    assert (row["in_flight"], row["day"], row["spent"]) == (2, "2026-11-20", Decimal(9))
    at = "2026-11-20T09:15:27+00:00"
    assert row["pause"] == {"reason": "newer-version", "since": at}
    assert row["paused"] == {"reason": "operator", "since": at}


def test_the_gate_of_an_earlier_version_is_read() -> None:
    """Its counts are carried over, and its pause is read as the seal."""
    row: Row = {
        "version": 7,
        "in_flight": 2,
        "day": "2026-11-20",
        "spent": Decimal("20.4"),
        "price": Decimal("5.5"),
        "limits": {"max_in_flight": 4, "daily_credit_cap": Decimal(900)},
        "pause": {"reason": "operator", "since": "2026-11-20T09:15:27+00:00"},
        "suspicion": {"version": 6, "counted": 1, "since": "2026-11-20T09:15:27+00:00"},
    }
    gate = from_row(Gate, through_dynamodb(row) | {"usual_price": PRICE})
    assert not gate.is_sealed
    assert gate == new_gate(
        version=7,
        carried_in_flight=2,
        carried_day=NOW.date(),
        carried_spent=Decimal("20.4"),
        price=Decimal("5.5"),
        limits=Limits(max_in_flight=4, daily_credit_cap=Decimal(900)),
        seal=Pause(reason=PauseReason.OPERATOR, since=NOW, until=None),
    )


def test_numbers_and_enums_are_read_in_their_own_types() -> None:
    """A width is an int again, a lane a Lane."""
    job = from_row(Job, through_dynamodb(to_row(FULL_JOB)))
    assert job.photo is not None
    assert (type(job.photo.width), type(job.version)) == (int, int)
    assert (job.lane, type(job.lane), type(job.is_waiting)) == (Lane.LIVE, Lane, bool)


def test_a_missing_required_field_is_an_error() -> None:
    """A row without its id is no job."""
    row = to_row(FULL_JOB)
    del row["id"]
    with pytest.raises(TypeError, match="id"):
        from_row(Job, row)


@pytest.mark.parametrize("value", ["text", 7, None, Photo])
def test_only_instances_of_dataclasses_can_be_written(value: object) -> None:
    """Anything else is a bug."""
    for write in (to_row, to_small_row):
        with pytest.raises(TypeError, match="is no object"):
            write(value)


@pytest.mark.parametrize(
    "facts",
    [{"waiting": "ab"}, {"waiting": [1]}, {"waiting": None}, {"buyer": 7}, {"kept": "k"}],
)
def test_text_and_lists_are_not_converted(facts: Row) -> None:
    """Untrusted messages may hold anything: a text is no list of texts."""
    with pytest.raises(TypeError, match="is no"):
        from_row(DedupRecord, {"picture": "p", "buyer": "o"} | facts)


def test_fields_for_json_are_text_and_numbers() -> None:
    """In the order of their names; what JSON has itself stays as it is."""
    made = an_attempt(credits_used=Decimal("5.4"), code="busy")
    assert list(json_fields(made, "started_at", "outcome", "code", "credits_used").items()) == [
        ("started_at", made.started_at.isoformat()),
        ("outcome", made.outcome.value),
        ("code", "busy"),
        ("credits_used", 5.4),
    ]
    assert type(json_fields(made, "outcome")["outcome"]) is str


@pytest.mark.parametrize("text", ["", "x", "[1]", "7", "[" * 100_000, b"\xff"])
def test_an_untrusted_text_that_is_no_object_counts_as_an_empty_one(text: str | bytes) -> None:
    """Anybody who may send to a queue chooses the text, and how deep it is nested."""
    assert json_object(text) == {}
    assert json_object('{"a": 1}') == {"a": 1}
