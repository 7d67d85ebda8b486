"""A job's identity, history and end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import HistoryEntry, Job
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, Lane, Move, State
from tests.support.builders import LATER, NOW, RETENTION, a_job, a_source, an_attempt

MINUTE = timedelta(minutes=1)


def test_a_repeated_event_gives_the_same_job() -> None:
    """The id follows from bucket, key and version."""
    again = a_source(etag="other", sequencer="FF", size=1)
    assert a_source().job_id == again.job_id == "751cb9402de60cbedc4acd51ed2ec465"


@pytest.mark.parametrize(
    "other",
    [{"bucket": "others"}, {"key": "shoes/red.JPG"}, {"version_id": "v2"}, {"version_id": None}],
)
def test_another_upload_is_another_job(other: dict[str, str | None]) -> None:
    """Another bucket, key or version is another job."""
    assert a_source(**other).job_id != a_source().job_id


@pytest.mark.parametrize("other", [{"etag": "other"}, {"sequencer": "FF"}])
def test_without_versioning_etag_and_sequencer_distinguish_uploads(
    other: dict[str, str],
) -> None:
    """They replace the version."""
    plain = a_source(version_id=None)
    assert plain.job_id == a_source(version_id=None).job_id
    assert plain.job_id != a_source(version_id=None, **other).job_id


def test_bucket_and_key_cannot_be_confused() -> None:
    """The id separates the bucket's name from the key."""
    assert a_source(bucket="ab", key="c").job_id != a_source(bucket="a", key="bc").job_id


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("00691ED95F3C4B2A11", "00691ED95F3C4B2A12"),
        ("00691ed95f", "00691ED95F3C4B2A12"),
        ("617F08299329D189", "617f0829a"),
        ("0A", "0a00000001"),
    ],
)
def test_sequencers_compare_as_s3_defines(older: str, newer: str) -> None:
    """The shorter one is padded with zeros on the right, and case is ignored."""
    assert a_source(sequencer=older).order < a_source(sequencer=newer).order


def test_padding_a_sequencer_with_zeros_changes_nothing() -> None:
    """Two spellings of one sequencer are equal."""
    assert a_source(sequencer="00ab").order == a_source(sequencer="00AB00").order


def test_a_new_job_is_queued_and_due_after_the_lease() -> None:
    """So that Sweep finds it if its worker crashes."""
    source = a_source()
    assert Job.begin(source, now=NOW, due_at=LATER) == Job(
        id=source.job_id,
        source=source,
        state=State.QUEUED,
        created_at=NOW,
        updated_at=NOW,
        due_at=LATER,
        look_at=LATER,
        entered_at=NOW,
        lane=Lane.LIVE,
        history=(HistoryEntry(state=State.QUEUED, at=NOW),),
    )
    assert source.ref == "uploads/shoes/red.jpg"


def test_each_change_of_state_or_reason_is_an_entry_of_the_history() -> None:
    """With its time; a move that changes neither adds no entry."""
    job = a_job()
    job = job.move(Move.HOLD, now=NOW + MINUTE, reason=Reason.GATE_FULL)
    job = job.move(Move.HOLD, now=NOW + 2 * MINUTE, reason=Reason.GATE_FULL)
    job = job.move(Move.HOLD, now=NOW + 3 * MINUTE, reason=Reason.DAILY_CAP)
    job = job.move(Move.ADMIT, now=NOW + 4 * MINUTE)
    assert job.history == (
        HistoryEntry(state=State.QUEUED, at=NOW),
        HistoryEntry(state=State.QUEUED, at=NOW + MINUTE, reason=Reason.GATE_FULL),
        HistoryEntry(state=State.QUEUED, at=NOW + 3 * MINUTE, reason=Reason.DAILY_CAP),
        HistoryEntry(state=State.SUBMITTING, at=NOW + 4 * MINUTE),
    )


def test_the_history_keeps_the_latest_sixty_entries() -> None:
    """The job stays small however often it moves."""
    job = a_job()
    for turn in range(100):
        job = job.move(Move.ADMIT, now=NOW + turn * MINUTE)
        job = job.move(Move.BACK_OFF, now=NOW + turn * MINUTE)
    assert len(job.history) == 60
    assert job.history[-1] == HistoryEntry(state=State.QUEUED, at=NOW + 99 * MINUTE)


def test_tries_count_moves_within_a_state() -> None:
    """Back-offs grow with tries; another state restarts the count."""
    job = a_job(State.PROCESSING)
    tries = []
    for move in (Move.POLL_LATER, Move.POLL_LATER, Move.FETCH, Move.FETCH_LATER):
        job = job.move(move, now=LATER)
        tries.append(job.tries)
    assert tries == [1, 2, 0, 1]


def test_entered_at_is_the_time_of_entering_the_state() -> None:
    """Deadlines count from then, whatever reasons the job had since."""
    job = a_job(State.PROCESSING).move(Move.FETCH, now=NOW + MINUTE)
    job = job.move(Move.FETCH_LATER, now=NOW + 2 * MINUTE, reason=Reason.RESULT_UNREADABLE)
    job = job.move(Move.FETCH_LATER, now=NOW + 3 * MINUTE)
    assert job.entered_at == NOW + MINUTE


def test_entered_at_of_a_new_job_is_its_creation() -> None:
    """It was never moved."""
    assert a_job().entered_at == NOW


def test_entered_at_is_independent_of_the_history() -> None:
    """The history drops its first entries; a state may have had more reasons than it keeps."""
    job = a_job(State.PROCESSING).move(Move.FETCH, now=NOW + MINUTE)
    for look in range(100):
        reason = Reason.RESULT_UNREADABLE if look % 2 else None
        job = job.move(Move.FETCH_LATER, now=NOW + look * MINUTE, reason=reason)
    assert (len(job.history), job.entered_at) == (60, NOW + MINUTE)


def test_trying_since_is_the_start_of_the_first_attempt() -> None:
    """The deadline for reaching the provider counts from it."""
    job = a_job().with_attempt(an_attempt(1, started_at=NOW + MINUTE))
    job = job.with_attempt(an_attempt(2, started_at=NOW + 2 * MINUTE))
    assert job.trying_since == NOW + MINUTE
    assert a_job().trying_since is None


def test_a_call_that_was_sent_ends_the_deadline_for_reaching_the_provider() -> None:
    """The next call starts it; a late response to an older attempt changes nothing."""
    job = a_job().with_attempt(an_attempt(1, started_at=NOW))
    job = job.with_attempt(an_attempt(1, outcome=AttemptOutcome.REFUSED, started_at=NOW))
    assert job.trying_since is None
    job = job.with_attempt(an_attempt(2, started_at=LATER))
    job = job.with_attempt(an_attempt(1, outcome=AttemptOutcome.FAILED, started_at=NOW))
    assert job.trying_since == LATER


def test_an_attempt_at_the_time_of_creation_counts() -> None:
    """The deadline starts at once."""
    assert a_job().with_attempt(an_attempt(started_at=NOW)).trying_since == NOW


@pytest.mark.parametrize(
    ("state", "reason", "due_at", "is_backing_off"),
    [
        (State.QUEUED, Reason.BACKING_OFF, LATER, True),
        (State.QUEUED, Reason.TASK_RETRIED, LATER, True),
        (State.QUEUED, Reason.BACKING_OFF, NOW, False),
        (State.QUEUED, Reason.GATE_FULL, LATER, False),
        (State.QUEUED, None, LATER, False),
        (State.UNCONFIRMED, Reason.BACKING_OFF, LATER, False),
    ],
)
def test_a_job_is_not_submitted_before_its_back_off_ends(
    state: State,
    reason: Reason | None,
    due_at: object,
    is_backing_off: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Only a queued job backs off; a freed slot does not shorten it."""
    assert a_job(state, reason=reason, due_at=due_at).is_backing_off(NOW) == is_backing_off


def test_a_job_is_due_from_its_due_time_on() -> None:
    """At that very moment and after; never while it waits at the gate."""
    job = a_job(due_at=LATER)
    assert [job.is_due(at) for at in (NOW, LATER, LATER + MINUTE)] == [False, True, True]
    assert not a_job(due_at=None).is_due(LATER)


def test_settling_drops_bodies_and_sets_an_expiry() -> None:
    """A settled job grants no access to the photo, expires, and is due until its event is sent."""
    job = a_job(State.PROCESSING).with_attempt(an_attempt(outcome=AttemptOutcome.ACCEPTED))
    settled = job.settle(
        Move.FAIL, now=LATER, retention=RETENTION, reason=Reason.TASK_FAILED, code="x"
    )
    assert settled == replace(
        job.move(Move.FAIL, now=LATER, reason=Reason.TASK_FAILED, due_at=LATER, code="x"),
        attempts=(an_attempt(outcome=AttemptOutcome.ACCEPTED),),
        expires_at=LATER + RETENTION,
    )
    assert (settled.due_at, settled.is_announced) == (LATER, False)


def test_an_announced_job_has_no_due_time() -> None:
    """Nothing is left to do."""
    settled = a_job(State.STORING).settle(Move.COMPLETE, now=LATER, retention=RETENTION)
    assert settled.announced() == replace(settled, is_announced=True, due_at=None)


def test_a_superseded_job_is_not_announced() -> None:
    """The newer upload is, so this job has no due time."""
    job = a_job().settle(Move.SUPERSEDE, now=LATER, retention=RETENTION, reason=Reason.NEWER_UPLOAD)
    assert (job.is_announced, job.due_at, job.expires_at) == (True, None, LATER + RETENTION)


def test_a_retried_job_does_not_expire_and_is_announced_again() -> None:
    """Open jobs never expire, and each end has its event."""
    failed = a_job(State.STORING).settle(Move.FAIL, now=NOW, retention=RETENTION).announced()
    retried = failed.move(Move.RETRY, now=LATER, reason=Reason.RETRIED_BY_PERSON, due_at=LATER)
    assert (retried.expires_at, retried.is_announced, retried.due_at) == (None, False, LATER)


TRIED = a_job(
    State.STORING,
    tries=4,
    entered_at=NOW,
    failures=3,
    cut_short=2,
    reason=Reason.STEP_FAILED,
    due_at=NOW,
    code="broken",
    message="The step broke.",
    is_waiting=True,
    is_announced=True,
    expires_at=LATER,
)


@pytest.mark.parametrize(
    ("move", "state", "failures", "cut_short", "tries"),
    [
        (Move.FETCH_LATER, State.STORING, 3, 2, 5),
        (Move.CACHE_MISS, State.QUEUED, 0, 0, 0),
    ],
)
def test_a_move_keeps_the_counts_of_its_state_and_drops_reason_and_message(
    move: Move, state: State, failures: int, cut_short: int, tries: int
) -> None:
    """Another state starts with counts of zero."""
    at, due_at = NOW + MINUTE, NOW + 2 * MINUTE
    moved = TRIED.move(move, now=at, due_at=due_at)
    assert moved == replace(
        TRIED,
        state=state,
        entered_at=NOW if state is TRIED.state else at,
        updated_at=at,
        due_at=due_at,
        reason=None,
        code=None,
        message=None,
        is_waiting=False,
        is_announced=False,
        expires_at=None,
        history=(*TRIED.history, HistoryEntry(state=state, at=at)),
        failures=failures,
        cut_short=cut_short,
        tries=tries,
    )


def test_a_job_starts_in_the_lane_of_its_upload() -> None:
    """Backfilled photos come after live ones."""
    begun = Job.begin(a_source(), now=NOW, due_at=LATER, lane=Lane.BACKFILL)
    assert begun == replace(Job.begin(a_source(), now=NOW, due_at=LATER), lane=Lane.BACKFILL)


def test_the_storing_attempt_is_tracked_only_while_storing() -> None:
    """Otherwise the newest attempt is, and also if no attempt has that number any more."""
    first, second = an_attempt(1), an_attempt(2)
    job = a_job(State.STORING, attempts=(first, second), storing_attempt=1)
    assert job.tracked_attempt == first
    assert replace(job, state=State.PROCESSING).tracked_attempt == second
    assert replace(job, storing_attempt=9).tracked_attempt == second
    assert replace(job, storing_attempt=None).tracked_attempt == second


@pytest.mark.parametrize(("failures", "since"), [(0, NOW), (1, NOW + MINUTE)])
def test_a_failed_step_moves_a_waiting_job_back(failures: int, since: object) -> None:
    """Jobs that came meanwhile are admitted first."""
    job = a_job(failures=failures, updated_at=NOW + MINUTE)
    assert job.waiting_since == since


@pytest.mark.parametrize(
    ("state", "reason", "is_being_prepared"),
    [
        (State.QUEUED, Reason.PREPARING, True),
        (State.STORING, Reason.PREPARING, False),
        (State.QUEUED, None, False),
    ],
)
def test_only_a_queued_job_is_being_prepared(
    state: State,
    reason: Reason | None,
    is_being_prepared: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A job that waits for a copy with its result is storing."""
    job = a_job(state, reason=reason)
    assert job.is_being_prepared == is_being_prepared
    assert job.waiting_for_copies_since == NOW
    assert replace(job, history=()).waiting_for_copies_since == job.created_at
