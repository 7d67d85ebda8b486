"""Jobs and gates that Hypothesis generates: every field has every kind of value it may have."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st

from cutout.domain.gate.gate import Gate, Limits
from cutout.domain.gate.pauses_and_slots import Pause, PauseReason
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.result import Result, Reuse, ReviewDecision, Variant, Verdict
from cutout.domain.job.source import Photo, Prepared, Source, Upright
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, Pixels, State, Transport

T = TypeVar("T")


def drawn(kind: type[T], **drawn_fields: st.SearchStrategy[Any]) -> st.SearchStrategy[T]:
    """Return instances of a dataclass; a field that is not drawn is an error, not a default."""
    missing = {field.name for field in fields(kind)} - set(drawn_fields)  # type: ignore[arg-type]
    if missing:
        raise TypeError(f"{kind.__name__} has fields that are not drawn: {sorted(missing)}")
    return st.builds(kind, **drawn_fields)


_TEXTS = st.text(max_size=20)
_COUNTS = st.integers(0, 10**9)
_TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - the zone is drawn beside it
    timezones=st.just(UTC),
)
_CREDITS = st.decimals(min_value=Decimal(0), max_value=Decimal(10**6), places=2, allow_nan=False)
_HEX = st.text("0123456789abcdef", min_size=32, max_size=32)

SOURCES = drawn(
    Source,
    bucket=_TEXTS,
    key=_TEXTS,
    version_id=st.none() | _TEXTS,
    etag=_TEXTS,
    sequencer=_HEX,
    size=_COUNTS,
    modified_at=st.none() | _TIMES,
)
PHOTOS = drawn(
    Photo,
    format=_TEXTS,
    width=_COUNTS,
    height=_COUNTS,
    sha256=_HEX,
    orientation=st.integers(1, 8),
    profile=st.none() | _TEXTS,
    has_alpha=st.booleans(),
)
ATTEMPTS = drawn(
    Attempt,
    number=st.integers(1, 9999),
    idempotency_key=_TEXTS,
    started_at=_TIMES,
    posts=st.integers(1, 2),
    day=st.none() | st.dates(),
    repeat_day=st.none() | st.dates(),
    file_id=st.none() | _TEXTS,
    outcome=st.sampled_from(AttemptOutcome),
    task_id=st.none() | _TEXTS,
    credits_reserved=st.none() | _CREDITS,
    credits_used=st.none() | _CREDITS,
    code=st.none() | _TEXTS,
    message=st.none() | _TEXTS,
    is_replayed=st.booleans(),
    is_adopted=st.booleans(),
    named_task=st.none() | _TEXTS,
    not_found_since=st.none() | _TIMES,
    is_asked_again=st.booleans(),
    is_taken=st.booleans(),
    body_name=st.none() | _HEX,
    shard=st.none() | st.integers(0, 63),
    is_probe=st.booleans(),
    model=st.none() | _TEXTS,
)
PREPARED = drawn(
    Prepared,
    key=_TEXTS,
    format=_TEXTS,
    size=_COUNTS,
    width=_COUNTS,
    height=_COUNTS,
    made_at=_TIMES,
)
RESULTS = drawn(
    Result,
    bucket=_TEXTS,
    key=_TEXTS,
    size=_COUNTS,
    width=_COUNTS,
    height=_COUNTS,
    sha256=_HEX,
    pixels=st.sampled_from(Pixels),
    remark=st.none() | _TEXTS,
)
VARIANTS = drawn(
    Variant,
    recipe=_TEXTS,
    format=_TEXTS,
    made_at=_TIMES,
    key=st.none() | _TEXTS,
    size=_COUNTS,
    width=_COUNTS,
    height=_COUNTS,
    sha256=_HEX,
    problem=st.none() | _TEXTS,
)
REASONS = st.none() | st.sampled_from(Reason)
STEPS = drawn(HistoryEntry, state=st.sampled_from(State), at=_TIMES, reason=REASONS)
JOBS = drawn(
    Job,
    id=_HEX,
    source=SOURCES,
    state=st.sampled_from(State),
    created_at=_TIMES,
    updated_at=_TIMES,
    version=_COUNTS,
    result_key=st.none() | _TEXTS,
    due_at=st.none() | _TIMES,
    look_at=st.none() | _TIMES,
    tries=_COUNTS,
    entered_at=_TIMES,
    trying_since=st.none() | _TIMES,
    storing_attempt=st.none() | st.integers(1, 9999),
    transport=st.none() | st.sampled_from(Transport),
    handovers_failed=_COUNTS,
    lane=st.sampled_from(Lane),
    is_first=st.booleans(),
    bypass_cache=st.booleans(),
    reused=st.none()
    | drawn(
        Reuse,
        job_id=_HEX,
        key=_TEXTS,
        sha256=_HEX,
        task_id=_TEXTS,
        credits_saved=_CREDITS,
        is_of_copy=st.booleans(),
        is_accepted=st.booleans(),
    ),
    is_waiting=st.booleans(),
    is_announced=st.booleans(),
    reason=REASONS,
    code=st.none() | _TEXTS,
    message=st.none() | _TEXTS,
    photo=st.none() | PHOTOS,
    read_sha256=st.none() | _HEX,
    prepared=st.none() | PREPARED,
    preparations=_COUNTS,
    upright=st.none() | drawn(Upright, made_at=_TIMES, problem=st.none() | _TEXTS),
    failures=_COUNTS,
    cut_short=_COUNTS,
    decision=st.none()
    | drawn(
        ReviewDecision,
        verdict=st.sampled_from(Verdict),
        by=_TEXTS,
        at=_TIMES,
        over=st.sampled_from(Reason),
        problem=st.none() | _TEXTS,
    ),
    attempts=st.lists(ATTEMPTS, max_size=3).map(tuple),
    result=st.none() | RESULTS,
    recipes=st.none() | st.lists(_TEXTS, max_size=2).map(tuple),
    variants=st.lists(VARIANTS, max_size=2).map(tuple),
    history=st.lists(STEPS, max_size=3).map(tuple),
    expires_at=st.none() | _TIMES,
)
_LIMITS = drawn(Limits, max_in_flight=_COUNTS, daily_credit_cap=_CREDITS)
_PAUSES = drawn(Pause, reason=st.sampled_from(PauseReason), since=_TIMES, until=st.none() | _TIMES)
GATES = drawn(
    Gate,
    version=_COUNTS,
    price=_CREDITS,
    usual_price=_CREDITS,
    limits=st.none() | _LIMITS,
    deployed=st.none() | _LIMITS,
    pause=st.none() | _PAUSES,
    has_waiting=st.booleans(),
    most_shards=_COUNTS,
    carried_in_flight=_COUNTS,
    carried_day=st.dates(),
    carried_spent=_CREDITS,
    seal=st.none() | _PAUSES,
    newer=st.dictionaries(_TEXTS, _TEXTS, max_size=2),
    shards=st.just(()),
)
