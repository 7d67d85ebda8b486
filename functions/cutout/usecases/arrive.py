"""Something happened to a key in the uploads bucket."""

from __future__ import annotations

from dataclasses import dataclass

from cutout.job import Job, Source
from cutout.ports import Clock, Head, Jobs, SourceHeads, Telemetry
from cutout.usecases.timing import Timing


@dataclass(frozen=True, kw_only=True)
class Watch:
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
class Arrive:
    """Makes one job for each upload, however often its event comes."""

    jobs: Jobs
    heads: SourceHeads
    telemetry: Telemetry
    clock: Clock
    timing: Timing
    watch: Watch

    def created(self, source: Source) -> Job | None:
        """The job of an upload, made if it is new; None for what is not watched."""
        if not self.watch.is_watched(source.bucket, source.key):
            self.telemetry.fact("upload ignored: outside what is watched")
            return None
        known = self.jobs.find(source.job_id)
        if known is not None:
            return known
        self.heads.advance(
            Head(source_ref=source.ref, order=source.order, job_id=source.job_id),
        )
        now = self.clock.now()
        return self.jobs.claim(Job.begin(source, now=now, due_at=now + self.timing.lease))

    def deleted(self, source: Source) -> None:
        """Take note that a key is gone; work on its older uploads ends as superseded."""
        if self.watch.is_watched(source.bucket, source.key):
            self.heads.advance(Head(source_ref=source.ref, order=source.order, job_id=None))
