"""What error notes say about credits and commands, for readers who only see the buckets."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.adapters.evolink.promises_and_prices import TERMS
from cutout.domain.errors import NotSentError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.usecases.shared.error_note_texts import error_note, retry_command
from tests.support.builders import RESULT, a_job, an_attempt
from tests.support.fakes.evolink import answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World


def failed(world: World, key: str = "a.jpg") -> Job:
    """A job whose photo the provider refuses, free of charge."""
    job = world.arrives(key)
    world.evolink.fail(world.task_of(job), "content_policy_violation")
    return world.check_task(job)


def unknown(world: World, *answers: object) -> Job:
    """A job that failed because the outcome of its calls stayed unknown."""
    world.evolink.create_faults.extend(answers)  # type: ignore[arg-type]
    job = world.arrives()
    world.passes(3 * TIMING.unconfirmed_grace + timedelta(minutes=3))
    assert world.job(job).state is State.FAILED
    return world.job(job)


def test_a_note_says_that_a_refunded_failure_cost_nothing() -> None:
    """The provider returned the reserved credits."""
    told = error_note(failed(World()), TERMS)
    assert (told["credits"], told["paid"]) == (0.0, "Nothing was paid.")


def test_a_note_does_not_call_an_unknown_outcome_charged() -> None:
    """Both calls of one attempt have an unknown outcome, so the reader should check the bill."""
    lost = answering(OutcomeUnknown(message="ReadTimeout"))
    told = error_note(unknown(World(), taken_but_unanswered, lost), TERMS)
    assert told["credits"] == 5.4
    assert told["paid"] == (
        "5.4 credits may have been charged: the outcome is unknown. "
        "One call was made twice, and may have been charged twice."
    )


def test_a_note_adds_up_the_credits_of_all_attempts() -> None:
    """The result of each attempt needed review, so both were charged."""
    world = World()
    job = world.arrives()
    for _ in range(2):
        world.evolink.complete(world.task_of(job), b"png 600 400 255 255")
        job = world.check_task(job)
        told = error_note(job, TERMS)
        world.operate.retry(job)
        world.deliver_all()
    assert (told["credits"], told["paid"]) == (10.8, "10.8 credits were charged.")


def test_a_note_says_that_the_first_retry_of_a_lost_result_is_free() -> None:
    """The first retry looks for the result; the second one makes a new call."""
    world = World()
    job = world.arrives()
    world.evolink.complete(world.task_of(job))
    world.downloads.rule = lambda: NotSentError("ConnectTimeout")
    said = []
    for _ in range(2):
        world.passes(2 * TIMING.job_deadline)
        said.append(error_note(world.job(job), TERMS)["next"])
        world.operate.retry(world.job(job))
    assert ["at no cost" in text for text in said] == [True, False]
    assert "costs again" in said[1]


@pytest.mark.parametrize(
    "key",
    ["a.jpg", "shoes/red shoe.jpg", "-x.jpg", "-a b.jpg", "--yes", "a'b\"c.jpg", "$(rm -rf).jpg"],
)
def test_the_command_in_a_note_names_the_photo_whatever_its_key(key: str) -> None:
    """A shell parses it into the same key, and `cutout` does not take the key for an option."""
    command, verb, *rest = shlex.split(retry_command(failed(World(), key)))
    assert (command, verb) == ("cutout", "retry")
    assert rest == (["--", key] if key.startswith("-") else [key])


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("content_policy_violation", "cutout retry --include-refused shoes/red.jpg"),
        ("image_processing_error", "cutout retry shoes/red.jpg"),
    ],
)
def test_the_command_in_a_note_retries_the_photo(code: str, command: str) -> None:
    """`cutout retry` skips photos refused for their content unless an option includes them."""
    job = a_job(State.FAILED, reason=Reason.TASK_FAILED, code=code)
    assert str(error_note(job, TERMS)["next"]).endswith(f": {command}")


USED = an_attempt(1, outcome=AttemptOutcome.FAILED, credits_used=Decimal(5))
KEPT = an_attempt(2, outcome=AttemptOutcome.SUCCEEDED)
OPEN = an_attempt(3, outcome=AttemptOutcome.UNKNOWN)
CHARGED = "5 credits were charged."
DOUBTFUL = "5.4 credits may have been charged: the outcome is unknown."
TWICE = "One call was made twice, and may have been charged twice."


@pytest.mark.parametrize(
    ("attempts", "paid"),
    [
        ((), "Nothing was paid."),
        ((USED,), CHARGED),
        ((KEPT,), "5.4 credits were charged."),
        ((OPEN,), DOUBTFUL),
        ((USED, OPEN), f"{CHARGED} {DOUBTFUL}"),
        ((USED, KEPT, OPEN), f"10.4 credits were charged. {DOUBTFUL}"),
        ((replace(USED, posts=2),), f"{CHARGED} {TWICE}"),
        ((replace(OPEN, posts=2), USED), f"{CHARGED} {DOUBTFUL} {TWICE}"),
    ],
)
def test_a_note_separates_certain_charges_from_possible_ones(
    attempts: tuple[Attempt, ...], paid: str
) -> None:
    """A charge is certain if the provider named the credits or delivered a result."""
    told = error_note(a_job(State.FAILED, attempts=attempts, reason=Reason.TASK_FAILED), TERMS)
    assert told["paid"] == paid


def test_a_note_about_a_review_says_where_the_result_is_and_how_to_accept_it() -> None:
    """And where the reasons are listed."""
    reviewed = a_job(
        State.REVIEW, reason=Reason.RESULT_OPAQUE, result=RESULT, result_key="shoes/red.png"
    )
    told = error_note(reviewed, TERMS)
    assert told["result"] == f"s3://results/{RESULT.key}"
    assert told["explained"] == f"s3://results/{RESULT.key}.json"
    assert "If it is good enough: cutout review accept shoes/red.jpg" in str(told["next"])
    assert "If not: cutout review reject shoes/red.jpg" in str(told["next"])
    without = error_note(replace(reviewed, result=None), TERMS)
    assert (without["result"], without["explained"]) == (None, None)
