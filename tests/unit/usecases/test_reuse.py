"""The same picture is bought once: reused, waited for, taken over, and bought anew on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.job import Job, Reuse
from cutout.keys import FRESH_MARK, kept_key
from cutout.ports.buckets import Labels
from cutout.ports.queues import Wake
from cutout.ports.telemetry import Metric
from cutout.provider import OutcomeUnknown
from cutout.states import Reason, State
from tests.fakes.evolink import CUT_OUT, PRICE, answering
from tests.fakes.world import MODEL, TIMING, World, png
from tests.unit.usecases.hooks import Hook, WorkerDiedError

MINUTE = timedelta(minutes=1)


def reusing(hook: Hook | None = None) -> World:
    """A world in which a picture is bought once."""
    return World(reuse=True, step=hook) if hook else World(reuse=True)


def finish(world: World, job: Job, result: bytes = CUT_OUT) -> Job:
    """The job's task ends with this result, its callback comes, and all are woken who shall be."""
    world.evolink.complete(world.task_of(job), result)
    world.wake(job)
    world.settles()
    return world.job(job)


def bought(world: World, key: str = "a.jpg") -> Job:
    """A photo whose picture was paid for."""
    return finish(world, world.arrives(key))


def settled(world: World, job: Job) -> Job:
    """The job once everything that is in the queues was delivered."""
    world.settles()
    return world.job(job)


def arrives_fresh(world: World, key: str = "b.jpg") -> Job:
    """An upload that says that it is to be bought anew."""
    labels = Labels(metadata={FRESH_MARK: "true"}, tags={})
    job = world.arrive.created(world.uploads.add(key, png(), labels))
    assert job is not None
    return world.submit.advance(job)


def kept_at(world: World) -> str:
    """Where the one result is kept."""
    (key,) = world.kept.objects
    return key


def test_an_accepted_result_is_kept_as_it_came() -> None:
    """Under the SHA-256 of its source's bytes and the model."""
    world = reusing()
    job = finish(world, world.arrives(), b"webp 600 400 0 255")
    assert job.photo is not None
    assert kept_at(world) == kept_key(job.photo.sha256, MODEL)
    assert world.kept.objects[kept_at(world)].startswith(b"webp ")
    assert world.results.objects["a.png"].data.startswith(b"png ")


@pytest.mark.parametrize("key", ["b.jpg", "a.jpg"])
def test_the_same_picture_again_is_completed_free(key: str) -> None:
    """Under another key, or uploaded again: no call, no slot, no credits; marked and counted."""
    world = reusing()
    first = bought(world)
    job = settled(world, world.arrives(key))
    assert (job.state, job.attempts, job.credits) == (State.COMPLETED, (), Decimal(0))
    assert job.reused == Reuse(
        job_id=first.id,
        key=kept_at(world),
        sha256=world.bought.items[f"{first.photo.sha256}#{MODEL}"].kept.sha256,  # type: ignore[union-attr]
        task_id=world.task_of(first),
        credits_saved=PRICE,
    )
    assert [step.state for step in job.history] == [State.QUEUED, State.STORING, State.COMPLETED]
    stored = world.results.objects[key.replace("jpg", "png")]
    assert stored.data == CUT_OUT + b" " + world.task_of(first).encode()
    assert stored.labels.metadata["cutout-task"] == world.task_of(first)
    assert stored.labels.metadata["cutout-job"] == job.id
    assert len(world.evolink.posts) == 1
    assert (world.telemetry.counts[Metric.REUSED], world.telemetry.counts[Metric.ADMITTED]) == (
        1,
        1,
    )
    assert world.telemetry.counts[Metric.CREDITS_SAVED] == float(PRICE)
    assert world.announcements.jobs[-1].reused == job.reused


def test_reuse_needs_neither_a_slot_nor_an_open_gate() -> None:
    """A paused intake holds back what is paid for, and nothing else."""
    world = reusing()
    bought(world)
    world.operate.pause()
    assert settled(world, world.arrives("b.jpg")).state is State.COMPLETED
    assert world.jobs.read_gate().in_flight == 0


def test_another_picture_is_bought() -> None:
    """One byte is enough."""
    world = reusing()
    bought(world)
    assert world.arrives("b.jpg", png(salt=1)).state is State.PROCESSING


def test_of_two_at_once_one_buys_and_the_other_waits_and_is_woken() -> None:
    """It stands neither at the gate nor behind it."""
    world = reusing()
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
    assert (second.state, second.reason, second.is_waiting) == (
        State.QUEUED,
        Reason.SAME_PICTURE,
        False,
    )
    assert world.jobs.read_gate().in_flight == 1
    finish(world, first)
    assert world.job(second).state is State.COMPLETED
    assert (len(world.evolink.charges), sorted(world.results.objects)) == (1, ["a.png", "b.png"])


def test_two_workers_that_ask_at_the_same_moment_buy_one() -> None:
    """The conditional write decides."""
    hook = Hook()
    world = reusing(hook)
    others: list[Job] = []
    hook.once_at("purchases.claim", lambda: others.append(world.arrives("b.jpg")))
    first = world.arrives("a.jpg")
    assert [others[0].state, first.state] == [State.PROCESSING, State.QUEUED]
    finish(world, others[0])
    assert (world.job(first).state, len(world.evolink.charges)) == (State.COMPLETED, 1)


def test_a_wake_that_was_lost_is_made_up_for_by_its_due_time() -> None:
    """Whoever waits looks again by itself, ever less often."""
    world = reusing()
    first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
    assert second.due_at == world.clock.now() + TIMING.poll_interval
    world.evolink.complete(world.task_of(first))
    world.wake(first)
    world.submissions.job_ids.clear()
    world.passes(TIMING.poll_interval + MINUTE)
    assert world.job(second).state is State.COMPLETED


def test_who_waits_long_looks_once_an_hour() -> None:
    """A gate that is paused for days makes no work for those who wait for its pictures."""
    world = reusing()
    world.operate.pause()
    world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.passes(timedelta(hours=30))
    assert len([job for job in world.jobs.writes if job.id == second.id]) < 40
    assert world.job(second).reason is Reason.SAME_PICTURE


ENDS = {
    "task failed": lambda world, job: world.evolink.fail(
        world.task_of(job), "content_policy_violation"
    ),
    "kept for review": lambda world, job: world.evolink.complete(
        world.task_of(job), b"png 600 400 0 0"
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_if_the_buyer_ends_without_a_result_who_waits_takes_over(end: str) -> None:
    """One of them buys, the others go on waiting; a result that needs review is not reused."""
    world = reusing()
    first = world.arrives("a.jpg")
    others = [world.arrives("b.jpg"), world.arrives("c.jpg")]
    ENDS[end](world, first)
    world.wake(first)
    world.settles()
    assert world.job(first).state in {State.FAILED, State.REVIEW}
    states = [world.job(job).state for job in others]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    buyer = world.job(others[states.index(State.PROCESSING)])
    finish(world, buyer)
    assert [world.job(job).state for job in others] == [State.COMPLETED, State.COMPLETED]
    assert len(world.evolink.charges) == 2


def test_a_buyer_whose_row_is_gone_is_not_waited_for() -> None:
    """Its row expired."""
    world = reusing()
    first = world.arrives("a.jpg")
    del world.jobs.jobs[first.id]
    assert world.arrives("b.jpg").state is State.PROCESSING


def test_what_an_outdated_photo_paid_for_completes_the_newer_one() -> None:
    """The same bytes again under the same key while the first are with the provider."""
    world = reusing()
    first = world.arrives("a.jpg")
    second = world.arrives("a.jpg")
    finish(world, first)
    assert (world.job(first).state, world.job(first).reason) == (
        State.SUPERSEDED,
        Reason.NEWER_UPLOAD,
    )
    assert (world.job(second).state, world.job(second).attempts) == (State.COMPLETED, ())
    assert len(world.evolink.charges) == 1
    assert world.results.objects["a.png"].labels.metadata["cutout-job"] == second.id


def test_an_outdated_buyer_that_has_not_paid_makes_room_at_once() -> None:
    """It stands behind the gate; the newer upload has it looked at."""
    world = reusing()
    world.operate.pause()
    first = world.arrives("a.jpg")
    second = world.arrives("a.jpg")
    world.settles()
    assert world.job(first).state is State.SUPERSEDED
    assert world.job(second).reason is Reason.GATE_PAUSED
    world.operate.resume()
    world.settles()
    assert (world.job(second).state, len(world.evolink.charges)) == (State.PROCESSING, 1)


def damaged(world: World) -> None:
    """One byte differs."""
    world.kept.objects[kept_at(world)] += b"x"


def deleted(world: World) -> None:
    """Its lifecycle was shorter than our memory."""
    world.kept.lose(kept_at(world))


@pytest.mark.parametrize("trouble", [damaged, deleted])
def test_a_kept_result_that_is_not_what_was_kept_is_bought_again(trouble: object) -> None:
    """Its SHA-256 tells; from then on the new one is kept."""
    world = reusing()
    bought(world)
    trouble(world)  # type: ignore[operator]
    job = settled(world, world.arrives("b.jpg"))
    assert (job.state, job.reused, len(world.evolink.charges)) == (State.PROCESSING, None, 2)
    assert Reason.KEPT_RESULT_LOST in {step.reason for step in job.history}
    finish(world, job)
    assert settled(world, world.arrives("c.jpg")).reused is not None
    assert len(world.evolink.charges) == 2


def test_of_two_that_find_the_kept_result_gone_one_buys() -> None:
    """The other waits for it."""
    world = reusing()
    bought(world)
    jobs = [world.arrives("b.jpg"), world.arrives("c.jpg")]
    deleted(world)
    world.settles()
    world.passes(MINUTE)
    states = [world.job(job).state for job in jobs]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    finish(world, world.job(jobs[states.index(State.PROCESSING)]))
    world.passes(2 * TIMING.poll_interval)
    assert [world.job(job).state for job in jobs] == [State.COMPLETED] * 2
    assert len(world.evolink.charges) == 2


def test_fresh_uploads_are_bought_anew_and_kept_instead() -> None:
    """On the person's word, by the metadata; it is not carried to the result."""
    world = reusing()
    bought(world)
    job = arrives_fresh(world)
    assert (job.state, job.is_fresh) == (State.PROCESSING, True)
    finish(world, job)
    assert FRESH_MARK not in world.results.objects["b.png"].labels.metadata
    third = settled(world, world.arrives("c.jpg"))
    assert third.reused is not None
    assert third.reused.job_id == job.id
    assert len(world.evolink.charges) == 2


def test_while_a_picture_is_bought_anew_the_old_result_serves_others() -> None:
    """Nobody waits for what is there."""
    world = reusing()
    first = bought(world)
    arrives_fresh(world)
    job = settled(world, world.arrives("c.jpg"))
    assert job.reused is not None
    assert job.reused.job_id == first.id


def test_an_older_purchase_does_not_replace_a_fresh_one() -> None:
    """Whichever comes home first: what was bought anew is what is kept."""
    world = reusing()
    old = world.arrives("a.jpg")
    fresh = arrives_fresh(world)
    finish(world, fresh)
    finish(world, old)
    purchase = world.bought.items[f"{fresh.photo.sha256}#{MODEL}"]  # type: ignore[union-attr]
    assert purchase.kept is not None
    assert purchase.kept.job_id == fresh.id
    assert world.kept.objects[kept_at(world)].endswith(world.task_of(fresh).encode())


def test_an_old_result_is_not_written_over_a_fresh_one_that_comes_between() -> None:
    """The older buyer looked at the item, then the fresh one came home, then the older writes."""
    hook = Hook()
    world = reusing(hook)
    old = world.arrives("a.jpg")

    def bought_anew() -> None:
        fresh = arrives_fresh(world)
        world.evolink.complete(world.task_of(fresh))
        world.wake(fresh)

    hook.once_at("kept.put", bought_anew)
    finish(world, old)
    assert world.kept.objects[kept_at(world)].endswith(b"000002")
    assert settled(world, world.arrives("c.jpg")).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


def test_who_meets_a_result_that_is_just_being_replaced_does_not_buy() -> None:
    """The object is new and the item still tells of the old one: looked at again, shortly."""
    hook = Hook()
    world = reusing(hook)
    bought(world)
    fresh = arrives_fresh(world)
    others: list[Job] = []

    def comes_between() -> None:
        others.append(settled(world, world.arrives("c.jpg")))

    hook.once_at("kept.put done", comes_between)
    finish(world, fresh)
    assert (others[0].state, others[0].reason) == (State.QUEUED, Reason.BACKING_OFF)
    world.passes(2 * MINUTE)
    assert world.job(others[0]).state is State.COMPLETED
    assert len(world.evolink.charges) == 2


@pytest.mark.parametrize(("is_fresh", "charges"), [(False, 2), (True, 3)])
def test_a_persons_retry_is_free_if_the_picture_was_bought_meanwhile(
    *,
    is_fresh: bool,
    charges: int,
) -> None:
    """Unless it is to be fresh."""
    world = reusing()
    first = world.arrives("a.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    failed = world.wake(first)
    bought(world, "b.jpg")
    world.operate.retry(failed, is_fresh=is_fresh)
    world.settles()
    again = world.job(first)
    assert again.state is (State.PROCESSING if is_fresh else State.COMPLETED)
    assert len(world.evolink.charges) == charges


def test_a_retry_and_a_take_over_at_once_buy_one() -> None:
    """The retried job writes the picture's item again, so that who read it before loses."""
    hook = Hook()
    world = reusing(hook)
    first = world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.evolink.fail(world.task_of(first), "content_policy_violation")
    failed = world.wake(first)
    world.submissions.job_ids.clear()

    def retried() -> None:
        world.operate.retry(failed)
        world.submit.wake(world.job(first))

    hook.once_at("purchases.save", retried)
    world.submit.wake(world.job(second))
    states = [world.job(job).state for job in (first, second)]
    assert sorted(states) == [State.PROCESSING, State.QUEUED]
    assert len(world.evolink.charges) == 2


@pytest.mark.parametrize(
    "step",
    [
        "purchases.claim done",
        "kept.put done",
        "purchases.save done",
        "results.put done",
        "submissions.wake",
    ],
)
def test_a_worker_that_dies_at_any_step_costs_no_second_purchase(step: str) -> None:
    """The lease runs out, and it is done again; who waits is completed all the same."""
    hook = Hook()
    world = reusing(hook)
    if step == "purchases.claim done":
        hook.die_at(step)
        with pytest.raises(WorkerDiedError):
            world.arrives("a.jpg")
        world.passes(2 * TIMING.lease)
        (first,) = world.jobs.jobs.values()
        second = world.arrives("b.jpg")
    else:
        first, second = world.arrives("a.jpg"), world.arrives("b.jpg")
        hook.die_at(step)
    world.evolink.complete(world.task_of(first))
    try:
        world.wake(first)
    except WorkerDiedError:
        world.passes(2 * TIMING.lease)
    world.passes(3 * TIMING.poll_interval)
    assert [world.job(job).state for job in (first, second)] == [State.COMPLETED] * 2
    assert len(world.evolink.charges) == 1


def test_a_reused_result_is_brought_home_by_one_of_two_workers() -> None:
    """The wake and Sweep's come at once: the lease is one worker's."""
    hook = Hook()
    world = reusing(hook)
    bought(world)
    job = world.arrives("b.jpg")
    wake = Wake(job_id=job.id, attempt=0)
    hook.once_at("kept.fetch", lambda: world.follow.wake(wake))
    world.follow.wake(wake)
    assert world.job(job).state is State.COMPLETED
    assert [key for key, _stored in world.results.puts] == ["a.png", "b.png"]


def test_a_reused_photo_that_was_replaced_meanwhile_is_superseded() -> None:
    """As any other."""
    world = reusing()
    bought(world)
    job = world.arrives("b.jpg")
    world.arrives("b.jpg", png(salt=1))
    assert settled(world, job).state is State.SUPERSEDED


def test_with_the_switch_off_each_upload_is_bought_and_nothing_is_asked_or_kept() -> None:
    """No claim is read, and none written."""
    hook = Hook()
    world = World(step=hook)
    finish(world, world.arrives("a.jpg"))
    finish(world, world.arrives("b.jpg"))
    assert len(world.evolink.charges) == 2
    assert not [name for name in hook.seen if name.startswith(("purchases", "kept"))]


def test_a_buyer_looks_at_its_pictures_item_once() -> None:
    """However long it stands behind the gate and is looked at there."""
    hook = Hook()
    world = reusing(hook)
    world.operate.pause()
    job = world.arrives()
    assert hook.seen.count("purchases.claim") == 1
    for _ in range(3):
        world.submit.wake(world.job(job))
    assert hook.seen.count("purchases.claim") == 1
    assert "purchases.find" not in hook.seen


def test_a_picture_whose_call_has_an_unknown_end_is_waited_for() -> None:
    """It may have been paid for; only when it is given up is the picture bought by another."""
    world = reusing()
    world.evolink.create_faults.append(answering(OutcomeUnknown(message="ReadTimeout")))
    world.arrives("a.jpg")
    second = world.arrives("b.jpg")
    world.passes(TIMING.unconfirmed_grace - MINUTE)
    assert (world.job(second).reason, len(world.evolink.posts)) == (Reason.SAME_PICTURE, 1)


def test_many_that_wait_for_one_picture_are_all_completed() -> None:
    """The item names some of them; the others come by their due time."""
    world = reusing()
    first = world.arrives("0.jpg")
    others = [world.arrives(f"{number}.jpg") for number in range(1, 70)]
    (purchase,) = world.bought.items.values()
    assert len(purchase.waiting) == 50
    finish(world, first)
    world.passes(2 * TIMING.poll_interval)
    assert {world.job(job).state for job in others} == {State.COMPLETED}
    assert len(world.evolink.charges) == 1


def test_what_was_kept_before_the_model_changed_is_not_reused() -> None:
    """Another model's cut-out is another purchase."""
    world = reusing()
    bought(world)
    purchases = world.recorder.purchases
    assert purchases is not None
    other = replace(purchases, model="mj-v8.1-remove-bg")
    job = replace(world.job(world.arrives("b.jpg")), reused=None)
    assert other.turn(job).value == "buy"  # type: ignore[union-attr]
