"""A job in words and as JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.job_text import explanation, lasted
from cutout.cli.output.next_step import job_in_one_line, next_step
from cutout.cli.output.units import duration
from cutout.domain.job.result import Reuse
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job

LATER = NOON + timedelta(minutes=2)


def test_a_completed_job_shows_cost_result_and_time() -> None:
    """In one line."""
    assert job_in_one_line(make_job("shoes/a.jpg"), now=LATER) == (
        "shoes/a.jpg: completed · 1 attempt · 5.4 credits · s3://the-results/shoes/a.png"
        " · took 4.0 s, 2 min ago"
    )


def test_a_failed_job_shows_the_apis_code_and_message() -> None:
    """After the reason."""
    job = make_job(
        state=State.FAILED, reason=Reason.TASK_FAILED, code="content_policy", message="Not that."
    )
    assert job_in_one_line(job, now=LATER) == (
        "a.jpg: failed because of task-failed (content_policy: Not that.) · 1 attempt · 5.4 credits"
        " · took 4.0 s, 2 min ago · next: final, unless you run `cutout retry`"
    )


def test_a_message_of_the_provider_is_shown_on_one_line() -> None:
    """Line breaks become spaces."""
    job = make_job(state=State.FAILED, reason=Reason.TASK_FAILED, code="c", message="Not\n that.")
    assert "task-failed (c: Not that.)" in job_in_one_line(job, now=LATER)


def test_a_photo_being_prepared_shows_the_reason_and_the_next_step() -> None:
    """Its due time is that of another request to Prepare."""
    job = make_job(state=State.QUEUED, reason=Reason.PREPARING, message="HEIC is not taken")
    step = next_step(job)
    assert step is not None
    assert step.what.startswith("Prepare makes a copy that the model accepts; without its report")
    assert step.at == job.due_at
    assert explanation(job) == "preparing (HEIC is not taken)"


def test_a_job_at_the_provider_shows_when_it_is_polled() -> None:
    """The next step has its time."""
    job = make_job(state=State.PROCESSING, credits_used=None)
    assert job_in_one_line(job, now=NOON + timedelta(seconds=32)) == (
        "a.jpg: processing for 30 s · 1 attempt · 0 credits · result will be a.png"
        " · next: waits for its callback; without one, the task is polled in 2 min"
    )


def test_an_overdue_job_is_checked_within_a_minute() -> None:
    """Sweep runs every minute."""
    job = make_job(state=State.PROCESSING)
    assert job_in_one_line(job, now=NOON + timedelta(hours=1)).endswith(
        "without one, the task is polled within a minute"
    )


def test_a_job_at_the_gate_waits_for_a_slot() -> None:
    """It has no due time: a free slot admits it."""
    job = replace(
        make_job(state=State.QUEUED), is_waiting=True, due_at=None, reason=Reason.GATE_FULL
    )
    step = next_step(job)
    assert step is not None
    assert (step.what, step.at) == ("waits at the gate for a free slot", None)


def test_a_job_over_the_daily_cap_waits_for_the_next_day() -> None:
    """The only wait at the gate with a known end: midnight, UTC."""
    job = replace(make_job(state=State.QUEUED), is_waiting=True, reason=Reason.DAILY_CAP)
    step = next_step(job)
    assert step is not None
    assert step.what == "waits for the next day (UTC) or a higher daily cap; see `cutout limits`"
    assert step.at == NOON.replace(hour=0) + timedelta(days=1)


def test_a_job_with_an_unverified_task_shows_that_its_status_is_checked() -> None:
    """The request is not sent again."""
    job = make_job(state=State.UNCONFIRMED)
    named = job.with_attempt(replace(job.attempts[0], task_id=None, named_task="task-1"))
    step = next_step(named)
    assert step is not None
    assert step.what == "the status of the task named in the callback will be checked again"
    assert step.at == named.due_at


def test_a_retried_job_that_checks_an_earlier_task_shows_that_this_is_free() -> None:
    """A new request is sent only if the earlier task has no result."""
    step = next_step(make_job(state=State.STORING, reason=Reason.RETRIED_BY_PERSON))
    assert step is not None
    assert (
        step.what
        == "an earlier task is checked for its result, free of charge; else a new request is sent"
    )


def test_a_skipped_photo_shows_how_to_get_a_cut_out() -> None:
    """A corrected file would be skipped, too."""
    step = next_step(make_job(state=State.REJECTED, reason=Reason.SKIPPED_BY_UPLOADER))
    assert step is not None
    assert step.what == (
        "final. Upload it again without the metadata `cutout-skip` to get a cut-out"
    )


def test_a_settled_job_shows_that_its_event_will_be_sent() -> None:
    """By Sweep."""
    job = replace(make_job(), is_announced=False, due_at=NOON)
    told = job_in_one_line(job, now=LATER)
    assert told.endswith("next: its event will be sent within a minute")


@pytest.mark.parametrize(
    ("numbers", "said"), [((), "no attempt"), ((1,), "1 attempt"), ((4, 5), "5 attempts")]
)
def test_attempts_are_counted_by_their_numbers(numbers: tuple[int, ...], said: str) -> None:
    """A job drops attempts without a cost; numbers continue."""
    job = make_job()
    attempts = tuple(replace(job.attempts[0], number=number) for number in numbers)
    assert f" · {said} · " in job_in_one_line(replace(job, attempts=attempts), now=LATER)


@pytest.mark.parametrize("state", State)
def test_every_job_that_is_not_final_shows_its_next_step(state: State) -> None:
    """Completed and superseded jobs have none."""
    step = next_step(make_job(state=state))
    assert (step is None) == (state in {State.COMPLETED, State.SUPERSEDED})


@pytest.mark.parametrize("state", State)
def test_only_an_open_job_has_a_time_of_its_next_step(state: State) -> None:
    """The due time of a settled job is that of its event."""
    job = replace(make_job(state=state), due_at=NOON)
    step = next_step(job)
    assert step is None or (step.at is None) == state.is_settled


def test_the_json_of_a_job_is_complete() -> None:
    """Programs get every fact under a fixed name."""
    assert job_as_json(make_job()) == {
        "job": "job-of-a.jpg",
        "key": "a.jpg",
        "bucket": "the-uploads",
        "version": "v1",
        "size": 1000,
        "state": "completed",
        "reason": None,
        "code": None,
        "message": None,
        "attempts": [
            {
                "number": 1,
                "started_at": "2026-11-22T12:00:00+00:00",
                "outcome": "succeeded",
                "posts": 1,
                "task": "task-1",
                "credits_reserved": None,
                "credits_used": 5.4,
                "code": None,
                "message": None,
                "possible_double_charge": False,
            }
        ],
        "credits": 5.4,
        "reused": None,
        "decision": None,
        "result": {
            "bucket": "the-results",
            "key": "a.png",
            "size": 16,
            "width": 600,
            "height": 400,
            "sha256": "6c97609e8dacf7ef3ae3c0b5c32d56c932a22b16872fd3336e02825f8c864000",
            "pixels": "model",
            "remark": None,
        },
        "variants": [],
        "next": None,
        "created_at": "2026-11-22T12:00:00+00:00",
        "updated_at": "2026-11-22T12:00:04+00:00",
        "settled_at": "2026-11-22T12:00:04+00:00",
        "seconds": 4.0,
        "history": [
            {"state": "queued", "at": "2026-11-22T12:00:00+00:00", "reason": None},
            {"state": "submitting", "at": "2026-11-22T12:00:01+00:00", "reason": None},
            {"state": "processing", "at": "2026-11-22T12:00:02+00:00", "reason": None},
            {"state": "storing", "at": "2026-11-22T12:00:03+00:00", "reason": None},
            {"state": "completed", "at": "2026-11-22T12:00:04+00:00", "reason": None},
        ],
    }


def test_the_json_of_an_open_job_has_its_next_step() -> None:
    """With its time; nothing is settled yet."""
    told = job_as_json(make_job(state=State.PROCESSING))
    assert told["next"] == {
        "what": "waits for its callback; without one, the task is polled",
        "at": "2026-11-22T12:02:32+00:00",
    }
    assert told["settled_at"] is None
    assert told["result"] is None


def test_credits_of_all_attempts_are_added() -> None:
    """A second attempt costs again, and the line has the number of attempts."""
    job = make_job()
    again = replace(job.attempts[0], number=2, credits_used=Decimal("5.6"))
    line = job_in_one_line(replace(job, attempts=(*job.attempts, again)), now=LATER)
    assert "2 attempts · 11 credits" in line


def test_a_refused_request_costs_nothing() -> None:
    """Credits that the provider reserved before its refusal are not charged."""
    job = make_job(state=State.FAILED, credits_used=None)
    refused = replace(
        job.attempts[0], outcome=AttemptOutcome.REFUSED, credits_reserved=Decimal("5.4")
    )
    assert " · 0 credits · " in job_in_one_line(replace(job, attempts=(refused,)), now=LATER)


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        (None, None, ""),
        (Reason.NOT_A_PHOTO, None, "not-a-photo"),
        (Reason.NOT_A_PHOTO, "starts with text", "not-a-photo (starts with text)"),
        (None, "starts with text", "starts with text"),
    ],
)
def test_explanations(reason: Reason | None, message: str | None, expected: str) -> None:
    """The reason with its message."""
    job = make_job(state=State.REJECTED, reason=reason, message=message)
    assert explanation(job) == expected


def test_the_duration_of_an_open_job_ends_with_its_last_move() -> None:
    """The job stores no later time."""
    assert lasted(make_job(state=State.STORING)) == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(seconds=-1), "0.0 s"),
        (timedelta(seconds=3.14), "3.1 s"),
        (timedelta(seconds=42.4), "42 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=30), "30 h"),
        (timedelta(days=9), "9 d"),
    ],
)
def test_durations_have_a_suitable_unit(length: timedelta, expected: str) -> None:
    """With two figures."""
    assert duration(length) == expected


def test_a_possible_double_charge_is_shown() -> None:
    """Unless the API reported a replay."""
    job = make_job("a.jpg")
    repeated = replace(job.attempts[0], posts=2)
    told = job_in_one_line(replace(job, attempts=(repeated,)), now=LATER)
    assert "possible double charge" in told
    replayed = replace(repeated, is_replayed=True)
    told = job_in_one_line(replace(job, attempts=(replayed,)), now=LATER)
    assert "possible double charge" not in told


def test_a_reused_result_is_shown_with_the_credits_saved() -> None:
    """So that the cost of zero is explained."""
    reused = Reuse(
        job_id="b" * 32,
        key="kept/x.png",
        sha256="ab" * 32,
        task_id="task-1",
        credits_saved=Decimal("5.4"),
    )
    job = replace(make_job("a.jpg"), attempts=(), reused=reused)
    line = job_in_one_line(job, now=LATER)
    assert " · no attempt · 0 credits · reused, 5.4 credits saved · " in line
