"""Idempotency keys: one for each attempt of each job of each deployment."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.support.fakes.evolink import taken_but_unanswered
from tests.support.fakes.world import World

HERE = "arn:aws:dynamodb:eu-central-1:123456789012:table/Cutout-Jobs"
ELSEWHERE = [
    "arn:aws:dynamodb:eu-west-1:123456789012:table/Cutout-Jobs",
    "arn:aws:dynamodb:eu-central-1:210987654321:table/Cutout-Jobs",
    "arn:aws:dynamodb:eu-central-1:123456789012:table/Cutout-Jobs-2",
]


def test_deployments_that_share_a_bucket_send_different_keys() -> None:
    """Their jobs have the same ids; with one key, the provider would take them for one call."""
    call = World().submit.admit_job.paid_calls
    keys = {
        replace(call, deployment=one).idempotency_key("0f" * 16, 1) for one in (HERE, *ELSEWHERE)
    }
    assert len(keys) == 1 + len(ELSEWHERE)


def test_a_deployment_sends_the_same_key_for_the_same_attempt() -> None:
    """However often a function starts; another attempt of the job has another key."""
    call = World().submit.admit_job.paid_calls
    assert call.idempotency_key("0f" * 16, 1) == replace(call).idempotency_key("0f" * 16, 1)
    assert call.idempotency_key("0f" * 16, 1) != call.idempotency_key("0f" * 16, 2)


def test_the_provider_accepts_the_form_of_the_keys() -> None:
    """Its client requires 16 to 96 characters."""
    key = World().submit.admit_job.paid_calls.idempotency_key("0f" * 16, 99_999)
    assert re.fullmatch(r"[A-Za-z0-9._-]{16,96}", key)


def test_an_attempt_that_an_earlier_version_recorded_keeps_its_key() -> None:
    """The provider must recognise the repeat, so the job records the key."""
    world = World()
    world.evolink.create_faults.append(taken_but_unanswered)
    job = world.arrives()
    old = f"cutout-{job.id}-1"
    attempt = replace(job.attempts[0], idempotency_key=old)
    world.jobs.jobs[job.id] = replace(job, attempts=(attempt,))
    world.passes(world.timing.unconfirmed_grace)
    assert world.evolink.posts[-1][0] == old
