"""Photos that were there before anybody watched: into the queue, behind live uploads, slowly.

The table is the truth: what has a job is passed over, so whoever stopped half-way starts again.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cutout.domain.errors import ObjectRefusedError
from cutout.domain.job.source import Source, after
from cutout.domain.object_keys import LANE_MARK
from cutout.domain.states import Lane
from cutout.operator.audit import AuditedObject, Finding, Rules
from cutout.operator.bounded_parallel import bounded_map
from cutout.ports.listings import BucketListing, ListedObject, ObjectCopies, UploadQueue

_BATCH = 50
_MOST_STANDING = 100
_PAUSE = timedelta(seconds=2)
_COPIES_AT_ONCE = 8


def _tell_nobody(_standing: int) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class QueuePacer:
    """Holds back while the queue is long: an upload stands behind a hundred messages or so.

    Attributes:
        tell: is told how many messages it waits for, each time that it looks.
    """

    intake: UploadQueue
    sleep: Callable[[float], None]
    tell: Callable[[int], None] = _tell_nobody

    def wait(self) -> None:
        """Return once there is room."""
        while (waiting := self.intake.length()) >= _MOST_STANDING:
            self.tell(waiting)
            self.sleep(_PAUSE.total_seconds())


@dataclass(frozen=True, kw_only=True)
class MissingUploads:
    """Queues uploads that have no job."""

    uploads: BucketListing
    intake: UploadQueue
    pace: QueuePacer

    def queue(self, found: Iterable[AuditedObject]) -> Iterator[int]:
        """Queue what is missing among what was found; yields how many there were, at each step."""
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
        self.intake.queue(sources, Lane.BACKFILL)
        return len(sources)

    def _source(self, one: AuditedObject) -> Source | None:
        """The upload, in its place above all that is older; None if it is not the newest any more.

        Where an older upload is known, the object is looked at once more: a newer one may have come
        between the listing and the look at the table, and would be mistaken for the older one.
        """
        if one.order is not None and not one.listed.is_same(self.uploads.newest(one.listed.key)):
            return None
        return one.listed.source(self.uploads.bucket, after(one.order))


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """An object of another bucket.

    Attributes:
        key: where it goes in the uploads bucket.
        skipped: why it does not; empty if it does.
        refused: what S3 says, where it does not copy the object; empty elsewhere.
    """

    listed: ListedObject
    key: str
    skipped: str = ""
    refused: str = ""


@dataclass(frozen=True, kw_only=True)
class BucketImport:
    """Transfers photos of another bucket into the uploads bucket, where their events make jobs.

    What stands in the uploads bucket is never written over.
    """

    source: BucketListing
    uploads: BucketListing
    transfers: ObjectCopies
    rules: Rules
    pace: QueuePacer

    def look(self, prefix: str) -> Iterator[Candidate]:
        """Every object under the prefix, and whether it is to be copied."""
        target = self.rules.upload_filter.upload_prefix
        waiting = _Standing(self.uploads.pages(target + prefix))
        for page in self.source.pages(prefix):
            for listed in page:
                key = target + listed.key
                yield Candidate(listed=listed, key=key, skipped=self._skipped(listed, key, waiting))

    def copy(self, candidates: Iterable[Candidate]) -> Generator[Candidate]:
        """Copy those that are to be; yields each, with why it was not copied after all.

        One that S3 refuses to copy does not keep the others from it.
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

    def _skipped(self, listed: ListedObject, key: str, waiting: _Standing) -> str:
        if why := self.rules.why_no_photo(listed):
            return why.value
        there = waiting.at(key)
        if there is None:
            return "" if self._is_watched(key) else self.rules.why_not_watched(key)
        return "there-already" if there.size == listed.size else "another-stands-there"

    def _is_watched(self, key: str) -> bool:
        return self.rules.upload_filter.is_watched(self.uploads.bucket, key)


class _Standing:
    """What stands in a bucket, asked for key by key in ascending order: both are listed once."""

    def __init__(self, pages: Iterator[Sequence[ListedObject]]) -> None:
        self._objects = (one for page in pages for one in page)
        self._next = next(self._objects, None)

    def at(self, key: str) -> ListedObject | None:
        while self._next is not None and self._next.key < key:
            self._next = next(self._objects, None)
        return self._next if self._next is not None and self._next.key == key else None
