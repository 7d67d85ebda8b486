"""Jobs and gates as hypothesis makes them up: every field takes every kind of value it may."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from cutout.gate import Gate, Limits, Pause, PauseReason, Suspicion
from cutout.job import Attempt, Job, Photo, Result, Source, Step
from cutout.states import AttemptOutcome, Lane, Reason, State

_TEXTS = st.text(max_size=20)
_COUNTS = st.integers(0, 10**9)
_TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - the zone is drawn beside it
    timezones=st.just(UTC),
)
_CREDITS = st.decimals(min_value=Decimal(0), max_value=Decimal(10**6), places=2, allow_nan=False)
_HEX = st.text("0123456789abcdef", min_size=32, max_size=32)

SOURCES = st.builds(
    Source,
    bucket=_TEXTS,
    key=_TEXTS,
    version_id=st.none() | _TEXTS,
    etag=_TEXTS,
    sequencer=_HEX,
    size=_COUNTS,
)
PHOTOS = st.builds(Photo, format=_TEXTS, width=_COUNTS, height=_COUNTS, sha256=_HEX)
ATTEMPTS = st.builds(
    Attempt,
    number=st.integers(1, 9999),
    idempotency_key=_TEXTS,
    body=st.none() | _TEXTS,
    started_at=_TIMES,
    posts=st.integers(1, 2),
    outcome=st.sampled_from(AttemptOutcome),
    task_id=st.none() | _TEXTS,
    credits_reserved=st.none() | _CREDITS,
    credits_used=st.none() | _CREDITS,
    code=st.none() | _TEXTS,
    message=st.none() | _TEXTS,
    is_replayed=st.booleans(),
)
RESULTS = st.builds(
    Result,
    bucket=_TEXTS,
    key=_TEXTS,
    size=_COUNTS,
    width=_COUNTS,
    height=_COUNTS,
    sha256=_HEX,
)
REASONS = st.none() | st.sampled_from(Reason)
STEPS = st.builds(Step, state=st.sampled_from(State), at=_TIMES, reason=REASONS)
JOBS = st.builds(
    Job,
    id=_HEX,
    source=SOURCES,
    state=st.sampled_from(State),
    created_at=_TIMES,
    updated_at=_TIMES,
    version=_COUNTS,
    result_key=st.none() | _TEXTS,
    due_at=st.none() | _TIMES,
    tries=_COUNTS,
    storing_attempt=st.none() | st.integers(1, 9999),
    lane=st.sampled_from(Lane),
    is_waiting=st.booleans(),
    is_announced=st.booleans(),
    reason=REASONS,
    code=st.none() | _TEXTS,
    message=st.none() | _TEXTS,
    photo=st.none() | PHOTOS,
    attempts=st.lists(ATTEMPTS, max_size=3).map(tuple),
    result=st.none() | RESULTS,
    history=st.lists(STEPS, max_size=3).map(tuple),
    expires_at=st.none() | _TIMES,
)
GATES = st.builds(
    Gate,
    version=_COUNTS,
    in_flight=_COUNTS,
    day=st.dates(),
    spent=_CREDITS,
    price=_CREDITS,
    limits=st.none() | st.builds(Limits, max_in_flight=_COUNTS, daily_credit_cap=_CREDITS),
    pause=st.none()
    | st.builds(
        Pause,
        reason=st.sampled_from(PauseReason),
        since=_TIMES,
        until=st.none() | _TIMES,
    ),
    suspicion=st.none() | st.builds(Suspicion, version=_COUNTS, counted=_COUNTS),
)
