"""`cutout show`: the whole history of a photo."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.job.result import Variant
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import UPLOADS, make_job
from tests.support.cli.world import World

JOB_ID = "0123456789abcdef" * 2
SECOND = timedelta(seconds=1)
UNKNOWN = "request outcome unknown; waiting for the"


def _a_long_story() -> Job:
    """A job that waited, had an unknown outcome, was repeated, failed once, and was completed."""
    way = [
        (0, State.QUEUED, None),
        (1, State.QUEUED, Reason.GATE_FULL),
        (42, State.SUBMITTING, None),
        (72, State.UNCONFIRMED, Reason.OUTCOME_UNKNOWN),
        (1272, State.SUBMITTING, None),
        (1273, State.PROCESSING, None),
        (1300, State.QUEUED, Reason.TASK_RETRIED),
        (1400, State.SUBMITTING, None),
        (1401, State.PROCESSING, None),
        (1431, State.STORING, None),
        (1432, State.COMPLETED, None),
    ]
    steps = tuple(HistoryEntry(state=it, at=NOON + n * SECOND, reason=why) for n, it, why in way)
    first = Attempt(
        number=1,
        idempotency_key="k1",
        started_at=NOON + 42 * SECOND,
        posts=2,
        outcome=AttemptOutcome.FAILED,
        task_id="task-unified-1795370000-aaaa",
        credits_reserved=Decimal("5.4"),
        credits_used=Decimal(0),
        code="resource_exhausted",
        message="no capacity",
    )
    second = replace(
        first,
        number=2,
        started_at=NOON + 1400 * SECOND,
        posts=1,
        outcome=AttemptOutcome.SUCCEEDED,
        task_id="task-unified-1795371400-bbbb",
        credits_used=Decimal("5.4"),
        code=None,
        message=None,
    )
    return replace(
        make_job("shoes/a.jpg"),
        id=JOB_ID,
        history=steps,
        updated_at=steps[-1].at,
        attempts=(first, second),
    )


def test_every_step_is_shown_with_its_time_and_reason(world: World) -> None:
    """From top to bottom, in a hundred columns."""
    world.stack.know(_a_long_story())
    told = world.run("show", "shoes/a.jpg")
    assert told.exit_code == 0
    lines = [" ".join(line.split()) for line in told.stdout.splitlines()]
    assert max(map(len, told.stdout.splitlines())) <= 100
    assert lines[:2] == [
        "shoes/a.jpg completed · 2 attempts · 5.4 credits · 23 min 52 s",
        f"job {JOB_ID} · uploaded 2026-11-22 12:00:00 UTC · 1 kB",
    ]
    steps = [line for line in lines if "│" in line or "●" in line]
    assert steps == [
        "12:00:00 +0.0 s │ queued for 1.0 s",
        "12:00:01 +1.0 s │ queued waits at the gate: all slots are in use for 41.0 s",
        "12:00:42 +42.0 s │ submitting attempt 1 for 30.0 s",
        f"12:01:12 +1 min 12 s │ unconfirmed {UNKNOWN} for 20 min 00 s",
        "12:21:12 +21 min 12 s │ submitting attempt 1, the same request again for 1.0 s",
        "12:21:13 +21 min 13 s │ processing task-unified-1795370000-aaaa for 27.0 s",
        "12:21:40 +21 min 40 s │ queued the task failed with a temporary error; for 1 min 40 s",
        "12:23:20 +23 min 20 s │ submitting attempt 2 for 1.0 s",
        "12:23:21 +23 min 21 s │ processing task-unified-1795371400-bbbb for 30.0 s",
        "12:23:51 +23 min 51 s │ storing for 1.0 s",
        "12:23:52 +23 min 52 s ● completed shoes/a.png",
    ]


def test_every_paid_call_is_shown_with_its_outcome(world: World) -> None:
    """Posts, outcome, credits, task, and the provider's error message."""
    world.stack.know(_a_long_story())
    shown = " ".join(world.run("show", JOB_ID).stdout.split())
    assert "1 12:00:42 2 failed 0 task-unified-1795370000-aaaa resource_exhausted: no" in shown
    assert "possible double charge" in shown
    assert "2 12:23:20 1 succeeded 5.4 task-unified-1795371400-bbbb result" in shown
    assert "result s3://the-results/shoes/a.png 600 x 400, 16 bytes event sent to" in shown


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [(AttemptOutcome.REFUSED, "refused 0"), (AttemptOutcome.ACCEPTED, "accepted 5.4 reserved")],
)
def test_credits_are_reserved_only_while_they_may_be_charged(
    world: World, outcome: AttemptOutcome, shown: str
) -> None:
    """A refused call costs nothing."""
    job = make_job("a.jpg", state=State.PROCESSING, credits_used=None)
    attempt = replace(job.attempts[0], outcome=outcome, credits_reserved=Decimal("5.4"))
    world.stack.know(replace(job, attempts=(attempt,)))
    assert shown in " ".join(world.run("show", "a.jpg").stdout.split())


def test_a_first_call_is_no_repeat(world: World) -> None:
    """The attempt begins a moment before the job is written as `submitting`."""
    job = make_job("a.jpg")
    assert job.attempts[0].started_at < job.history[1].at
    world.stack.know(job)
    assert "the same request again" not in world.run("show", "a.jpg").stdout


def test_a_replayed_call_is_no_double_charge(world: World) -> None:
    """The provider returned the first call's task."""
    story = _a_long_story()
    known = replace(story.attempts[0], is_replayed=True)
    world.stack.know(replace(story, attempts=(known, story.attempts[1])))
    shown = " ".join(world.run("show", JOB_ID).stdout.split())
    assert "possible double charge" not in shown
    assert "reported a replay" in shown


def test_an_open_job_shows_how_long_it_is_in_its_state_and_the_next_step(world: World) -> None:
    """The last step lasts until now."""
    world.stack.know(make_job("a.jpg", state=State.PROCESSING))
    world.stack.clock.sleep(62)
    lines = [" ".join(line.split()) for line in world.run("show", "a.jpg").stdout.splitlines()]
    assert "12:00:02 +2.0 s ● processing task-1 for 1 min 00 s" in lines
    step = "next waits for its callback; without one, the task is polled"
    assert f"{step}, at 12:02:32 UTC, in 1 min 30 s" in lines


def test_a_step_on_another_day_is_shown_with_its_date(world: World) -> None:
    """A job may wait for the next day."""
    world.stack.know(
        replace(make_job("a.jpg", state=State.PROCESSING), due_at=NOON + timedelta(hours=20))
    )
    told = " ".join(world.run("show", "a.jpg").stdout.split())
    assert "the task is polled, at 2026-11-23 08:00:00 UTC, in 20 h 00 min" in told


def test_an_overdue_step_is_due_with_the_next_sweep(world: World) -> None:
    """It runs every minute."""
    world.stack.know(make_job("a.jpg", state=State.PROCESSING))
    world.stack.clock.sleep(600)
    told = " ".join(world.run("show", "a.jpg").stdout.split())
    assert "the task is polled, within a minute (due at 12:02:32 UTC)" in told


def test_a_job_without_its_first_steps_is_shown_as_such(world: World) -> None:
    """So that the first line is not taken for the first step."""
    job = make_job()
    world.stack.know(replace(job, history=job.history[2:]))
    assert "earlier steps are not stored" in world.run("show", "a.jpg").stdout
    world.stack.know(job)
    assert "earlier steps are not stored" not in world.run("show", "a.jpg").stdout


def test_other_uploads_of_the_key_are_listed(world: World) -> None:
    """The user may be looking for an older cut-out."""
    newest = make_job("a.jpg")
    older = replace(
        make_job("a.jpg", state=State.SUPERSEDED, at=NOON - timedelta(days=1)),
        id=JOB_ID,
        source=replace(newest.source, sequencer="09"),
    )
    world.stack.know(newest, older)
    shown = " ".join(world.run("show", "a.jpg").stdout.split())
    assert f"other uploads {JOB_ID} superseded 2026-11-21 12:00:00" in shown
    assert "event none: a newer upload" in " ".join(world.run("show", JOB_ID).stdout.split())


def test_variants_are_listed_even_if_they_could_not_be_made(world: World) -> None:
    """With key and size, or the problem."""
    small = Variant(
        recipe="small",
        format="webp",
        made_at=NOON,
        key="a-small.webp",
        size=900,
        width=60,
        height=4,
    )
    broken = Variant(recipe="broken", format="avif", made_at=NOON, problem="no encoder")
    world.stack.know(replace(make_job("a.jpg"), variants=(small, broken)))
    shown = " ".join(world.run("show", "a.jpg").stdout.split())
    assert "variants small: a-small.webp 60 x 4, 900 bytes broken: none, no encoder" in shown


def test_json_has_the_timeline_and_the_whole_job(world: World) -> None:
    """Seconds as numbers, times with their zone."""
    world.stack.know(_a_long_story())
    told = json.loads(world.run("show", JOB_ID, "--json").stdout)
    assert (told["job"], told["announced"], told["other_uploads"]) == (JOB_ID, True, [])
    assert told["timeline"][2] == {
        "at": "2026-11-22T12:00:42+00:00",
        "state": "submitting",
        "reason": None,
        "seconds_since_start": 42.0,
        "seconds": 30.0,
        "attempt": 1,
        "says": "attempt 1",
    }
    assert len(told["timeline"]) == 11
    assert [one["posts"] for one in told["attempts"]] == [2, 1]


def test_an_unknown_photo_is_an_error_with_a_hint(world: World) -> None:
    """As in `where`."""
    told = world.run("show", "nobody.jpg")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "There is no job of nobody.jpg on a made-up stack." in told.stderr


@pytest.mark.parametrize("command", ["show", "where", "retry"])
@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("shoes/rde.jpg", "Did you mean shoes/red.jpg? `cutout ls`"),
        ("shoe/red.jpg", "Did you mean shoes/red.jpg? `cutout ls`"),
        ("shoes/blue.jpg", "It is in the uploads bucket; `cutout audit`"),
        ("zzz", "\n`cutout ls` lists the jobs"),
    ],
)
def test_a_key_that_is_almost_right_is_corrected(
    world: World, command: str, key: str, hint: str
) -> None:
    """By the keys in its folder; an upload without a job gets another hint."""
    uploads = world.stack.bucket(UPLOADS)
    uploads.add("shoes/blue.jpg")
    uploads.add("shoes/red.jpg")
    told = world.run(command, key)
    assert (told.exit_code, told.stdout) == (1, "")
    assert hint in told.stderr
