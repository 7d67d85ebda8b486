"""Functions, servers and connections fail, and each photo is still cut out and paid for once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import AttemptOutcome, State
from tests.e2e.deployed import Deployed
from tests.e2e.gate import GateKeeper
from tests.e2e.logs import Logs
from tests.e2e.photos import Photos
from tests.e2e.processes import kill_workers, stand_in_down
from tests.e2e.queues import Queues
from tests.e2e.stand_in import StandIn

_SLOW_SECONDS = 3600.0


def _assert_delivered_once(job: Job, photos: Photos, stand_in: StandIn) -> None:
    key = job.source.key
    assert (job.state, job.reason) == (State.COMPLETED, None)
    assert stand_in.charges(key) == 1
    stored = photos.result(key.removesuffix("jpg") + "png")
    assert stored is not None
    assert stored.metadata["cutout-job"] == job.id


def test_lost_callback_is_replaced_by_a_poll_and_counted(
    photos: Photos, stand_in: StandIn, logs: Logs
) -> None:
    """No callback arrives; Sweep has the task polled, and the metric counts it."""
    key = "broken/unheard.jpg"
    stand_in.commit("callback:lost", key)
    before = logs.metric("StoreResult", "RecoveredByPoll")
    upload = photos.put(key)
    stand_in.awaited("end", key)
    job = photos.settled(upload, is_swept=True)
    _assert_delivered_once(job, photos, stand_in)
    assert stand_in.entries("callback", key) == []
    counted = logs.metric_grown("StoreResult", name="RecoveredByPoll", beyond=before)
    assert counted == before + 1


def test_photos_are_completed_without_any_callback(
    photos: Photos, stand_in: StandIn, gate: GateKeeper
) -> None:
    """The endpoint cannot be reached during the whole run; all results are found by polling."""
    folder = "broken/unreachable/"
    stand_in.commit("callback:lost", folder)
    with gate.limited_to(10):
        uploads = photos.put_all(f"{folder}{number}.jpg" for number in range(10))
        jobs = photos.all_settled(uploads, is_swept=True)
    assert stand_in.entries("callback", folder) == []
    assert len(stand_in.entries("post", folder)) == len(jobs)
    for job in jobs:
        _assert_delivered_once(job, photos, stand_in)


@pytest.fixture
def _messages_come_again(queues: Queues) -> Iterator[None]:
    """Let leases end soon, as on AWS after minutes: others read the job of a busy worker."""
    with queues.impatient():
        yield
        queues.wait_until_empty()


@pytest.mark.usefixtures("_messages_come_again")
@pytest.mark.parametrize("callback", ["comes", "is lost"])
def test_submit_that_is_killed_while_it_pays_does_not_pay_again(
    callback: str, photos: Photos, stand_in: StandIn, deployed: Deployed
) -> None:
    """The task exists, the answer never arrived: the callback names it, or the API does."""
    key = f"broken/submit, its callback {callback}.jpg"
    stand_in.commit("create:slow", key, times=1, seconds=_SLOW_SECONDS)
    if callback == "comes":
        stand_in.commit("task:slow", key, seconds=_SLOW_SECONDS, times=1)
    else:
        stand_in.commit("callback:lost", key)
    upload = photos.put(key)
    stand_in.awaited("post", key)
    paying = photos.in_state(upload, State.SUBMITTING, State.UNCONFIRMED)
    assert paying.attempts[0].task_id is None
    assert kill_workers(deployed, "Submit") > 0
    if callback == "comes":
        stand_in.let_pass(seconds=_SLOW_SECONDS)
    else:
        photos.age(upload, timedelta(minutes=20))
        photos.in_state(upload, State.UNCONFIRMED, is_swept=True)
        photos.age(upload, timedelta(minutes=20))
    job = photos.settled(upload, is_swept=True)
    _assert_delivered_once(job, photos, stand_in)
    assert len(job.attempts) == 1
    assert not job.attempts[0].is_possible_double_charge


@pytest.mark.usefixtures("_messages_come_again")
def test_work_of_a_killed_store_result_is_continued_by_another(
    photos: Photos, stand_in: StandIn, deployed: Deployed
) -> None:
    """Its lease expires, Sweep has another worker fetch the result, and it is whole."""
    key = "broken/store.jpg"
    stand_in.commit("result:slow", key, times=1, seconds=_SLOW_SECONDS)
    upload = photos.put(key)
    fetching = photos.in_state(upload, State.STORING)
    deployed.wait(lambda: kill_workers(deployed, "StoreResult") > 0, "StoreResult to be killed")
    job = photos.settled(upload, is_swept=True)
    assert fetching.due_at is not None
    assert job.updated_at >= fetching.due_at
    _assert_delivered_once(job, photos, stand_in)


def test_killed_receive_callback_is_called_again_by_the_provider(
    photos: Photos, stand_in: StandIn, deployed: Deployed
) -> None:
    """The workers are killed between two callbacks; new ones take the next: nothing is polled."""
    key = "broken/receive.jpg"
    stand_in.commit("task:slow", key, times=1, seconds=_SLOW_SECONDS)
    upload = photos.put(key)
    photos.in_state(upload, State.PROCESSING)
    kill_workers(deployed, "ReceiveCallback")
    stand_in.let_pass(seconds=_SLOW_SECONDS)
    job = photos.settled(upload)
    _assert_delivered_once(job, photos, stand_in)


def test_photos_are_completed_after_the_provider_was_away(
    photos: Photos, stand_in: StandIn, deployed: Deployed
) -> None:
    """Running tasks continue; calls that could not be made are made later, and paid once."""
    folder = "broken/away/"
    stand_in.commit("task:slow", folder, seconds=_SLOW_SECONDS)
    early = photos.put_all(f"{folder}early {number}.jpg" for number in range(2))
    for upload in early:
        photos.in_state(upload, State.PROCESSING)
    with stand_in_down(deployed):
        late = photos.put(f"{folder}late.jpg")
        waiting = photos.reached(
            late, lambda job: bool(job.attempts) and job.state is State.QUEUED, "to back off"
        )
        assert waiting.attempts[0].outcome is AttemptOutcome.NOT_SENT
    stand_in.let_pass(seconds=_SLOW_SECONDS)
    photos.age(late, timedelta(minutes=20))
    jobs = photos.all_settled([*early, late], is_swept=True)
    for job in jobs:
        _assert_delivered_once(job, photos, stand_in)
    assert len(stand_in.entries("charge", folder)) == len(jobs)


def test_unreadable_message_becomes_a_dead_letter(
    photos: Photos, queues: Queues, deployed: Deployed
) -> None:
    """After five receives, and without delaying other photos."""
    with queues.impatient():
        queues.submit("what is this?")
        deployed.wait(
            lambda: "what is this?" in queues.take_dead_letters(), "the message to be given up"
        )
    assert photos.settled(photos.put("broken/after nonsense.jpg")).state is State.COMPLETED
