"""Something happened to a key in the uploads bucket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cutout.domain.job.job import Job
from cutout.domain.job.source import Source, after
from cutout.domain.states import Lane
from cutout.domain.timing import MESSAGE_LIFE, Timing
from cutout.ports.jobs_table import Jobs, LatestVersion, LatestVersions
from cutout.ports.telemetry import Clock, Telemetry
from cutout.usecases.shared.settlement_effects import SettlementEffects

CLOCKS_DIFFER = timedelta(minutes=5)
"""Two clocks, of S3 or of a worker, never differ by more."""


@dataclass(frozen=True, kw_only=True)
class UploadFilter:
    """What is watched, and what is our own output."""

    uploads_bucket: str
    upload_prefix: str
    upload_suffixes: tuple[str, ...] = ()
    results_bucket: str
    result_prefix: str
    review_prefix: str

    def is_watched(self, bucket: str, key: str) -> bool:
        """An upload of our users, not a result of ours: the loop guard."""
        if bucket != self.uploads_bucket or not key.startswith(self.upload_prefix):
            return False
        if self.upload_suffixes and not key.lower().endswith(self._lower_suffixes()):
            return False
        return bucket != self.results_bucket or not key.startswith(
            (self.result_prefix, self.review_prefix),
        )

    def _lower_suffixes(self) -> tuple[str, ...]:
        return tuple(one.lower() for one in self.upload_suffixes)


@dataclass(frozen=True, kw_only=True)
class RegisterUpload:
    """Makes one job for each upload, however often its event comes."""

    jobs: Jobs
    latest_versions: LatestVersions
    telemetry: Telemetry
    clock: Clock
    timing: Timing
    upload_filter: UploadFilter
    settlement_effects: SettlementEffects

    def created(
        self, source: Source, *, at: datetime | None = None, lane: Lane = Lane.LIVE
    ) -> Job | None:
        """The job of an upload, made if it is new; None for what is not watched.

        Args:
            source: which bytes it is about.
            at: when it was uploaded, if that is known.
            lane: which queue behind the gate it belongs to.
        """
        if not self.upload_filter.is_watched(source.bucket, source.key):
            self.telemetry.log("upload ignored: outside what is watched")
            return None
        known = self.jobs.find(source.job_id) or self._found_before(source, at)
        if known is None and self._has_expired(source, at):
            self.telemetry.log("upload ignored: its row has expired", due_job=source.job_id)
            return None
        if known is not None:
            if known.source.is_found and not source.is_found:
                self.latest_versions.advance(
                    LatestVersion(source_ref=source.ref, order=source.order, job_id=known.id)
                )
            return known
        if not self._is_overtaken(source, at):
            self.latest_versions.advance(
                LatestVersion(source_ref=source.ref, order=source.order, job_id=source.job_id),
            )
        now = self.clock.now()
        job = Job.begin(source, now=now, due_at=now + self.timing.lease, lane=lane)
        return self.jobs.claim(job)

    def _is_overtaken(self, source: Source, at: datetime | None) -> bool:
        """Whether a listing has shown an upload of the key that is later than this event.

        A listing tells no order, but when S3 stored the upload. The head of that upload is raised
        above the event, or an older photo would replace a newer one.
        """
        if at is None or source.is_found or self.clock.now() - at < CLOCKS_DIFFER:
            return False
        head = self.latest_versions.newest(source.ref)
        found = self.jobs.find(head.job_id) if head and head.job_id else None
        stored_at = found.source.modified_at if found else None
        if found is None or stored_at is None or at + CLOCKS_DIFFER > stored_at:
            return False
        self.latest_versions.advance(
            LatestVersion(source_ref=source.ref, order=after(source.order), job_id=found.id)
        )
        return True

    def _has_expired(self, source: Source, at: datetime | None) -> bool:
        """The upload had a job, which ended long ago: an old event has been replayed.

        The head of a key outlives the rows. A younger event whose job the head names belongs to a
        worker that died before it had written the row.
        """
        if at is None or self.clock.now() - at < MESSAGE_LIFE:
            return False
        head = self.latest_versions.newest(source.ref)
        return head is not None and head.job_id == source.job_id

    def _found_before(self, source: Source, at: datetime | None) -> Job | None:
        """The job that was made for this upload before its event came, where keys have no versions.

        A version names its job whoever tells of it. Without versions, a job that was made from a
        listing goes by another name than its event would give it: it is known by the key, the
        entity tag, and that the event is older than the job.
        """
        if source.version_id is not None or source.is_found or at is None:
            return None
        head = self.latest_versions.newest(source.ref)
        job = self.jobs.find(head.job_id) if head and head.job_id else None
        if job is None or not job.source.is_found or at > job.created_at:
            return None
        return job if job.source.etag == source.etag else None

    def deleted(self, source: Source, *, at: datetime | None = None) -> None:
        """Take note that a key is gone; work on its older uploads ends as superseded."""
        is_watched = self.upload_filter.is_watched(source.bucket, source.key)
        if is_watched and not self._is_overtaken(source, at):
            self.latest_versions.advance(
                LatestVersion(source_ref=source.ref, order=source.order, job_id=None)
            )
            self.settlement_effects.deleted(source)

    def version_deleted(self, source: Source) -> None:
        """Take note that one version is gone for good; the key itself may stand."""
        if self.upload_filter.is_watched(source.bucket, source.key):
            self.settlement_effects.version_deleted(source)
