"""Photos on their way: uploads, their jobs and their results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError

from cutout.domain.gate.gate import holder
from cutout.domain.gate.pauses_and_slots import ShardChange
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.object_keys import BYPASS_CACHE_MARK
from cutout.domain.states import HOLDING, State
from cutout.ports.jobs_table import JobMovedError
from tests.e2e.deployed import Deployed
from tests.e2e.pictures import small_photo
from tests.support.whole_table import WholeTable

_AT_ONCE = 8
_ASKED_AT_ONCE = 25
_DIFFERENT = 3
"""So many photos are cut out; the stand-in knows the others by then."""
_PATIENCE_SECONDS = 120
_SWEPT_EVERY_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of one key in the uploads bucket."""

    key: str
    version_id: str
    job_id: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An object of the results bucket."""

    content: bytes
    content_type: str
    metadata: Mapping[str, str]
    tags: Mapping[str, str]


class Photos:
    """The uploads bucket, the jobs table and the results bucket.

    Args:
        deployed: The stack.
        jobs: Its jobs table.
    """

    def __init__(self, deployed: Deployed, jobs: WholeTable) -> None:
        self._deployed = deployed
        self._s3 = deployed.client("s3")
        self.jobs = jobs
        self.bucket = deployed.cloud.outputs["UploadsBucketName"]
        self.results_bucket = deployed.cloud.outputs["ResultsBucketName"]
        self.copies_bucket = deployed.cloud.outputs["WorkBucketName"]
        self._swept_at = 0.0

    def put(
        self,
        key: str,
        content: bytes | None = None,
        *,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        bypass_cache: bool = True,
    ) -> Upload:
        """Upload; without content, a small photo.

        Paid for again each time, since tests upload the same few pictures.
        """
        mark = {BYPASS_CACHE_MARK: "true"} if bypass_cache else {}
        content = small_photo() if content is None else content
        answer = self._s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ContentType="image/jpeg",
            Metadata={**(metadata or {}), **mark},
            Tagging=urlencode(dict(tags or {}), quote_via=quote),
        )
        return self.landed(key, answer["VersionId"], content)

    def landed(self, key: str, version_id: str, content: bytes) -> Upload:
        """Return an upload that was made in another way."""
        source = Source(
            bucket=self.bucket, key=key, version_id=version_id, etag="", sequencer="", size=0
        )
        return Upload(key=key, version_id=version_id, job_id=source.job_id, content=content)

    def put_all(self, keys: Iterable[str]) -> list[Upload]:
        """Upload a small photo to each key, several at once."""
        numbered = list(enumerate(keys))
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return list(
                threads.map(
                    lambda one: self.put(one[1], small_photo(one[0] % _DIFFERENT)), numbered
                )
            )

    def delete(self, key: str) -> None:
        """Delete a key."""
        self._s3.delete_object(Bucket=self.bucket, Key=key)

    def delete_on_record(self, key: str) -> None:
        """Delete a key, and wait until the jobs table has that: S3's event takes a while."""
        self.delete(key)
        self._deployed.wait(lambda: self._is_deleted(key), f"the deletion of {key} to be recorded")

    def _is_deleted(self, key: str) -> bool:
        newest = self.jobs.newest(f"{self.bucket}/{key}")
        return newest is not None and newest.job_id is None

    def job(self, upload: Upload) -> Job | None:
        """Return an upload's job, if there is one."""
        return self.jobs.find(upload.job_id)

    def age(self, upload: Upload, by: timedelta) -> None:
        """Move everything in a job so much further back, as if time had passed.

        For waits that are no settings, such as the minute before a failed task is tried again.
        """
        while True:
            job = self.jobs.find(upload.job_id)
            assert job is not None
            aged = _aged(job, by)
            held = _slot_of(job)
            try:
                # The name under which the attempt holds its slot begins with its time.
                self.jobs.save(aged, gate=_slot_of(aged))
            except JobMovedError:
                continue
            for change in held:
                if change.shard is not None and change.takes is not None:
                    self.jobs.free_slot(change.shard, change.takes)
            return

    def reached(
        self,
        upload: Upload,
        condition: Callable[[Job], bool],
        what: str,
        *,
        is_swept: bool = False,
        timeout_seconds: float = _PATIENCE_SECONDS,
    ) -> Job:
        """Wait until something is true of an upload's job, and return the job.

        Args:
            upload: The upload.
            condition: What has to be true.
            what: That in words.
            is_swept: Whether Sweep comes as soon as the job is due instead of every minute.
            timeout_seconds: How long it may take.
        """
        found: list[Job] = []

        def is_reached() -> bool:
            found[:] = self.jobs.find_all([upload.job_id])
            if found and condition(found[0]):
                return True
            if is_swept:
                self._sweep(found)
            return False

        wanted = f"{upload.key[:80]} {what}"
        self._deployed.wait(is_reached, wanted, timeout_seconds, lambda: found)
        return found[0]

    def in_state(self, upload: Upload, *states: State, is_swept: bool = False) -> Job:
        """Wait until an upload's job is in one of these states, and return it."""
        what = "to be " + " or ".join(states)
        return self.reached(upload, lambda job: job.state in states, what, is_swept=is_swept)

    def settled(
        self, upload: Upload, *, is_swept: bool = False, timeout_seconds: float = _PATIENCE_SECONDS
    ) -> Job:
        """Wait until an upload's job has ended and was announced, and return it."""
        return self.reached(
            upload,
            lambda job: job.state.is_settled and job.is_announced,
            "to settle",
            is_swept=is_swept,
            timeout_seconds=timeout_seconds,
        )

    def all_settled(
        self,
        uploads: Iterable[Upload],
        *,
        is_swept: bool = False,
        timeout_seconds: float = 2 * _PATIENCE_SECONDS,
    ) -> list[Job]:
        """Wait until all jobs have ended and were announced, and return them."""
        ids = [upload.job_id for upload in uploads]
        over: dict[str, Job] = {}

        def the_next() -> list[str]:
            """Read a few of those that have not ended: reading all would slow the others down."""
            return [job_id for job_id in ids if job_id not in over][:_ASKED_AT_ONCE]

        def are_over() -> bool:
            found = self.jobs.find_all(the_next())
            over.update({it.id: it for it in found if it.state.is_settled and it.is_announced})
            if len(over) == len(ids):
                return True
            if is_swept:
                self._sweep(found)
            return False

        what = f"{len(ids)} jobs to settle"
        self._deployed.wait(are_over, what, timeout_seconds, lambda: self.jobs.find_all(the_next()))
        return [over[job_id] for job_id in ids]

    def _sweep(self, jobs: Iterable[Job]) -> None:
        """Start Sweep if one of these jobs is due, or if it has not run for a second."""
        now = datetime.now(UTC)
        is_due = any(job.due_at is not None and job.due_at <= now for job in jobs)
        if is_due or time.monotonic() - self._swept_at >= _SWEPT_EVERY_SECONDS:
            self._deployed.sweep()
            self._swept_at = time.monotonic()

    def result(self, key: str) -> Stored | None:
        """Return the object at a key of the results bucket; it may be deleted while it is read."""
        place = {"Bucket": self.results_bucket, "Key": key}
        try:
            answer: Any = self._s3.get_object(**place)
            content = answer["Body"].read()
            tags = self._s3.get_object_tagging(**place)["TagSet"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        return Stored(
            content=content,
            content_type=answer["ContentType"],
            metadata=answer["Metadata"],
            tags={tag["Key"]: tag["Value"] for tag in tags},
        )

    def result_keys(self, prefix: str) -> list[str]:
        """Return the keys of the pictures in the results bucket with this prefix."""
        return [key for key in self._keys_of_results(prefix) if not key.endswith(".json")]

    def note_keys(self) -> list[str]:
        """Return the keys of the error notes and other texts in the results bucket."""
        return [key for key in self._keys_of_results("") if key.endswith(".json")]

    def _keys_of_results(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.results_bucket, Prefix=prefix
        )
        return [one["Key"] for page in pages for one in page.get("Contents", ())]


def _slot_of(job: Job) -> list[ShardChange]:
    """Return the change that takes the slot of the job's newest attempt."""
    attempt = job.attempt
    if attempt is None or attempt.shard is None or job.state not in HOLDING:
        return []
    name = holder(job.id, attempt.number, attempt.started_at)
    return [ShardChange(shard=attempt.shard, takes=name)]


def _aged(job: Job, by: timedelta) -> Job:
    def earlier(at: datetime | None) -> datetime | None:
        return None if at is None else at - by

    attempts = (
        replace(it, started_at=it.started_at - by, not_found_since=earlier(it.not_found_since))
        for it in job.attempts
    )
    return replace(
        job,
        created_at=job.created_at - by,
        updated_at=job.updated_at - by,
        due_at=earlier(job.due_at),
        entered_at=job.entered_at - by,
        trying_since=earlier(job.trying_since),
        attempts=tuple(attempts),
        history=tuple(replace(step, at=step.at - by) for step in job.history),
    )
