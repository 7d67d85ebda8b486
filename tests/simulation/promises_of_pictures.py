"""Promise 4: which photo's cut-out is where, and what the buckets say about it."""

from __future__ import annotations

from datetime import datetime, timedelta

from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.job.source import Source
from cutout.domain.object_keys import STATE_TAG
from cutout.domain.states import State
from cutout.usecases.shared.notes_and_tags import leaves_a_note
from tests.simulation.evidence import Evidence
from tests.simulation.inputs import sent_of
from tests.simulation.promise import demand
from tests.support.fakes.buckets import StoredObject

_GOOD_ALPHA = ["0", "255"]


class Pictures:
    """The checks of one run, and what they remember of it."""

    def __init__(self, evidence: Evidence, worker_lasts: timedelta) -> None:
        self.evidence = evidence
        self.world = evidence.world
        self._worker_lasts = worker_lasts
        self._puts_seen = 0
        self._ended: dict[str, datetime] = {}
        self._kept_seen = 0

    def check_always(self) -> None:
        puts = self.world.results.puts
        for key, stored in puts[self._puts_seen :]:
            self._check_put(key, stored)
        self._puts_seen = len(puts)
        if self.world.cached_results.writes > self._kept_seen:
            self._kept_seen = self.world.cached_results.writes
            self._check_kept()

    def check_write(self, job: Job) -> None:
        if job.state.is_settled:
            self._ended.setdefault(job.id, self.world.evolink.clock.now())
        else:
            self._ended.pop(job.id, None)
        if job.state is State.COMPLETED:
            put_by = {
                stored.labels.metadata.get("cutout-job")
                for key, stored in self.world.results.puts
                if job.result is not None and key == job.result.key
            }
            text = "completed, but the object was never there"
            demand(self.evidence, job.id in put_by, 4, text)

    def check_at_end(self) -> None:
        self._check_results()
        self._check_notes()
        for job in self.world.jobs.jobs.values():
            self._check_newest(job)
        for key, newest in self.evidence.newest.items():
            if not newest.size and self.world.settlement_effects.removals is not None:
                self._check_removed(key, newest)

    def _check_put(self, key: str, stored: StoredObject) -> None:
        """The provider really read the job's photo, which was not known to be outdated."""
        job = self.evidence.row(stored.labels.metadata["cutout-job"])
        made_of = self.evidence.inputs.get(_task_of(stored.data))
        is_own = made_of == sent_of(self.evidence.photo_of(job))
        demand(self.evidence, is_own, 4, f"{key} holds a picture of {made_of!r}")
        if job.state is State.COMPLETED and job.result is not None and key != job.result.key:
            return  # return  # a person had a variant made of the current cut-out
        began = self.world.evolink.clock.now() - self._worker_lasts
        is_outdated = self.evidence.is_outdated(job, since=began)
        demand(self.evidence, not is_outdated, 4, f"{job.source.key} was stored although outdated")

    def _check_kept(self) -> None:
        """A picture's cached result was made of it."""
        for key, data in self.world.cached_results.objects.items():
            task_id = _task_of(data)
            if task_id in self.world.evolink.tasks:
                made_of = self.evidence.inputs.get(task_id)
                is_own = made_of == sent_of(self.evidence.photo_kept_at(key))
                demand(self.evidence, is_own, 4, f"{key} keeps another photo's picture")

    def _check_results(self) -> None:
        """The cut-out is whole, accepted, of the newest upload, and replaced by no older one.

        That of a version that was deleted for good may be.
        """
        orders: dict[str, str] = {}
        for key, stored in self.world.results.puts:
            order = stored.labels.metadata["cutout-source-order"]
            text = f"{key} went back to an older photo"
            demand(self.evidence, order >= orders.get(key, ""), 4, text)
            if stored.labels.metadata["cutout-job"] not in self.evidence.destroyed:
                orders[key] = order
            is_cut_out = stored.data.decode().split()[3:5] == _GOOD_ALPHA
            is_right = key.startswith("review/") or is_cut_out or self._is_accepted(stored)
            demand(self.evidence, is_right, 4, f"{key} holds {stored.data!r}")

    def _is_accepted(self, stored: StoredObject) -> bool:
        """Whether a person accepted the result, for the object's job or for the one that paid."""
        labels = stored.labels.metadata
        makers = {
            job.id
            for job in self.evidence.rows()
            if labels["cutout-task"] in {attempt.task_id for attempt in job.attempts}
        }
        told = self.evidence.decisions
        decisions = [
            one for job_id in {labels["cutout-job"], *makers} for one in told.get(job_id, ())
        ]
        return any(verdict is Verdict.ACCEPT for verdict, _by in decisions)

    def _check_newest(self, job: Job) -> None:
        """Tags, notes and results of the newest upload of a key are about that upload."""
        if self.evidence.is_unclear(job.source.key) or not self.evidence.is_newest(job):
            return
        if self._ended_before_it_was_shown_again(job):
            return
        objects = self.world.results.objects
        text = f"{job.source.key} superseded, yet the newest"
        demand(self.evidence, job.state is not State.SUPERSEDED, 4, text)
        if job.state is State.COMPLETED and job.result is not None:
            places = [job.result.key, *(one.key for one in job.variants if one.key is not None)]
            for key in places:
                is_own = objects[key].labels.metadata["cutout-job"] == job.id
                demand(self.evidence, is_own, 4, f"{key} is not its newest photo's")
        if self.world.settlement_effects.tags is not None:
            tag = self.world.uploads.labels(job.source).tags.get(STATE_TAG)
            text = f"{job.source.key} is tagged {tag}, and is {job.state}"
            demand(self.evidence, tag == job.state.value, 4, text)

    def _ended_before_it_was_shown_again(self, job: Job) -> bool:
        """It was rightly superseded, or its result replaced, by a version that was then destroyed.

        No event makes it begin again.
        """
        shown_again = self.evidence.shown_again.get(job.source.key)
        return shown_again is not None and self._ended[job.id] < shown_again + self._worker_lasts

    def _check_notes(self) -> None:
        """An error note exists exactly for newest uploads without a cut-out, and names the job."""
        expected: dict[str, str] = {}
        unclear: set[str] = set()
        for key, newest in self.evidence.newest.items():
            if self.evidence.is_unclear(key):
                unclear.add(_note_of(key))
            for job in self.evidence.rows_about(newest):
                if self._ended_before_it_was_shown_again(job):
                    unclear.add(_note_of(key))
                if leaves_a_note(job) and self.evidence.is_newest(job):
                    expected[_note_of(key)] = job.id
        stored = {
            key: note.note.job_id
            for key, note in self.world.notes.stored.items()
            if not key.startswith("review/")
        }
        for key in (expected.keys() | stored.keys()) - unclear:
            told, wanted = stored.get(key), expected.get(key)
            demand(self.evidence, told == wanted, 4, f"{key} is about {told}, not {wanted}")

    def _check_removed(self, key: str, deletion: Source) -> None:
        """Nothing of a deleted photo is left, where that is set."""
        jobs = {job.id for job in self.evidence.rows() if job.source.key == key}
        left = [
            place
            for place, stored in self.world.results.objects.items()
            if stored.labels.metadata["cutout-job"] in jobs
            and stored.labels.metadata["cutout-source-order"] < deletion.order
        ]
        demand(self.evidence, not left, 4, f"{key} was deleted; {left} stay")


def _task_of(data: bytes) -> str:
    return data.rpartition(b" ")[2].decode()


def _note_of(key: str) -> str:
    return f"{key}.error.json"
