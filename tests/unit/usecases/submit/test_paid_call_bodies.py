"""The body of a call: stored beside the job for an identical repeat, and named by its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.callback_token import verify
from cutout.domain.errors import CallbackRefusedError
from cutout.domain.provider_outcomes import NotSent
from cutout.domain.states import State
from cutout.ports.jobs_table import CallBody
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import FakeEvolink, Fault, answering, taken_but_unanswered
from tests.support.fakes.world import SIGNING_KEY, TIMING, World

MINUTE = timedelta(minutes=1)
REFUSED = refusal(status=400, code="invalid_request", message="no")
RATE_LIMITED = refusal(status=429, code="rate_limit", message="later")


@pytest.mark.parametrize(
    "fault",
    [
        FakeEvolink.take,
        taken_but_unanswered,
        answering(REFUSED),
        answering(RATE_LIMITED),
        answering(NotSent(message="ConnectError")),
    ],
    ids=["accepted", "unanswered", "refused", "paused", "not sent"],
)
def test_the_body_of_a_call_is_stored_until_no_repeat_can_be_due(
    fault: Fault,
) -> None:
    """It is the exact text of the call. The job names it only while a repeat may be due."""
    world = World()
    world.evolink.create_faults.append(fault)
    job = world.arrives()
    ((_key, text),) = world.evolink.posts
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    body = CallBody(name=name, text=text, expires_at=START + 2 * TIMING.job_deadline)
    assert world.jobs.bodies == {(job.id, name): body}
    (attempt,) = job.attempts
    named = name if job.state is State.UNCONFIRMED else None
    assert attempt.body_name == named


def test_a_callback_is_accepted_for_two_deadlines_and_a_day() -> None:
    """One deadline unconfirmed, and one with a running task."""
    world = World()
    world.arrives()
    ((_key, text),) = world.evolink.posts
    token = json.loads(text)["callback_url"].rpartition("/")[2]
    expires_at = START + timedelta(hours=36)
    address = verify(token, [SIGNING_KEY], expires_at - timedelta(seconds=1))
    assert address.attempt == 1
    with pytest.raises(CallbackRefusedError, match="expired"):
        verify(token, [SIGNING_KEY], expires_at)


def test_bodies_of_attempts_of_one_job_have_different_names() -> None:
    """Otherwise a repeat might send the body of another attempt."""
    world = World()
    world.evolink.create_faults.append(answering(NotSent(message="ConnectError")))
    job = world.arrives()
    world.passes(5 * MINUTE)
    texts = {text for _key, text in world.evolink.posts}
    assert {body.text for body in world.jobs.bodies.values()} == texts
    assert (len(texts), {job_id for job_id, _name in world.jobs.bodies}) == (2, {job.id})


def test_a_call_of_an_earlier_version_is_repeated_with_its_body() -> None:
    """Its body is named by the attempt's number."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    body = world.jobs.bodies.pop((job.id, job.attempts[0].body_name or ""))
    world.jobs.bodies[job.id, "1"] = replace(body, name="1")
    job = world.jobs.save(job.with_attempt(replace(job.attempts[0], body_name=None)))
    world.clock.advance(TIMING.unconfirmed_grace)
    done = world.advance(job)
    assert [posted for _key, posted in world.evolink.posts] == [body.text, body.text]
    assert done.state is State.PROCESSING


def test_a_call_whose_body_is_gone_is_not_repeated() -> None:
    """A new body would be another call, paid for a second time."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    world.jobs.bodies.clear()
    world.clock.advance(TIMING.unconfirmed_grace)
    assert world.advance(job).state is State.FAILED
    assert len(world.evolink.posts) == 1
