"""Making jobs of uploads, and recording deletions of keys in the uploads bucket."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion, Source, after
from cutout.domain.object_keys import REVIEW_FOLDER
from cutout.domain.polling_and_timing import MESSAGE_LIFE, Timing
from cutout.domain.states import Lane
from cutout.ports.buckets import CurrentVersions
from cutout.ports.jobs_table import Jobs, LatestVersions
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.notes_and_tags import SettlementEffects

CLOCKS_DIFFER = timedelta(minutes=5)
"""The most by which the clocks of S3 and of workers differ."""


@dataclass(frozen=True, kw_only=True)
class UploadFilter:
    """Which objects are uploads, as opposed to our own output."""

    uploads_bucket: str
    upload_prefix: str
    upload_suffixes: tuple[str, ...] = ()
    results_bucket: str
    result_prefix: str

    def is_watched(self, bucket: str, key: str) -> bool:
        """Whether the object is an upload. Results are not, or they would be processed again."""
        if bucket != self.uploads_bucket or not key.startswith(self.upload_prefix):
            return False
        suffixes = tuple(one.lower() for one in self.upload_suffixes)
        if suffixes and not key.lower().endswith(suffixes):
            return False
        our_own = (self.result_prefix, REVIEW_FOLDER)
        return bucket != self.results_bucket or not key.startswith(our_own)


class Registered(NamedTuple):
    """The job of an upload, as stored, and the newest upload of its key, if it was read."""

    job: Job
    newest: LatestVersion | None


@dataclass(frozen=True, kw_only=True)
class RegisterUpload:
    """Makes exactly one job for each upload, however often its event is delivered."""

    jobs: Jobs
    latest_versions: LatestVersions
    current_versions: CurrentVersions
    telemetry: Telemetry
    clock: Clock
    timing: Timing
    upload_filter: UploadFilter
    settlement_effects: SettlementEffects

    def created(
        self, source: Source, *, at: datetime | None = None, lane: Lane = Lane.LIVE
    ) -> Registered | None:
        """The job of an upload, created if it is new; None for an object that is not watched.

        `at` is when it was uploaded, if that is known.
        """
        if not self.upload_filter.is_watched(source.bucket, source.key):
            self.telemetry.log("upload ignored: the key is not watched")
            return None
        found = self._found_before(source, at)
        if found is not None:
            self.latest_versions.advance(source.as_latest(found.id))
            return Registered(job=found, newest=None)
        if self._has_expired(source, at):
            self.telemetry.log("upload ignored: its job has expired", due_job=source.job_id)
            return None
        is_overtaken = self._is_overtaken(source, at)
        head = None if is_overtaken else self.latest_versions.advance(source.as_latest())
        now = self.clock.now()
        is_first = head is not None and head.is_first
        job = Job.begin(
            source, now=now, due_at=now + self.timing.lease, lane=lane, is_first=is_first
        )
        return Registered(job=self.jobs.claim(job), newest=head.newest if head else None)

    def _is_overtaken(self, source: Source, at: datetime | None) -> bool:
        """Whether a listing showed a newer upload of the key than this event's.

        A listing has no sequencers, only the time when S3 stored the object. Where the two times
        are close, the bucket says which upload is the newer one. The order of the listed upload is
        given a higher sequence than the event's, or an older photo would replace a newer one.
        """
        if at is None or source.is_found or self.clock.now() - at < CLOCKS_DIFFER:
            return False
        _, found = self._newest(source)
        stored_at = found.source.modified_at if found else None
        if found is None or stored_at is None or at > stored_at + CLOCKS_DIFFER:
            return False
        if at + CLOCKS_DIFFER > stored_at and not self.current_versions.is_current(found.source):
            return False
        self.latest_versions.advance(
            LatestVersion(source_ref=source.ref, order=after(source.order), job_id=found.id)
        )
        return True

    def _has_expired(self, source: Source, at: datetime | None) -> bool:
        """Whether an old event is replayed whose job has ended and expired.

        The record of a key's latest version outlives the job: it is the event's, or a later one's,
        whose version may have been deleted since. A recent event whose job does not exist yet
        belongs to a worker that crashed before it wrote the job.
        """
        if at is None or self.clock.now() - at < MESSAGE_LIFE:
            return False
        head = self.latest_versions.newest(source.ref)
        if head is None or (head.order < source.order and head.job_id != source.job_id):
            return False
        return self.jobs.find(source.job_id) is None

    def _found_before(self, source: Source, at: datetime | None) -> Job | None:
        """The job that a listing made for this upload before its event came.

        In a bucket without versions, job ids contain the sequencer, which a listing does not have:
        the event would get another id. So the job is recognized by key and entity tag, if the
        event is older than the job.
        """
        if source.version_id is not None or source.is_found or at is None:
            return None
        _, job = self._newest(source)
        if job is None or not job.source.is_found or at > job.created_at:
            return None
        return job if job.source.etag == source.etag else None

    def _newest(self, source: Source) -> tuple[LatestVersion | None, Job | None]:
        """The newest upload or deletion of the key, and its job, unless that has expired."""
        head = self.latest_versions.newest(source.ref)
        return head, self.jobs.find(head.job_id) if head and head.job_id else None

    def deleted(self, source: Source, *, at: datetime | None = None) -> None:
        """Record that a key was deleted; jobs of its older uploads end as superseded."""
        is_watched = self.upload_filter.is_watched(source.bucket, source.key)
        if is_watched and not self._is_overtaken(source, at):
            self.latest_versions.advance(source.as_deleted())
            self.settlement_effects.deleted(source)

    def version_deleted(self, source: Source) -> None:
        """Record that one version was permanently deleted; the key itself may still exist."""
        if self.upload_filter.is_watched(source.bucket, source.key):
            self.settlement_effects.version_deleted(source)
