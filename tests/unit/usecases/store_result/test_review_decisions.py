"""What StoreResult does with an operator's decision on a result under review."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.errors import StoreBusyError
from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.metrics import Metric
from cutout.domain.provider_outcomes import OutcomeUnknown
from cutout.domain.reasons import Reason
from cutout.domain.recipes import Recipe
from cutout.domain.states import Pixels, State
from cutout.operator.costs import charges_of
from cutout.ports.buckets import Labels
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.copier import tiff
from tests.support.fakes.evolink import answering, taken_but_unanswered
from tests.support.fakes.world import TIMING, World, png
from tests.support.hooks import Hook, WorkerCrashedError

ANN, BEN = "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ben"
BESIDE = "review/a.png.json"
NOTE = "a.jpg.error.json"
OPAQUE = b"png 600 400 255 255"
STEPS = (
    "jobs.save",
    "jobs.save done",
    "results.fetch",
    "results.put",
    "results.put done",
    "notes.write",
    "notes.write done",
    "notes.remove",
    "announcements.announce",
    "announcements.announce done",
)
"""Steps of an accepted result at which a worker may be killed."""


def reviewed(world: World, data: bytes | None = None, result: bytes = OPAQUE) -> Job:
    """A job whose result fails the checks."""
    job = world.arrives("a.jpg", data)
    world.deliver_all()
    world.evolink.complete(world.task_of(job), result)
    return world.check_task(job)


def decided(world: World, job: Job, verdict: Verdict, by: str = ANN) -> Job:
    """The job after a decision was recorded and its message delivered."""
    recorded = world.reviews.decide(world.job(job), verdict, by)
    assert recorded.problem is None
    world.deliver_all()
    return world.job(job)


def noted(world: World, key: str) -> dict[str, object]:
    """The note at a key."""
    note: dict[str, object] = json.loads(world.notes.stored[key].text)
    return note


def test_an_accepted_result_becomes_the_cut_out() -> None:
    """With labels, variants, event and provenance like any other; nothing is paid."""
    world = World(recipes=(Recipe(name="web", format="webp"),), tag_sources=True)
    source = world.uploads.add("a.jpg", png(), Labels(metadata={"shop": "7"}, tags={"x": "y"}))
    registered = world.register_upload.created(source)
    assert registered is not None
    world.submit.advance(registered.job)
    world.evolink.complete(world.task_of(registered.job), OPAQUE)
    job = world.check_task(registered.job)
    paid = list(world.evolink.charges)
    world.clock.advance(timedelta(days=2))
    done = decided(world, job, Verdict.ACCEPT)
    assert (done.state, done.reason) == (State.COMPLETED, Reason.ACCEPTED_BY_PERSON)
    assert done.decision is not None
    assert (done.decision.by, done.decision.over) == (ANN, Reason.RESULT_OPAQUE)
    assert done.message == f"accepted by {ANN}; the review was because of result-opaque"
    stored = world.results.objects["a.png"]
    assert stored.data == world.results.objects["review/a.png"].data
    assert stored.labels.metadata["shop"] == "7"
    assert stored.labels.metadata["cutout-job"] == job.id
    assert stored.labels.metadata["cutout-task"] == world.task_of(job)
    assert stored.labels.tags == {"x": "y"}
    assert [one.key for one in done.variants] == ["a.web.webp"]
    assert [told.state for told in world.announcements.jobs] == [State.REVIEW, State.COMPLETED]
    assert world.uploads.labels(source).tags["cutout"] == "completed"
    assert world.evolink.charges == paid
    assert [one.is_lost for one in charges_of(done)] == [False]


def test_a_rejected_result_is_a_charge_without_a_cut_out() -> None:
    """The object is kept as evidence for a refund."""
    world = World()
    done = decided(world, reviewed(world), Verdict.REJECT)
    assert (done.state, done.reason) == (State.FAILED, Reason.REJECTED_BY_PERSON)
    assert list(world.results.objects) == ["review/a.png"]
    assert [one.is_lost for one in charges_of(done)] == [True]
    assert [told.state for told in world.announcements.jobs] == [State.REVIEW, State.FAILED]
    assert noted(world, NOTE)["reason"] == "rejected-by-person"


@pytest.mark.parametrize(
    ("verdict", "left"), [(Verdict.ACCEPT, [BESIDE]), (Verdict.REJECT, [BESIDE, NOTE])]
)
def test_the_notes_record_the_decision(verdict: Verdict, left: list[str]) -> None:
    """The operator need not decide again; a photo with a cut-out has no error note."""
    world = World()
    done = decided(world, reviewed(world), verdict)
    assert list(world.notes.stored) == left
    assert noted(world, BESIDE)["reason"] == verdict.reason.value
    assert done.decision is not None
    assert noted(world, BESIDE)["message"] == done.decision.text


@pytest.mark.parametrize("verdict", Verdict)
def test_of_two_concurrent_decisions_the_first_counts(verdict: Verdict) -> None:
    """Both operators read the job under review; the second gets the first one's decision."""
    world = World()
    job = reviewed(world)
    world.reviews.decide(job, verdict, ANN)
    second = world.reviews.decide(job, Verdict.REJECT, BEN)
    said = f"it was {verdict}ed by {ANN} at "
    assert second.problem is not None
    assert second.problem.startswith(said)
    world.deliver_all()
    third = world.reviews.decide(world.job(job), Verdict.ACCEPT, BEN)
    assert third.problem is not None
    assert third.problem.startswith(said)
    assert world.job(job).reason is verdict.reason


def test_a_decision_whose_response_was_lost_is_recorded() -> None:
    """The SDK repeats the write, which then conflicts with itself."""
    world = World()
    job = reviewed(world)
    answers = iter([True])
    world.jobs.loses_answer = lambda: next(answers, False)
    assert decided(world, job, Verdict.ACCEPT).state is State.COMPLETED


@pytest.mark.parametrize("verdict", Verdict)
def test_a_lost_message_about_a_decision_is_sent_again_by_sweep(verdict: Verdict) -> None:
    """The job is due as soon as the decision is recorded."""
    world = World()
    job = reviewed(world)
    world.reviews.decide(job, verdict, ANN)
    world.callbacks.checks.clear()
    world.passes(timedelta(minutes=2))
    assert world.job(job).reason is verdict.reason
    assert world.job(job).state.is_settled


def test_a_decision_is_carried_out_at_once_although_the_operators_clock_is_ahead() -> None:
    """The due time comes from the operator's clock."""
    world = World()
    job = reviewed(world)
    ahead = replace(world.reviews, clock=FakeClock(world.clock.now() + timedelta(hours=1)))
    ahead.decide(job, Verdict.ACCEPT, ANN)
    world.deliver_all()
    assert world.job(job).state is State.COMPLETED


def test_a_second_message_does_not_disturb_the_worker_with_the_lease() -> None:
    """Messages may be delivered twice."""
    hook = Hook()
    world = World(step=hook)
    job = reviewed(world)
    world.reviews.decide(job, Verdict.ACCEPT, ANN)
    hook.once_at(
        "results.fetch", lambda: world.track_task.check(TaskCheck(job_id=job.id, attempt=1))
    )
    world.deliver_all()
    assert (world.job(job).state, hook.seen.count("results.put")) == (State.COMPLETED, 2)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("step", STEPS)
def test_a_decision_is_carried_out_after_a_crash_at_any_step(step: str, verdict: Verdict) -> None:
    """Once the lease has expired, Sweep has the steps repeated."""
    hook = Hook()
    world = World(step=hook)
    job = reviewed(world)
    paid = list(world.evolink.charges)
    world.reviews.decide(job, verdict, ANN)
    hook.seen.clear()
    hook.crash_at(step)
    is_killed = False
    try:
        world.deliver_all()
    except WorkerCrashedError:
        is_killed = True
    assert is_killed == (step in hook.seen)
    world.passes(3 * TIMING.lease)
    done = world.job(job)
    assert (done.state, done.reason, done.is_announced) == (
        State.COMPLETED if verdict is Verdict.ACCEPT else State.FAILED,
        verdict.reason,
        True,
    )
    assert ("a.png" in world.results.objects) == (verdict is Verdict.ACCEPT)
    assert (NOTE in world.notes.stored) == (verdict is Verdict.REJECT)
    assert noted(world, BESIDE)["reason"] == verdict.reason.value
    assert world.evolink.charges == paid


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_on_an_older_upload_supersedes_it(verdict: Verdict) -> None:
    """Its result is not published, whatever the decision."""
    world = World()
    job = reviewed(world)
    newer = world.arrives("a.jpg", png(salt=2))
    world.evolink.complete(world.task_of(newer))
    world.check_task(newer)
    before = world.results.objects["a.png"]
    done = decided(world, job, verdict)
    assert (done.state, done.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert world.results.objects["a.png"] == before


def test_a_deleted_photo_gets_no_cut_out_by_a_decision() -> None:
    """Its result under review is removed."""
    world = World()
    job = reviewed(world)
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    done = decided(world, job, Verdict.ACCEPT)
    assert (done.state, done.reason) == (State.SUPERSEDED, Reason.SOURCE_DELETED)
    assert "a.png" not in world.results.objects


@pytest.mark.parametrize(
    ("verdict", "end"),
    [
        (Verdict.ACCEPT, (State.COMPLETED, Reason.ACCEPTED_BY_PERSON)),
        (Verdict.REJECT, (State.FAILED, Reason.REJECTED_BY_PERSON)),
    ],
)
def test_a_photo_that_is_the_newest_again_is_decided_on(
    verdict: Verdict, end: tuple[State, Reason]
) -> None:
    """A newer version was destroyed: the bucket shows the photo whose result is under review."""
    world = World()
    job = reviewed(world)
    newer = world.arrives("a.jpg", png(salt=1))
    world.uploads.destroy(newer.source)
    done = decided(world, job, verdict)
    assert (done.state, done.reason) == end


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "the result under review no longer exists"),
        (b"png 600 400 0 255", "the result under review is not the one that was kept"),
    ],
)
def test_a_missing_or_replaced_result_stays_under_review(data: bytes | None, problem: str) -> None:
    """Operators accept what they have seen. The problem is recorded; they can decide again."""
    world = World()
    job = reviewed(world)
    kept = world.results.objects.pop("review/a.png")
    if data is not None:
        world.results.objects["review/a.png"] = replace(kept, data=data)
    back = decided(world, job, Verdict.ACCEPT)
    assert (back.state, back.reason, back.message) == (
        State.REVIEW,
        Reason.RESULT_OPAQUE,
        problem,
    )
    assert list(world.results.objects) == ([] if data is None else ["review/a.png"])
    assert noted(world, NOTE)["message"] == problem
    assert decided(world, job, Verdict.REJECT).state is State.FAILED


@pytest.mark.parametrize(
    ("data", "state"), [(b"\x89PNG\r\n\x1a\n", State.REVIEW), (OPAQUE, State.COMPLETED)]
)
def test_a_result_stored_undecoded_is_decoded_before_it_is_published(
    data: bytes, state: State
) -> None:
    """It crashed workers, and may be no picture."""
    world = World()
    job = reviewed(world, result=data)
    world.passes(timedelta(minutes=30))
    unchecked = replace(world.job(job), reason=Reason.RESULT_UNCHECKED)
    world.jobs.jobs[job.id] = unchecked
    done = decided(world, job, Verdict.ACCEPT)
    assert done.state is state
    if state is State.REVIEW:
        assert done.reason is Reason.RESULT_UNCHECKED
        assert done.message == "the result under review cannot be decoded"


def test_a_result_that_crashes_each_worker_stays_under_review() -> None:
    """After five crashes; the job is not lost, and nothing is paid."""
    hook = Hook()
    world = World(step=hook)
    job = reviewed(world)
    world.reviews.decide(job, Verdict.ACCEPT, ANN)
    for _ in range(4):
        hook.crash_at("results.fetch")
        with pytest.raises(WorkerCrashedError):
            world.passes(timedelta(hours=1))
    world.passes(timedelta(hours=1))
    done = world.job(job)
    assert (done.state, done.reason) == (State.REVIEW, Reason.RESULT_OPAQUE)
    assert done.message == "each try to store the result was cut short"


def test_a_step_that_fails_each_time_leaves_the_job_under_review() -> None:
    """With the error as its problem; the decision can be made again."""
    hook = Hook()
    world = World(step=hook)
    job = reviewed(world)

    def fail() -> None:
        hook.once_at("results.fetch", fail)
        raise OSError("the disk is full")

    hook.once_at("results.fetch", fail)
    world.reviews.decide(job, Verdict.ACCEPT, ANN)
    world.passes(timedelta(hours=12))
    done = world.job(job)
    assert (done.state, done.reason) == (State.REVIEW, Reason.RESULT_OPAQUE)
    assert done.decision is not None
    assert done.decision.problem == "OSError: the disk is full"


def test_a_rejected_job_can_be_retried_and_an_accepted_one_cannot() -> None:
    """The retry makes a new call, and the job drops the old decision."""
    world = World()
    job = decided(world, reviewed(world), Verdict.REJECT)
    again = world.operate.retry(job)
    assert (again.state, again.decision, again.result) == (State.QUEUED, None, None)
    world.deliver_all()
    world.evolink.complete(world.task_of(job))
    assert world.check_task(job).state is State.COMPLETED
    assert world.job(job).reason is None


def test_the_late_result_of_another_attempt_is_stored_after_a_rejection() -> None:
    """It was paid for and not rejected."""
    world = World()
    job = decided(world, reviewed(world), Verdict.REJECT)
    decision = job.decision
    world.operate.retry(job)
    world.deliver_all()
    running = world.job(job)
    world.jobs.jobs[job.id] = replace(
        running, state=State.FAILED, reason=Reason.REJECTED_BY_PERSON, decision=decision
    )
    world.evolink.complete(world.task_of(job))
    done = world.check_task(job)
    assert (done.state, done.reason, done.decision) == (State.COMPLETED, None, None)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("is_leased", [False, True])
def test_the_result_of_another_attempt_during_a_decision_is_recorded(
    verdict: Verdict,
    is_leased: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """The callback is the only record of its paid task."""
    world = World()
    unanswered = answering(OutcomeUnknown(message="ReadTimeout"))
    world.evolink.create_faults += (taken_but_unanswered, unanswered)
    job = world.arrives("a.jpg")
    world.passes(2 * TIMING.unconfirmed_grace + timedelta(minutes=3))
    assert world.job(job).reason is Reason.OUTCOME_UNKNOWN
    world.operate.retry(world.job(job))
    world.deliver_all()
    world.evolink.complete(world.task_of(job), OPAQUE)
    world.check_task(job)
    first = world.evolink.charges[0].task_id
    world.evolink.complete(first)
    world.reviews.decide(world.job(job), verdict, ANN)
    callback = TaskCheck(job_id=job.id, attempt=1, task_id=first, is_taken=True)
    if is_leased:
        due = world.job(job).due_at
        assert due is not None
        world.jobs.jobs[job.id] = replace(world.job(job), tries=1, due_at=due + TIMING.lease)
        with pytest.raises(StoreBusyError):
            world.track_task.check(callback)
        world.passes(TIMING.lease + timedelta(minutes=2))
    world.track_task.check(callback)
    done = world.job(job)
    assert (done.state, done.attempts[0].task_id) == (State.COMPLETED, first)
    assert len(world.evolink.charges) == 2


def test_an_accepted_result_is_finished_like_any_other() -> None:
    """A result that is no upright PNG becomes one."""
    world = World()
    job = reviewed(world, result=b"jpeg 600 400 -1 -1")
    decided(world, job, Verdict.ACCEPT)
    assert world.results.objects["review/a.png"].data.startswith(b"jpeg")
    assert world.results.objects["a.png"].data.startswith(b"png 600 400")


def test_an_accepted_result_waits_for_a_new_copy_with_the_photos_own_pixels() -> None:
    """Copies are deleted after a day, and decisions are made later."""
    world = World(pixels=Pixels.SOURCE)
    job = reviewed(world, tiff())
    world.copies.objects.clear()
    world.reviews.decide(world.job(job), Verdict.ACCEPT, ANN)
    world.passes(timedelta(minutes=15))
    done = world.job(job)
    assert (done.state, done.reason) == (State.COMPLETED, Reason.ACCEPTED_BY_PERSON)
    assert done.result is not None
    assert done.result.pixels is Pixels.SOURCE


def test_an_accepted_result_of_another_aspect_ratio_keeps_its_pixels() -> None:
    """Its transparency does not fit the photo's own pixels."""
    world = World(pixels=Pixels.SOURCE)
    done = decided(world, reviewed(world, result=b"png 600 600 0 255"), Verdict.ACCEPT)
    assert (done.state, done.reason) == (State.COMPLETED, Reason.ACCEPTED_BY_PERSON)
    assert done.result is not None
    assert (done.result.width, done.result.height, done.result.pixels) == (600, 600, Pixels.MODEL)
    assert done.result.remark is not None
    assert "another aspect ratio" in done.result.remark


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_is_not_counted_as_a_failure_or_a_cost(verdict: Verdict) -> None:
    """The job was counted when its review began; alarms are about the provider."""
    world = World()
    job = reviewed(world)
    before = dict(world.telemetry.happened)
    decided(world, job, verdict)
    counted = {
        metric: count - before.get(metric, 0)
        for metric, count in world.telemetry.happened.items()
        if count != before.get(metric, 0)
    }
    assert counted == {Metric.COMPLETED if verdict is Verdict.ACCEPT else Metric.FAILED: 1}
