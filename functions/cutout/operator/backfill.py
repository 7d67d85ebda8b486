"""Processing photos that are already in a bucket, at low priority and a limited pace.

Photos that have a job are skipped, so an interrupted run can be started again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import ObjectRefusedError
from cutout.domain.job.source import Source, after
from cutout.domain.object_keys import LANE_MARK
from cutout.domain.states import Lane
from cutout.operator.audit import AuditedObject, Finding, Rules
from cutout.operator.bounded_parallel import bounded_map
from cutout.ports.listings import BucketListing, ListedObject, ObjectCopies, UploadQueue

_BATCH = 50
_MOST_QUEUED = 100  # messages, which an upload that comes now waits behind
_PAUSE = timedelta(seconds=2)
_COPIES_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class QueuePacer:
    """Waits while the queue is long, so that an upload never waits behind many messages."""

    upload_queue: UploadQueue
    sleep: Callable[[float], None]
    on_wait: Callable[[int], None] = lambda _waiting: None

    def wait(self) -> None:
        """Return once the queue is short enough."""
        while (waiting := self.upload_queue.length()) >= _MOST_QUEUED:
            self.on_wait(waiting)
            self.sleep(_PAUSE.total_seconds())


@dataclass(frozen=True, kw_only=True)
class MissingUploads:
    """Enqueues uploads without a job."""

    uploads: BucketListing
    upload_queue: UploadQueue
    pace: QueuePacer

    def queue(self, found: Iterable[AuditedObject]) -> Iterator[int]:
        """Enqueue the missing objects; yields how many were enqueued, at each step."""
        batch: list[AuditedObject] = []
        for one in found:
            if one.finding is Finding.MISSING:
                batch.append(one)
            if len(batch) >= _BATCH:
                yield self._send(batch)
                batch = []
        if batch:
            yield self._send(batch)

    def _send(self, batch: Sequence[AuditedObject]) -> int:
        self.pace.wait()
        sources = [source for one in batch if (source := self._source(one))]
        self.upload_queue.queue(sources, Lane.BACKFILL)
        return len(sources)

    def _source(self, one: AuditedObject) -> Source | None:
        """The upload, ordered above older ones; None if it is no longer the newest."""
        # Where an older upload is known, the object is read again: a newer upload may have come
        # after the listing, and would be mistaken for the older one.
        if one.order is not None and not one.listed.is_same(self.uploads.newest(one.listed.key)):
            return None
        return one.listed.source(self.uploads.bucket, after(one.order))


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """An object of another bucket, its key in the uploads bucket, and why it is not copied.

    `refused` is S3's message if it refused to copy the object.
    """

    listed: ListedObject
    key: str
    skipped: str = ""
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class BucketImport:
    """Copies photos of another bucket into the uploads bucket, where their events make jobs.

    Objects in the uploads bucket are never overwritten.
    """

    source: BucketListing
    uploads: BucketListing
    transfers: ObjectCopies
    rules: Rules
    pace: QueuePacer

    def look(self, prefix: str) -> Iterator[Candidate]:
        """Every object under the prefix, and whether it is to be copied."""
        target = self.rules.upload_filter.upload_prefix
        existing = _ObjectsByKey(self.uploads.pages(target + prefix))
        for page in self.source.pages(prefix):
            for listed in page:
                key = target + listed.key
                yield Candidate(
                    listed=listed, key=key, skipped=self._skipped(listed, key, existing)
                )

    def copy(self, candidates: Iterable[Candidate]) -> Generator[Candidate]:
        """Copy the candidates that are not skipped; yields each, with why it was not copied.

        If S3 refuses to copy one object, the others are still copied.
        """
        wanted = (one for one in candidates if not one.skipped)
        yield from bounded_map(self._copied, self._paced(wanted), at_once=_COPIES_AT_ONCE)

    def _paced(self, wanted: Iterable[Candidate]) -> Iterator[Candidate]:
        for number, one in enumerate(wanted):
            if number % _BATCH == 0:
                self.pace.wait()
            yield one

    def _copied(self, one: Candidate) -> Candidate:
        try:
            done = self.transfers.copy(one.listed, one.key, {LANE_MARK: Lane.BACKFILL.value})
        except ObjectRefusedError as refused:
            return replace(one, skipped="refused", refused=str(refused))
        if done:
            return one
        why = "own-output" if done is None else "changed-meanwhile"
        return replace(one, skipped=why)

    def _skipped(self, listed: ListedObject, key: str, existing: _ObjectsByKey) -> str:
        if why := self.rules.why_no_photo(listed):
            return why.value
        there = existing.at(key)
        if there is None:
            is_watched = self.rules.upload_filter.is_watched(self.uploads.bucket, key)
            return "" if is_watched else self.rules.why_not_watched(key)
        return "there-already" if there.size == listed.size else "another-stands-there"


class _ObjectsByKey:
    """The objects of a bucket, read by ascending keys, so that both buckets are listed once."""

    def __init__(self, pages: Iterator[Sequence[ListedObject]]) -> None:
        self._objects = (one for page in pages for one in page)
        self._next = next(self._objects, None)

    def at(self, key: str) -> ListedObject | None:
        while self._next is not None and self._next.key < key:
            self._next = next(self._objects, None)
        return self._next if self._next is not None and self._next.key == key else None
