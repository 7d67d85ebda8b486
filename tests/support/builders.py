"""Jobs, attempts and gates with all fields; a test passes only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from cutout.adapters.evolink.promises_and_prices import TERMS
from cutout.domain.gate.gate import Gate, Limits, holder
from cutout.domain.gate.pauses_and_slots import Shard
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result
from cutout.domain.job.source import Photo, Source
from cutout.domain.states import AttemptOutcome, State

NOW = datetime(2026, 11, 20, 9, 15, 27, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RETENTION = timedelta(days=90)
PRICE = TERMS.usual_price
LIMITS = Limits(max_in_flight=3, daily_credit_cap=Decimal(5000))
PHOTO = Photo(format="jpeg", width=600, height=400, sha256="c0" * 32)
RESULT = Result(
    bucket="results",
    key="shoes/red.png",
    size=214733,
    width=600,
    height=400,
    sha256="ab" * 32,
)


def a_source(**facts: Any) -> Source:
    """Return the upload `uploads/shoes/red.jpg`."""
    known: dict[str, Any] = {
        "bucket": "uploads",
        "key": "shoes/red.jpg",
        "version_id": "v1",
        "etag": "b1946ac92492d2347c6235b4d2611184",
        "sequencer": "00691ED95F3C4B2A11",
        "size": 19394,
    }
    return Source(**(known | facts))


def an_attempt(number: int = 1, **facts: Any) -> Attempt:
    """Return a recorded attempt whose outcome is unknown."""
    known: dict[str, Any] = {
        "idempotency_key": f"cutout-1-{number}",
        "started_at": NOW,
        "credits_reserved": PRICE,
    }
    return Attempt(number=number, **(known | facts))


def a_free_attempt(number: int) -> Attempt:
    """Return an attempt that was never sent, and so cost nothing."""
    return an_attempt(number, outcome=AttemptOutcome.NOT_SENT)


def a_job(state: State = State.QUEUED, **facts: Any) -> Job:
    """Return a new job, put into a state."""
    begun = Job.begin(a_source(), now=NOW, due_at=LATER)
    return replace(begun, state=state, **facts)


def holders(count: int, started_at: datetime = NOW) -> frozenset[str]:
    """Return the names of attempts of other jobs that hold slots."""
    return frozenset(holder(f"{number:032x}", 1, started_at) for number in range(count))


def a_shard(held: int = 0, *, spent: Decimal | int = 0, at: datetime = NOW) -> Shard:
    """Return a shard with so many held slots, and credits spent on that day."""
    days = {at.date(): Decimal(spent)} if spent else {}
    return Shard(holders=holders(held, at), spent=days)


def a_gate(*, held: int = 0, spent: Decimal | int = 0, **facts: Any) -> Gate:
    """Return a saved gate: so many held slots, and credits spent on the day of `NOW`."""
    known: dict[str, Any] = {"version": 7, "shards": (a_shard(held, spent=spent),)}
    return new_gate(**(known | facts))


def new_gate(**facts: Any) -> Gate:
    """Return a gate that is not saved yet, with the usual price."""
    return Gate(**({"price": PRICE, "usual_price": PRICE} | facts))
