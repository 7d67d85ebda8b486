"""The plan of `cutout put` for each photo, made before it uploads or pays for anything.

A photo whose bytes are the newest version of its key already is not uploaded again.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from rich.console import Console

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.job_text import explanation
from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.progress.parallel import in_parallel
from cutout.cli.round_trip.bucket_photos import audited
from cutout.cli.round_trip.downloads import hashed
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.operator.audit import AuditedObject, Finding
from cutout.ports.listings import ListedObject


class Action(StrEnum):
    """The action for a photo."""

    UPLOAD = "upload"
    RETRY = "retry"
    """It is there without a cut-out, and `--retry-failed` has its job retried."""
    WAIT = "wait"
    """It is there and in progress."""
    FETCH = "download"
    """It is there and completed."""
    LEAVE = "leave"
    """It is there, and its job ended without a cut-out."""


@dataclass(frozen=True, kw_only=True)
class PlannedPhoto:
    """A photo and what is done with it.

    Attributes:
        why: in words; empty for a photo whose key is new.
        there: the upload of the same bytes that is the newest version; None if there is none.
        job: the job of that upload; None if it has none, or none any more.
        result_key: of the cut-out of a job that has expired.
    """

    photo: PhotoFile
    action: Action
    why: str = ""
    there: SentPhoto | None = None
    job: Job | None = None
    result_key: str | None = None

    @property
    def in_words(self) -> str:
        """What is done with it, and why."""
        return _IN_WORDS[self.action].format(self.why)

    @property
    def is_moving(self) -> bool:
        """Whether its job has yet to end."""
        return self.action not in {Action.FETCH, Action.LEAVE}


_IN_WORDS = {
    Action.UPLOAD: "will be uploaded: {}",
    Action.RETRY: "will be retried: it {}",
    Action.WAIT: "is there already and in progress ({})",
    Action.FETCH: "is there already and {}",
    Action.LEAVE: "is there already: it {}. Only --retry-failed tries it again",
}
_AGAIN = {
    Finding.MISSING: "it is in the bucket, but has no job",
    Finding.NO_PHOTO: "it is in the bucket, but has no job",
    Finding.NOT_WATCHED: "it is in the bucket, but the stack does not watch this key",
    Finding.RESULT_GONE: "its cut-out no longer exists",
    Finding.OUTDATED: "its cut-out is of a version that was deleted since",
    Finding.SUPERSEDED: "its job ended as superseded",
}
_ENDED = {Finding.FAILED, Finding.REVIEW, Finding.REJECTED, Finding.FORGOTTEN}


@dataclass(frozen=True, kw_only=True)
class UploadPlanner:
    """Compares photos with the uploads bucket and the jobs.

    Attributes:
        retry_failed: photos whose jobs ended without a cut-out are tried again.
    """

    stack: Stack
    console: Console
    retry_failed: bool

    def plan(self, photos: Sequence[PhotoFile]) -> list[PlannedPhoto]:
        """Return what to do with each photo, in the order of the photos."""
        uploads = compose.uploads(self.stack)
        listed = in_parallel(
            self.console, "Comparing", lambda photo: uploads.newest(photo.key), photos
        )
        there = {one.key: one for one in listed if one is not None}
        # Sizes are in the listing; hashes cost a request for each object and a read of each file.
        candidates = [
            self._there(photo, there[photo.key])
            for photo in photos
            if photo.key in there and photo.path.stat().st_size == there[photo.key].size
        ]
        jobs = self.stack.find(candidates)
        same = in_parallel(
            self.console,
            "Comparing",
            lambda one: self._has_same_bytes(one.photo, there[one.key], jobs.get(one.key)),
            candidates,
        )
        sent = {one.key: one for one, is_same in zip(candidates, same, strict=True) if is_same}
        findings = audited(self.stack, self.console, [there[key] for key in sent])
        return [
            self._planned(sent[photo.key], jobs.get(photo.key), findings[photo.key])
            if photo.key in sent
            else PlannedPhoto(
                photo=photo,
                action=Action.UPLOAD,
                why="the bucket has another photo of this key" if photo.key in there else "",
            )
            for photo in photos
        ]

    def _there(self, photo: PhotoFile, listed: ListedObject) -> SentPhoto:
        job_id = self.stack.job_id(photo.key, listed.version_id)
        return SentPhoto(photo=photo, at=listed.modified_at, etag=listed.etag, job_id=job_id)

    def _planned(self, there: SentPhoto, job: Job | None, found: AuditedObject) -> PlannedPhoto:
        action, why = self._decided(job, found.finding)
        # What a job in progress has cost so far is part of what this command is waiting for.
        before = Decimal(0) if job is None or action is Action.WAIT else job.credits
        return PlannedPhoto(
            photo=there.photo,
            action=action,
            why=why,
            there=replace(there, credits_before=before),
            job=job,
            result_key=found.result_key,
        )

    def _decided(self, job: Job | None, finding: Finding) -> tuple[Action, str]:
        if finding is Finding.DONE:
            return Action.FETCH, "completed"
        if finding not in _ENDED:
            state = job.state.value if job else "uploaded a moment ago"
            return (Action.UPLOAD, _AGAIN[finding]) if finding in _AGAIN else (Action.WAIT, state)
        if job is None:
            action = Action.UPLOAD if self.retry_failed else Action.LEAVE
            return action, "ended without a cut-out, and its job has expired"
        paid = f"; {job.credits:g} credits were paid" if job.credits else ""
        action = Action.RETRY if self.retry_failed else Action.LEAVE
        return action, f"ended as {job.state} because of {explanation(job)}{paid}"

    def _has_same_bytes(self, photo: PhotoFile, listed: ListedObject, job: Job | None) -> bool:
        """Compare hashes: that of the job, else one that S3 stores.

        A file that cannot be read counts as another: its upload will say why.
        """
        recorded = None
        if job is not None:
            recorded = job.photo.sha256 if job.photo else job.read_sha256
        stored = self.stack.ports.store.sha256
        with suppress(OSError):
            if recorded := recorded or stored(listed.key, listed.version_id):
                return recorded == hashed(photo.path, "sha256")
            # An entity tag is the MD5 of the bytes only for an object that was written by one
            # request and is not encrypted with a KMS key; others equal no MD5.
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
            return listed.etag == hashed(photo.path, "md5")
        return False
