"""Ways to break what pays, stores, keeps and announces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from cutout.gate import Gate, Held
from cutout.job import Job
from cutout.ports.queues import Wake
from cutout.provider import NotSent, OutcomeUnknown, Task, Uploaded
from cutout.purchase import Purchase
from cutout.result import Result
from cutout.states import Move, Reason
from cutout.usecases import publishing, receive, store
from cutout.usecases.answer import Answers
from cutout.usecases.delivery import Delivery
from cutout.usecases.follow import Follow
from cutout.usecases.keeping import Keeping
from cutout.usecases.publishing import Publishing
from cutout.usecases.record import Recorder
from cutout.usecases.repeat import Repeats
from cutout.usecases.store import StoreResult
from cutout.usecases.submit import Submit
from cutout.usecases.sweep import Sweep
from tests.fakes.jobs import MemoryJobs
from tests.fakes.purchases import MemoryPurchases
from tests.simulation.breaking import Mutations

MUTATIONS = Mutations()

_next = Answers._next  # noqa: SLF001 - a mutation wraps what it breaks
_save = MemoryJobs.save
_admit = Submit._admit  # noqa: SLF001
_repeat = Submit._repeat  # noqa: SLF001


@MUTATIONS.of(MemoryJobs, "save")
def a_write_without_its_condition(self: MemoryJobs, job: Job, **others: Any) -> Job:
    standing = self.jobs[job.id]
    return _save(self, replace(job, version=standing.version), **others)


@MUTATIONS.of(MemoryJobs, "save")
def task_ids_are_not_claimed(self: MemoryJobs, job: Job, **others: Any) -> Job:
    return _save(self, job, **(others | {"tasks": ()}))


@MUTATIONS.of(Answers, "_next")
def a_timeout_is_taken_for_not_sent(self: Answers, job: Job, attempt: Any, outcome: Any) -> Any:
    if isinstance(outcome, OutcomeUnknown):
        outcome = NotSent(message=outcome.message)
    return _next(self, job, attempt, outcome)


@MUTATIONS.of(Gate, "releasing")
def a_slot_is_released_twice(self: Gate) -> Gate:
    return replace(self, in_flight=max(0, self.in_flight - 2))


@MUTATIONS.of(Gate, "releasing")
def a_slot_is_never_released(self: Gate) -> Gate:
    return self


@MUTATIONS.of(Gate, "holds")
def the_gate_lets_everybody_in(_self: Gate, _deployed: Any, _now: Any) -> Held | None:
    return None


@MUTATIONS.of(Publishing, "publish")
def the_row_is_written_but_not_the_object(*_args: Any, **_kwargs: Any) -> bool:
    return True


@MUTATIONS.of(StoreResult, "_bring_home")
def the_row_is_written_before_the_object(self: StoreResult, delivery: Delivery) -> Job:
    if delivery.picture is None or delivery.doubt:
        return _bring_home(self, delivery)
    result = Result(bucket="results", key=delivery.key, size=1, width=1, height=1, sha256="")
    settled = self._settle(delivery.job, Move.COMPLETE, None, result=result)
    self._publish(delivery, self.labelling.labels(delivery.job, delivery.task))
    return settled


_bring_home = StoreResult._bring_home  # noqa: SLF001


@MUTATIONS.of(store, "why_not")
def every_result_is_accepted(_picture: Any, _photo: Any) -> Reason | None:
    return None


@MUTATIONS.of(publishing, "_is_newer")
def an_older_photo_may_replace_a_newer_ones_result(_standing: Any, _job: Job) -> bool:
    return False


@MUTATIONS.of(Repeats, "body_of")
def a_repeat_carries_a_new_body(self: Repeats, job: Job) -> str | None:
    body = _body_of(self, job)
    return body and body.replace("https://", "https://www.")


_body_of = Repeats.body_of


@MUTATIONS.of(Submit, "_repeat")
def a_repeat_carries_a_new_key(self: Submit, job: Job) -> Job:
    attempt = job.attempt
    if attempt is not None:
        other = replace(attempt, idempotency_key=attempt.idempotency_key + "0", posts=0)
        job = job.with_attempt(other)
    return _repeat(self, job)


@MUTATIONS.of(Follow, "wake")
def the_body_of_a_callback_is_believed(self: Follow, wake: Wake) -> None:
    job = self.jobs.find(wake.job_id)
    attempt = job.attempt_numbered(wake.attempt) if job else None
    if job and attempt and wake.task_id and attempt.is_open and job.state.holds_slot:
        task = self.evolink.tasks.get(wake.task_id)  # type: ignore[attr-defined]
        if task is None:
            raise AssertionError("acted on a task that does not exist")
    _wake(self, wake)


_wake = Follow.wake


@MUTATIONS.of(receive, "verify")
def any_token_is_authentic(token: str, _keys: Any, _now: Any) -> Any:
    from cutout.callback_token import CallbackAddress  # noqa: PLC0415

    return CallbackAddress(job_id=token.partition(".")[0], attempt=1)


@MUTATIONS.of(Recorder, "announce")
def an_announcement_is_noted_before_it_is_sent(self: Recorder, job: Job) -> Job:
    if job.is_announced:
        return job
    saved = self.store.save(job.announced())
    self.announcements.announce(job)
    return saved


@MUTATIONS.of(Sweep, "_send_on")
def sweep_sends_nothing_on(*_args: Any) -> None:
    return None


@MUTATIONS.of(Submit, "_admit")
def the_attempt_is_not_recorded_before_the_call(
    self: Submit,
    job: Job,
    gate: Gate,
    handed: Uploaded,
) -> tuple[Job, str]:
    admitted, body = _admit(self, job, gate, handed)
    attempt = admitted.attempt
    assert attempt is not None
    self.evolink.create(body, attempt.idempotency_key + "-early")
    return admitted, body


@MUTATIONS.of(Submit, "_advance")
def a_lease_that_ran_out_is_started_over(self: Submit, job: Job) -> Job:
    now = self.recorder.clock.now()
    if job.attempt is not None and job.is_due(now) and job.state.value == "submitting":
        again = replace(job.attempt, idempotency_key=job.attempt.idempotency_key + "x")
        body = self.repeats.body_of(job)
        return self._post(self.recorder.record(job, job.with_attempt(again)), body)
    return _advance(self, job)


_advance = Submit._advance  # noqa: SLF001


@MUTATIONS.of(Recorder, "why_superseded")
def nobody_looks_for_a_newer_photo(_self: Recorder, _job: Job) -> Reason | None:
    return None


@MUTATIONS.of(MemoryPurchases, "claim_purchase")
def pictures_are_claimed_without_a_condition(self: MemoryPurchases, purchase: Purchase) -> Purchase:
    self.items[purchase.picture] = purchase
    return purchase


@MUTATIONS.of(MemoryPurchases, "save_purchase")
def pictures_are_taken_over_without_a_condition(
    self: MemoryPurchases,
    purchase: Purchase,
) -> Purchase:
    self.items[purchase.picture] = purchase
    return purchase


@MUTATIONS.of(Keeping, "fetch")
def a_kept_result_is_not_verified(self: Keeping, job: Job, file: Path) -> bool:
    return job.reused is not None and self.results.fetch(job.reused.key, file)


@MUTATIONS.of(Submit, "_wait_for_picture")
def who_waits_for_a_picture_is_never_woken(self: Submit, job: Job) -> Job:
    now = self.recorder.clock.now()
    waiting = job.move(Move.HOLD, now=now, reason=Reason.SAME_PICTURE, due_at=None)
    return self.recorder.record(job, waiting)


_store = StoreResult.store


@MUTATIONS.of(StoreResult, "store")
def an_outdated_photos_purchase_is_thrown_away(self: StoreResult, job: Job, task: Task) -> Job:
    superseded = self.recorder.why_superseded(job)
    if superseded:
        return self._settle(job, Move.SUPERSEDE, superseded)
    return _store(self, job, task)
