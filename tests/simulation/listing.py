"""The buckets as an operator's commands list them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cutout.adapters.sqs import SqsSubmissions
from cutout.operator.audit import Audit, Rules
from cutout.operator.backfill import MissingUploads, QueuePacer
from cutout.ports.listings import ListedObject, Provenance
from tests.simulation.evidence import Evidence
from tests.simulation.queue import SimQueue
from tests.support.fakes.world import PHOTO_LIMITS, World


class ListedUploads:
    """The uploads bucket."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.bucket = evidence.world.uploads.bucket

    def pages(self, prefix: str) -> Iterator[Sequence[ListedObject]]:
        keys = sorted(key for key in self._evidence.newest if key.startswith(prefix))
        yield [listed for key in keys if (listed := self.newest(key))]

    def newest(self, key: str) -> ListedObject | None:
        source = self._evidence.newest[key]
        at = self._evidence.uploaded_at.get(source.job_id)
        if at is None or source.job_id in self._evidence.destroyed:
            return None
        return ListedObject(
            key=key,
            version_id=source.version_id,
            etag=source.etag,
            size=source.size,
            modified_at=at,
        )

    def provenance(self, key: str) -> Provenance | None:
        raise NotImplementedError(key)


class ListedResults:
    """The results bucket; no times are asked for."""

    def __init__(self, evidence: Evidence) -> None:
        self._world = evidence.world
        self._since = min(evidence.uploaded_at.values())
        self.bucket = self._world.results.bucket

    def pages(self, prefix: str) -> Iterator[Sequence[ListedObject]]:
        keys = sorted(key for key in self._world.results.objects if key.startswith(prefix))
        yield [listed for key in keys if (listed := self.newest(key))]

    def newest(self, key: str) -> ListedObject | None:
        stored = self._world.results.objects.get(key)
        if stored is None:
            return None
        return ListedObject(
            key=key,
            version_id=None,
            etag=stored.etag,
            size=len(stored.data),
            modified_at=self._since,
        )

    def provenance(self, key: str) -> Provenance | None:
        stored = self._world.results.objects.get(key)
        if stored is None:
            return None
        metadata = stored.labels.metadata
        return Provenance(
            job_id=metadata["cutout-job"],
            version=metadata["cutout-source-version"],
            order=metadata["cutout-source-order"],
        )


def queue_missing(evidence: Evidence, submissions: SimQueue) -> int:
    """Do what `cutout audit --fix` does; return how many uploads it enqueued."""
    if not evidence.uploaded_at:
        return 0
    world: World = evidence.world
    uploads = ListedUploads(evidence)
    rules = Rules(
        upload_filter=world.register_upload.upload_filter,
        max_bytes=PHOTO_LIMITS.prepare_max_bytes,
        retention=world.timing.retention,
    )
    survey = Audit(
        uploads=uploads,
        results=ListedResults(evidence),
        records=world.jobs,
        clock=world.clock,
        rules=rules,
    )
    client: Any = submissions
    upload_queue = SqsSubmissions(client, "")
    pace = QueuePacer(upload_queue=upload_queue, sleep=_never)
    found = [one for page in survey.look("") for one in page]
    return sum(MissingUploads(uploads=uploads, upload_queue=upload_queue, pace=pace).queue(found))


def _never(_seconds: float) -> None:
    raise AssertionError("the queue is never long")
