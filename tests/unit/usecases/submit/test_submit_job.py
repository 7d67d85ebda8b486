"""The attempt is recorded before the call; then each outcome of a first call."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.callback_token import CallbackAddress, verify
from cutout.domain.errors import CallbackRefusedError
from cutout.domain.gate.gate import Gate
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.source import Photo
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import Accepted
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import MODEL, PRICE, answering
from tests.support.fakes.world import (
    CALLBACK_URL,
    KEY_SALT,
    SIGNING_KEY,
    TIMING,
    World,
    token_for,
)
from tests.support.hooks import Hook


def body_of(job: Job) -> str:
    """The body of the first call of a job."""
    return json.dumps(
        {
            "model": "mj-v7-remove-bg",
            "image_urls": [f"https://uploads.example/{job.source.key}?v=v1&type=image/png&sig=1"],
            "callback_url": f"{CALLBACK_URL}/callbacks/{token_for(job)}",
        },
    )


def test_the_attempt_is_recorded_before_the_call_is_made() -> None:
    """Number and idempotency key are recorded, and the slot is taken.

    The exact body is stored, where only Submit can read it.
    """
    hook = Hook()
    world = World(step=hook)
    before: list[tuple[Job, Gate, str | None]] = []

    def look() -> None:
        (job,) = world.jobs.jobs.values()
        body = world.jobs.find_body(job.id, job.attempts[0].body_name or "")
        before.append((job, world.jobs.read_gate(), body))

    hook.once_at("evolink.create", look)
    world.arrives()
    (job, gate, body) = before[0]
    recorded = Attempt(
        number=1,
        idempotency_key=f"cutout-{job.id}-1-{KEY_SALT}",
        started_at=START,
        credits_reserved=PRICE,
        body_name=job.attempts[0].body_name,
        shard=0,
        model=MODEL,
    )
    assert (job.state, job.attempts) == (State.SUBMITTING, (recorded,))
    assert job.due_at == START + TIMING.lease
    assert (gate.in_flight, gate.spent_on(START.date())) == (1, PRICE)
    assert body == body_of(job)
    assert world.evolink.posts == [(recorded.idempotency_key, body)]


def test_the_callback_url_contains_a_signed_token_of_the_attempt() -> None:
    """The token is the last segment of the URL."""
    world = World()
    job = world.arrives()
    base, _, token = world.evolink.charges[0].callback_url.rpartition("/")
    assert base == f"{CALLBACK_URL}/callbacks"
    address = CallbackAddress(job_id=job.id, attempt=1)
    assert verify(token, [SIGNING_KEY], world.clock.now()) == address


def test_the_callback_url_expires_when_no_callback_can_be_useful_any_more() -> None:
    """The sum of one deadline unconfirmed, one with a running task, and a day for late results."""
    world = World()
    world.arrives()
    token = world.evolink.charges[0].callback_url.rpartition("/")[2]
    life = 2 * TIMING.job_deadline + timedelta(hours=24)
    world.clock.advance(life - timedelta(seconds=1))
    world.receive_callback.receive(token, "")
    world.clock.advance(timedelta(seconds=1))
    with pytest.raises(CallbackRefusedError, match="expired") as refused:
        world.receive_callback.receive(token, "")
    assert not refused.value.is_malformed
    assert world.telemetry.counts[Metric.CALLBACK_REFUSED] == 1


def test_photo_and_result_key_are_recorded_with_the_attempt() -> None:
    """So that nothing is read or claimed twice."""
    world = World()
    job = world.arrives("shoes/red.jpg")
    photo = job.photo
    assert photo is not None
    assert photo == Photo(format="png", width=600, height=400, sha256=photo.sha256)
    assert job.result_key == "shoes/red.png"
    assert world.jobs.result_keys == {"shoes/red.png": job.source.ref}


def test_an_accepted_call_is_tracked_until_its_task_ends() -> None:
    """Task and credits are recorded; Sweep has the task polled if no callback has come by then."""
    world = World()
    job = world.arrives()
    assert job == world.job(job)
    assert (job.state, job.due_at) == (State.PROCESSING, START + TIMING.first_poll)
    assert job.attempts == (
        Attempt(
            number=1,
            idempotency_key=f"cutout-{job.id}-1-{KEY_SALT}",
            started_at=START,
            outcome=AttemptOutcome.ACCEPTED,
            task_id="task-unified-000001",
            credits_reserved=PRICE,
            shard=0,
            model=MODEL,
        ),
    )
    assert world.telemetry.happened == {Metric.ADMITTED: 1}


@pytest.mark.parametrize(
    ("reserved", "spent", "price"),
    [
        (Decimal("7.25"), Decimal("7.25"), Decimal("7.25")),
        (Decimal("0.9"), Decimal("0.9"), Decimal("0.9")),
        (None, PRICE, PRICE),
    ],
)
def test_the_gate_learns_the_price_from_the_reserved_credits(
    reserved: Decimal | None,
    spent: Decimal,
    price: Decimal,
) -> None:
    """The day's sum is corrected, and the next photo is expected to cost as much."""
    world = World()
    told = Accepted(task_id="task-unified-7", credits_reserved=reserved)
    world.evolink.create_faults.append(answering(told))
    job = world.arrives()
    assert job.credits == spent
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), gate.price) == (1, spent, price)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (400, "content_policy_violation"),
        (404, "not_found"),
        (413, "413"),
        (422, "a_code_nobody_documented"),
    ],
)
def test_a_refused_call_fails_the_job_with_the_apis_code_and_message(
    status: int, code: str
) -> None:
    """Nothing is paid; code and message are recorded unchanged, and an event is sent."""
    world = World()
    world.evolink.create_faults.append(
        answering(refusal(status=status, code=code, message="no\nreally")),
    )
    job = world.arrives()
    assert (job.state, job.reason) == (State.FAILED, Reason.REFUSED_BY_PROVIDER)
    assert (job.code, job.message) == (code, "no\nreally")
    assert job.attempts == (
        Attempt(
            number=1,
            idempotency_key=f"cutout-{job.id}-1-{KEY_SALT}",
            started_at=START,
            outcome=AttemptOutcome.REFUSED,
            credits_reserved=PRICE,
            code=code,
            message="no\nreally",
            shard=0,
            model=MODEL,
        ),
    )
    assert job.credits == Decimal(0)
    assert [told.state for told in world.announcements.jobs] == [State.FAILED]


def test_a_refused_call_returns_its_slot_and_its_credits() -> None:
    """The gate is as before the call, and nothing is posted again."""
    world = World()
    world.evolink.create_faults.append(
        answering(refusal(status=400, code="invalid_request", message="no")),
    )
    world.arrives()
    gate = world.jobs.read_gate()
    assert (gate.in_flight, gate.spent_on(START.date()), gate.pause) == (0, Decimal(0), None)
    world.passes(TIMING.job_deadline)
    assert len(world.evolink.posts) == 1


def test_a_message_for_a_running_job_changes_nothing() -> None:
    """A duplicate or late message makes no second call."""
    world = World()
    job = world.arrives()
    assert world.advance(job) == job
    assert len(world.evolink.posts) == 1


def test_without_a_callback_url_the_body_has_none() -> None:
    """Results are found by polling."""
    world = World()
    admit_job = world.submit.admit_job
    unreachable = replace(admit_job.paid_calls, callback_base_url="")
    world.submit = replace(world.submit, admit_job=replace(admit_job, paid_calls=unreachable))
    world.evolink.create_faults.append(answering(Accepted(task_id="t-1", credits_reserved=None)))
    world.arrives()
    ((_key, body),) = world.evolink.posts
    assert set(json.loads(body)) == {"model", "image_urls"}
