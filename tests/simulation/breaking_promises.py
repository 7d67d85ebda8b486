"""Mutations of what pays, stores, caches and announces."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from cutout.domain.errors import CopyGoneError
from cutout.domain.gate.gate import Gate
from cutout.domain.gate.pauses_and_slots import FreeSlot, ShardChange
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import DedupRecord, Kept, Result, Reuse
from cutout.domain.job.source import LatestVersion
from cutout.domain.messages.queue_messages import TaskCheck
from cutout.domain.provider_outcomes import NotSent, OutcomeUnknown, Task
from cutout.domain.reasons import Reason
from cutout.domain.states import HOLDING, Move, State
from cutout.ports.buckets import Labels
from cutout.usecases.callback import receive_callback
from cutout.usecases.shared import job_writer
from cutout.usecases.shared.job_writer import JobWriter, gate_changes
from cutout.usecases.store_result import finish_cutout, publish_with_metadata
from cutout.usecases.store_result.finish_cutout import FetchedResult
from cutout.usecases.store_result.publish_with_metadata import Published, Publisher
from cutout.usecases.store_result.result_cache import ResultCache
from cutout.usecases.store_result.store_result import StoreResult
from cutout.usecases.store_result.track_task import TrackTask
from cutout.usecases.store_result.unfinished_task import UnfinishedTasks
from cutout.usecases.submit.admit_job import AdmitJob
from cutout.usecases.submit.call_outcome import CallOutcomes
from cutout.usecases.submit.repeat_call import RepeatCalls
from cutout.usecases.submit.submit_job import SubmitJob
from cutout.usecases.sweep.sweep import Sweep
from tests.simulation.breaking import Mutations
from tests.support.fakes.dedup_records import MemoryDedupRecords
from tests.support.fakes.jobs import MemoryJobs

MUTATIONS = Mutations()

_next = CallOutcomes._next  # noqa: SLF001 - a mutation wraps what it breaks
_save = MemoryJobs.save
_admit = AdmitJob.admit
_repeat = SubmitJob._repeat  # noqa: SLF001


@MUTATIONS.of(MemoryJobs, "save")
def a_write_without_its_condition(self: MemoryJobs, job: Job, **others: Any) -> Job:
    standing = self.jobs[job.id]
    return _save(self, replace(job, version=standing.version), **others)


@MUTATIONS.of(MemoryJobs, "save")
def task_ids_are_not_claimed(self: MemoryJobs, job: Job, **others: Any) -> Job:
    return _save(self, job, **(others | {"tasks": ()}))


@MUTATIONS.of(CallOutcomes, "_next")
def a_timeout_is_taken_for_not_sent(
    self: CallOutcomes, job: Job, attempt: Any, outcome: Any
) -> Any:
    if isinstance(outcome, OutcomeUnknown):
        outcome = NotSent(message=outcome.message)
    return _next(self, job, attempt, outcome)


_gate_changes = gate_changes


@MUTATIONS.of(job_writer, "gate_changes")
def a_slot_is_freed_when_the_task_begins(before: Job, after: Job) -> list[ShardChange]:
    is_begun = after.state is State.PROCESSING
    freed = replace(after, state=State.STORING) if is_begun else after
    return _gate_changes(before, freed)


@MUTATIONS.of(job_writer, "gate_changes")
def a_slot_is_never_freed(before: Job, after: Job) -> list[ShardChange]:
    return [replace(change, frees=None) for change in _gate_changes(before, after)]


@MUTATIONS.of(job_writer, "gate_changes")
def nothing_is_charged(before: Job, after: Job) -> list[ShardChange]:
    return [replace(change, charges={}) for change in _gate_changes(before, after)]


@MUTATIONS.of(MemoryJobs, "_check_slot")
def a_slot_is_taken_without_its_condition(_self: MemoryJobs, _slot: FreeSlot | None) -> None:
    return None


@MUTATIONS.of(Gate, "slot")
def the_gate_lets_everybody_in(_self: Gate, _deployed: Any, now: Any, _random: Any) -> FreeSlot:
    return FreeSlot(shard=0, most_holders=99, most_spent=Decimal(10**6), day=now.date())


@MUTATIONS.of(Publisher, "publish")
def the_row_is_written_but_not_the_object(*_args: Any, **texts: Any) -> Published:
    return Published(size=1, sha256="", labels=texts["labels"])


@MUTATIONS.of(StoreResult, "complete")
def the_row_is_written_before_the_object(self: StoreResult, delivery: FetchedResult) -> Job:
    key = delivery.job.result_key
    if delivery.picture is None or delivery.review_reason or key is None:
        return _bring_home(self, delivery)
    result = Result(bucket="results", key=key, size=1, width=1, height=1, sha256="")
    settled = self.settle(replace(delivery.job, result=result), Move.COMPLETE, None)
    self.publisher.publish_newest(
        delivery.job, key, delivery.file, content_type="image/png", has_own_labels=True
    )
    return settled


_bring_home = StoreResult.complete


@MUTATIONS.of(finish_cutout, "why_result_needs_review")
def every_result_is_accepted(_picture: Any, _photo: Any) -> Reason | None:
    return None


@MUTATIONS.of(publish_with_metadata, "_is_newer")
def an_older_photo_may_replace_a_newer_ones_result(_waiting: Any, _job: Job) -> bool:
    return False


@MUTATIONS.of(RepeatCalls, "body_of")
def a_repeat_carries_a_new_body(self: RepeatCalls, job: Job) -> str | None:
    body = _body_of(self, job)
    return body and body.replace("https://", "https://www.")


_body_of = RepeatCalls.body_of


@MUTATIONS.of(SubmitJob, "_repeat")
def a_repeat_carries_a_new_key(self: SubmitJob, job: Job) -> Job:
    attempt = job.attempt
    if attempt is not None:
        other = replace(attempt, idempotency_key=attempt.idempotency_key + "0", posts=0)
        job = job.with_attempt(other)
    return _repeat(self, job)


@MUTATIONS.of(TrackTask, "check")
def the_body_of_a_callback_is_believed(self: TrackTask, request: TaskCheck) -> None:
    job = self.jobs.find(request.job_id)
    attempt = job.attempt_numbered(request.attempt) if job else None
    if job and attempt and request.task_id and attempt.is_open and job.state in HOLDING:
        task = self.evolink.tasks.get(request.task_id)  # type: ignore[attr-defined]
        if task is None:
            raise AssertionError("acted on a task that does not exist")
    _check(self, request)


_check = TrackTask.check


_retry_or_fail = UnfinishedTasks._retry_or_fail  # noqa: SLF001


@MUTATIONS.of(UnfinishedTasks, "_retry_or_fail")
def a_failure_that_only_a_callback_named_is_retried(
    self: UnfinishedTasks, job: Job, ended: Job, attempt: Attempt, task: Task
) -> None:
    _retry_or_fail(self, job, ended, replace(attempt, is_adopted=False), task)


@MUTATIONS.of(receive_callback, "verify")
def any_token_is_authentic(token: str, _keys: Any, _now: Any) -> Any:
    from cutout.domain.callback_token import CallbackAddress  # noqa: PLC0415

    return CallbackAddress(job_id=token.partition(".")[0], attempt=1)


@MUTATIONS.of(JobWriter, "announce")
def an_announcement_is_noted_before_it_is_sent(self: JobWriter, job: Job) -> Job:
    if job.is_announced:
        return job
    saved = self.jobs.save(job.announced())
    self.announcements.announce(job)
    return saved


@MUTATIONS.of(Sweep, "_send_on")
def sweep_sends_nothing_on(*_args: Any) -> None:
    return None


@MUTATIONS.of(AdmitJob, "admit")
def the_attempt_is_not_recorded_before_the_call(self: AdmitJob, job: Job) -> tuple[Job, str | None]:
    admitted, body = _admit(self, job)
    if body is not None and admitted.attempt is not None:
        self.paid_calls.provider.create(body, admitted.attempt.idempotency_key + "-early")
    return admitted, body


@MUTATIONS.of(SubmitJob, "_advance")
def a_lease_that_ran_out_is_started_over(
    self: SubmitJob, job: Job, newest: LatestVersion | None
) -> Job:
    now = self.clock.now()
    if job.attempt is not None and job.is_due(now) and job.state.value == "submitting":
        again = replace(job.attempt, idempotency_key=job.attempt.idempotency_key + "x")
        body = self.repeat_calls.body_of(job)
        return self._call(self.job_writer.record(job, job.with_attempt(again)), body)
    return _advance(self, job, newest)


_advance = SubmitJob._advance  # noqa: SLF001


@MUTATIONS.of(Job, "why_superseded_by")
def nobody_looks_for_a_newer_photo(_self: Job, _newest: LatestVersion | None) -> Reason | None:
    return None


@MUTATIONS.of(MemoryDedupRecords, "check")
def pictures_are_owned_without_a_condition(_self: MemoryDedupRecords, _record: DedupRecord) -> None:
    return None


@MUTATIONS.of(ResultCache, "fetch")
def a_kept_result_is_not_verified(self: ResultCache, kept: Kept | Reuse, file: Path) -> bool:
    with suppress(CopyGoneError):
        self.copies.fetch(kept.key, file)
    return file.exists()


@MUTATIONS.of(AdmitJob, "_held_for_picture")
def who_waits_for_a_picture_is_never_woken(self: AdmitJob, job: Job) -> Job:
    now = self.clock.now()
    waiting = job.move(Move.HOLD, now=now, reason=Reason.SAME_PICTURE, due_at=None)
    return self.job_writer.record(job, replace(waiting, is_waiting=False))


_store = StoreResult.store


@MUTATIONS.of(StoreResult, "store")
def an_outdated_photos_purchase_is_thrown_away(self: StoreResult, job: Job, task: Task) -> Job:
    reason = self.shown_versions.why_superseded(job)
    if reason:
        return self.settle(job, Move.SUPERSEDE, reason)
    return _store(self, job, task)


_labels = Publisher.labels


@MUTATIONS.of(Publisher, "labels")
def every_photo_is_taken_for_the_newest(self: Publisher, job: Job) -> tuple[Labels, bool]:
    labels, _is_newest = _labels(self, job)
    return labels, True
