"""Every stored text, list and number is limited, whatever uploaders and the provider send."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from cutout.adapters.dynamodb.job_item import job_item
from cutout.adapters.dynamodb.stored_limits import (
    LIST_LENGTHS,
    MOST_COUNTED,
    MOST_CREDITS,
    TEXT_BYTES,
    bounded,
)
from cutout.adapters.event_bus import detail
from cutout.adapters.telemetry_powertools import LOGGED_BYTES
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.sanitize import shortened
from tests.support.builders import PHOTO, a_job, an_attempt
from tests.support.strategies import JOBS

MOST_ROW_BYTES = 200 * 1024
"""DynamoDB takes 400 KB an item, EventBridge 256 KB an event."""
OWN_TEXT_BYTES = {
    "body_name": 16,
    "bucket": 63,
    "etag": 64,
    "id": 32,
    "idempotency_key": 64,
    "job_id": 32,
    "key": 1024,
    "read_sha256": 64,
    "result_key": 1024,
    "sequencer": 64,
    "sha256": 64,
    "version_id": 1024,
}
"""What S3 or Cutout makes, and how long that gets; the body of a call holds a link to a photo."""
ANY_TEXT = st.text(st.characters(), max_size=400)
"""Surrogates that stand alone, too."""


def largest(kind: Any, name: str = "") -> Any:
    """The largest value that a field of this type can have within its limit."""
    options = [option for option in get_args(kind) if option is not NoneType] or [kind]
    option = options[0]
    for listed in (kind, option):
        if get_origin(listed) is tuple:
            return tuple(largest(get_args(listed)[0], name) for _ in range(LIST_LENGTHS[name]))
    if is_dataclass(option):
        hints = get_type_hints(option)
        told: Any = option
        return told(
            **{field.name: largest(hints[field.name], field.name) for field in fields(told)}
        )
    if option is str:
        return "x" * (TEXT_BYTES | OWN_TEXT_BYTES)[name]
    values = {
        int: MOST_COUNTED,
        bool: False,
        Decimal: MOST_CREDITS - Decimal("0.000001"),
        date: date(2026, 11, 20),
        datetime: datetime(2026, 11, 20, 23, 59, 59, 999999, tzinfo=UTC),
    }
    return values[option] if option in values else max(option, key=lambda word: len(word.value))


def test_every_text_of_a_job_has_a_limit_or_is_our_own() -> None:
    """A new field has to be added to one of the two tables."""
    job = largest(Job)
    assert bounded(job) == job


def test_the_largest_job_is_far_below_the_limits_of_the_table_and_the_event_bus() -> None:
    """With every field at its limit and every list full."""
    job: Job = largest(Job)
    typed = {name: TypeSerializer().serialize(value) for name, value in job_item(job).items()}
    assert len(json.dumps(typed).encode()) < MOST_ROW_BYTES
    assert len(json.dumps(detail(job)).encode()) < MOST_ROW_BYTES


@given(job=JOBS, text=ANY_TEXT)
def test_a_job_with_any_texts_can_be_written(job: Job, text: str) -> None:
    """UTF-8 encodes them all, and limiting twice changes nothing."""
    photo = replace(PHOTO, profile=text)
    told = replace(
        job, code=text, message=text * 9, photo=photo, attempts=(an_attempt(task_id=text),)
    )
    within = bounded(told)
    assert bounded(within) == within
    assert within.message is not None
    assert len(within.message.encode()) <= TEXT_BYTES["message"]
    for value in job_item(within).values():
        json.dumps(TypeSerializer().serialize(value), ensure_ascii=False).encode()


@given(text=ANY_TEXT, most=st.integers(10, 100))
def test_a_text_is_cut_between_characters_and_marked(text: str, most: int) -> None:
    """A short text stays, except for characters that cannot be encoded."""
    within = shortened(text, most)
    storable = text.encode(errors="replace").decode()
    assert within == storable or (within[-1] == "…" and storable.startswith(within[:-1]))
    assert len(within.encode()) <= most


@pytest.mark.parametrize(
    ("credits_", "stored"),
    [
        ("5.4", "5.4"),
        ("1E+400", str(MOST_CREDITS)),
        ("-1E+400", str(-MOST_CREDITS)),
        ("1E-200", "0.000000"),
        ("5." + "3" * 50, "5.333333"),
        ("NaN", "0"),
        ("Infinity", "0"),
    ],
)
def test_credits_are_limited_to_what_the_table_accepts(credits_: str, stored: str) -> None:
    """It accepts 38 digits, and raises an error for more."""
    attempt = bounded(an_attempt(credits_reserved=Decimal(credits_)))
    assert str(attempt.credits_reserved) == stored
    TypeSerializer().serialize(attempt.credits_reserved)


def test_of_a_list_that_is_too_long_the_newest_entries_stay() -> None:
    """An operator may retry a photo any number of times."""
    attempts = tuple(an_attempt(number) for number in range(1, 100))
    numbers = [attempt.number for attempt in bounded(a_job(attempts=attempts)).attempts]
    assert numbers == list(range(100 - LIST_LENGTHS["attempts"], 100))


def test_a_job_within_its_limits_is_returned_unchanged() -> None:
    """The same object, as most jobs are within their limits."""
    job = a_job(photo=PHOTO, attempts=(an_attempt(),))
    assert bounded(job) is job
    assert isinstance(job.attempts[0], Attempt)


def test_the_limits_add_up_to_a_few_kilobytes() -> None:
    """A raised limit must still fit into the largest job."""
    assert (len(TEXT_BYTES), sum(TEXT_BYTES.values())) == (13, 3420)
    assert LIST_LENGTHS == {"attempts": 30, "history": 60, "recipes": 20, "variants": 50}
    assert (Decimal(10**9), 10**15, 1000) == (MOST_CREDITS, MOST_COUNTED, LOGGED_BYTES)
