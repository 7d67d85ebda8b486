"""What users, operators and the provider did, independent of the product's records."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from cutout.domain.job.job import Job
from cutout.domain.job.result import Verdict
from cutout.domain.job.source import Source
from cutout.domain.object_keys import KEPT_FOLDER
from tests.simulation.table import SimJobs
from tests.support.fakes.evolink import Charge
from tests.support.fakes.world import World


@dataclass
class Evidence:
    """The record that promises are checked against.

    Attributes:
        label: names the run in messages.
        photos: the bytes of each upload, by its job's id.
        newest: the newest event of each key; without those of versions that were deleted for good,
            if any is left.
        deleted: the newest deletion of each key.
        destroyed: job ids of versions that were deleted for good.
        hidden: the earlier events of each key, without those of such versions.
        shown_again: since when each key has shown an older version again.
        events_lost: job ids of uploads whose event never comes.
        has_odd_prices: the provider does not always say the same of its price.
        inputs: what the provider read for each task, by task id; None if there was nothing.
        noted: the events of each key that reached the product, and since when.
        retries: when a person tried a job again.
        decisions: what people decided about a job's results under review, and who.
    """

    label: str
    world: World
    uploads: list[Source] = field(default_factory=list)
    photos: dict[str, bytes] = field(default_factory=dict)
    uploaded_at: dict[str, datetime] = field(default_factory=dict)
    newest: dict[str, Source] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    deleted: dict[str, Source] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    hidden: dict[str, list[Source]] = field(default_factory=dict)
    shown_again: dict[str, datetime] = field(default_factory=dict)
    events_lost: set[str] = field(default_factory=set)
    has_odd_prices: bool = False
    inputs: dict[str, bytes | None] = field(default_factory=dict)
    noted: dict[str, list[tuple[Source, datetime]]] = field(default_factory=dict)
    retries: dict[str, list[datetime]] = field(default_factory=dict)
    decisions: dict[str, list[tuple[Verdict, str]]] = field(default_factory=dict)
    kept_lost: Counter[str] = field(default_factory=Counter)
    copies_lost: set[str] = field(default_factory=set)

    def uploaded(self, source: Source, photo: bytes, *, at: datetime) -> None:
        self.uploads.append(source)
        self.uploaded_at[source.job_id] = at
        self.photos[source.job_id] = photo
        self._shows(source)

    def key_deleted(self, deletion: Source) -> None:
        """Record the deletion of a key."""
        self._shows(deletion)
        self.deleted[deletion.key] = deletion

    def newest_destroyed(self, key: str, now: datetime) -> None:
        """Record that the newest version was deleted for good: the key shows what it has hidden."""
        self.destroyed.add(self.newest[key].job_id)
        if self.hidden[key]:
            self.newest[key] = self.hidden[key].pop()
            self.shown_again[key] = now

    def _shows(self, newest: Source) -> None:
        hidden = self.hidden.setdefault(newest.key, [])
        if newest.key in self.newest and self.newest[newest.key].job_id not in self.destroyed:
            hidden.append(self.newest[newest.key])
        self.newest[newest.key] = newest
        self.shown_again.pop(newest.key, None)

    def product_knows(self, source: Source, now: datetime) -> None:
        """Record that the product knows of this event from now on."""
        if not source.is_found:
            self.noted.setdefault(source.key, []).append((source, now))

    def is_outdated(self, job: Job, *, since: datetime) -> bool:
        """The product knew at this time that the job's photo is not the newest of its key.

        A version that was deleted for good is no longer newer than those below it.
        """
        newer = (
            noted_at < since and known.job_id not in self.destroyed
            for known, noted_at in self.noted.get(job.source.key, ())
            if known.order > job.source.order and not _is_about(job.source, known)
        )
        return any(newer) and not self.is_newest(job)

    def rows(self) -> list[Job]:
        """Return the jobs, including expired ones."""
        jobs = self.world.jobs
        return jobs.all_ever() if isinstance(jobs, SimJobs) else list(jobs.jobs.values())

    def row(self, job_id: str) -> Job:
        """Return a job, even if it has expired."""
        return next(job for job in reversed(self.rows()) if job.id == job_id)

    def rows_about(self, source: Source) -> list[Job]:
        """Return the jobs of an upload: one that was found in a listing has another id."""
        return [job for job in self.rows() if _is_about(job.source, source)]

    def photo_of(self, job: Job) -> bytes:
        """The bytes that the job is about."""
        known = self.photos.get(job.id)
        if known is not None:
            return known
        uploads = (one for one in self.uploads if _is_about(job.source, one))
        return self.photos[next(uploads).job_id]

    def photo_kept_at(self, key: str) -> bytes:
        """The photo whose result is kept at this key."""
        return self.photo_of(self.row(key.removeprefix(KEPT_FOLDER).partition("-")[0]))

    def kept_is_lost(self, key: str) -> None:
        """The object is gone, or damaged."""
        self.kept_lost[hashlib.sha256(self.photo_kept_at(key)).hexdigest()] += 1

    def is_fresh(self, job: Job) -> bool:
        """Return whether the job's upload had to be paid for whatever is cached."""
        return any(_is_about(job.source, one) for one in self.uploads if one.job_id in self.fresh)

    def is_newest(self, job: Job) -> bool:
        """Return whether the job's upload is the newest event of its key."""
        newest = self.newest[job.source.key]
        if not _is_about(job.source, newest):
            return False
        orders = [other.source.order for other in self.rows_about(newest)]
        return job.source.order == max(orders)

    def is_unclear(self, key: str) -> bool:
        """Nobody can tell which is the newest upload of a key.

        All its versions were deleted for good; or it was found in a listing, which tells no order,
        before the event came of one that is older, or when its job had expired; or the same bytes
        came twice without versions, and the second event was lost.
        """
        newest = self.newest[key]
        rows = [job for job in self.rows() if job.source.key == key]
        is_found_first = any(not job.source.sequencer for job in rows) and len(rows) > 1
        is_found_first |= key in self.shown_again and any(job.source.is_found for job in rows)
        is_equal = newest.version_id is None and newest.job_id in self.events_lost
        is_equal &= any(job.source.etag == newest.etag for job in rows)
        return newest.job_id in self.destroyed or is_found_first or is_equal

    def replayed_late(self) -> set[object]:
        """Return the ids of jobs whose event was replayed when they had expired, or would have."""
        told = "upload ignored: its job has expired"
        return {about["due_job"] for text, about in self.world.telemetry.facts if text == told}

    def retries_of(self, job_id: str) -> int:
        return len(self.retries.get(job_id, ()))


def _is_about(one: Source, other: Source) -> bool:
    if one.job_id == other.job_id:
        return True
    is_same = (one.ref, one.version_id, one.etag) == (other.ref, other.version_id, other.etag)
    return is_same and (one.is_found or other.is_found)


def job_called(callback_url: str) -> str:
    """Return the job in a callback's URL."""
    return callback_url.rpartition("/")[2].partition(".")[0]


def job_charged(charge: Charge) -> str:
    """Return the job whose call was charged."""
    return job_called(charge.callback_url)


def job_posted(body: str) -> str:
    """Return the job whose call has this body."""
    return job_called(json.loads(body)["callback_url"])
