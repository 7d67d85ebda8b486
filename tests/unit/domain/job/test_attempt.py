"""Attempts: the paid calls of a job."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cutout.domain.job.attempt import charged
from cutout.domain.states import AttemptOutcome
from tests.support.builders import a_free_attempt, a_job, an_attempt


def test_an_attempt_replaces_the_one_with_its_number() -> None:
    """A job has one attempt of each number, in order; the newest is the last."""
    job = a_job().with_attempt(an_attempt(2)).with_attempt(an_attempt(1))
    known = an_attempt(1, task_id="task-1")
    job = job.with_attempt(known)
    assert job.attempts == (known, an_attempt(2))
    assert job.attempt == an_attempt(2)
    assert job.attempt_numbered(1) == known
    assert job.attempt_numbered(3) is None
    assert a_job().attempt is None


def test_old_free_attempts_are_dropped_and_charged_ones_stay() -> None:
    """The last ten free attempts stay, and all charged ones.

    So does an attempt whose result may still come, whatever its cost.
    """
    paid = an_attempt(1, outcome=AttemptOutcome.SUCCEEDED, credits_used=Decimal("5.4"))
    unknown = an_attempt(2, outcome=AttemptOutcome.UNKNOWN)
    taken = an_attempt(3, outcome=AttemptOutcome.ACCEPTED, credits_reserved=None)
    job = a_job().with_attempt(paid).with_attempt(unknown).with_attempt(taken)
    for number in range(4, 30):
        job = job.with_attempt(a_free_attempt(number))
    assert [a.number for a in job.attempts] == [1, 2, 3, *range(20, 30)]
    assert job.credits == Decimal("10.8")
    refused = [an_attempt(n, outcome=AttemptOutcome.REFUSED) for n in range(30, 50)]
    for attempt in refused:
        job = job.with_attempt(attempt)
    assert [a.number for a in job.attempts] == [1, 2, 3, *range(40, 50)]


@pytest.mark.parametrize(
    ("outcome", "used", "cost"),
    [
        (AttemptOutcome.OPEN, None, "5.4"),
        (AttemptOutcome.UNKNOWN, None, "5.4"),
        (AttemptOutcome.ACCEPTED, None, "5.4"),
        (AttemptOutcome.SUCCEEDED, None, "5.4"),
        (AttemptOutcome.NOT_SENT, None, "0"),
        (AttemptOutcome.REFUSED, None, "0"),
        (AttemptOutcome.FAILED, None, "0"),
        (AttemptOutcome.SUCCEEDED, "4.9", "4.9"),
        (AttemptOutcome.SUCCEEDED, "0", "0"),
        (AttemptOutcome.FAILED, "5.4", "5.4"),
    ],
)
def test_the_cost_of_an_attempt_is_known_or_assumed(
    outcome: AttemptOutcome,
    used: str | None,
    cost: str,
) -> None:
    """Used credits count; otherwise the reserved ones, unless the call was not accepted."""
    attempt = an_attempt(outcome=outcome, credits_used=None if used is None else Decimal(used))
    assert charged(attempt) == Decimal(cost)
    assert charged(replace(attempt, credits_reserved=None)) == Decimal(used or 0)


@pytest.mark.parametrize("outcome", AttemptOutcome)
def test_an_attempt_is_open_until_its_end_is_known(outcome: AttemptOutcome) -> None:
    """An attempt without response, with unknown outcome or accepted may still change."""
    is_open = outcome.value in {"open", "unknown", "accepted"}
    assert an_attempt(outcome=outcome).is_open == is_open


def test_a_failed_attempt_stays_failed_whatever_its_other_task_is() -> None:
    """Only while that is unread may the outcome still change."""
    failed = an_attempt(posts=2, outcome=AttemptOutcome.FAILED, task_id="task-2")
    named = failed.naming("task-1")
    assert (named.is_open, named.outcome, named.task_id) == (True, AttemptOutcome.FAILED, None)
    for read in (named.without_task(), replace(named.without_result(), named_task=None)):
        assert read == replace(failed, task_id=None)
        assert not read.is_open


def test_an_ended_attempt_drops_its_body() -> None:
    """The body grants access to the photo."""
    ended = replace(an_attempt().ended(AttemptOutcome.REFUSED), code="invalid_request")
    assert ended == an_attempt(outcome=AttemptOutcome.REFUSED, code="invalid_request")


@pytest.mark.parametrize(
    ("posts", "is_replayed", "is_double"),
    [(1, False, False), (2, False, True), (2, True, False)],
)
def test_a_repeat_may_be_charged_twice_unless_the_provider_recognised_it(
    posts: int,
    is_replayed: bool,  # noqa: FBT001 - a column of the table
    is_double: bool,  # noqa: FBT001
) -> None:
    """One POST is never a double charge; a second one is, unless the response was a replay."""
    attempt = an_attempt(posts=posts, is_replayed=is_replayed)
    assert attempt.is_possible_double_charge == is_double


def test_an_attempt_whose_task_belongs_to_another_call_drops_it() -> None:
    """Its outcome is unknown again, and the callback's facts are dropped."""
    mistaken = an_attempt(
        outcome=AttemptOutcome.ACCEPTED, task_id="task-1", named_task="task-1", is_adopted=True
    )
    assert mistaken.without_task() == an_attempt(outcome=AttemptOutcome.UNKNOWN)
