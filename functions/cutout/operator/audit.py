"""Comparing all objects in the uploads bucket with the jobs, to find uploads without a job.

Only the keys of the cut-outs are kept in memory, about 150 bytes each. Objects are listed a page
at a time, and the jobs of several pages are read at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.job.source import LatestVersion
from cutout.domain.object_keys import USUAL_RESULT_KEYS, result_keys, results_folder
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.operator.bounded_parallel import bounded_map
from cutout.ports.listings import BucketListing, JobIndex, ListedObject, Provenance
from cutout.ports.telemetry import Clock
from cutout.usecases.submit.register_upload import UploadFilter

_PAGES_AT_ONCE = 8
_GRACE = timedelta(minutes=15)  # how long an event may take to arrive


class Finding(StrEnum):
    """The status of an uploaded object."""

    DONE = "done"
    """Its cut-out exists."""
    IN_FLIGHT = "in-flight"
    """Its job has not ended."""
    FAILED = "failed"
    REVIEW = "review"
    REJECTED = "rejected"
    NOT_WATCHED = "not-watched"
    """Its key is not watched, or is that of our own output."""
    NO_PHOTO = "no-photo"
    """It has no job and needs none: by its key or size it is not a supported photo."""
    FRESH = "fresh"
    """It was just written: its event may still come."""
    FORGOTTEN = "forgotten"
    """Its job ended and expired; it has no cut-out."""
    MISSING = "missing"
    """It has no job, and no event will come."""
    RESULT_GONE = "result-gone"
    """Its job is completed, but its cut-out no longer exists."""
    OUTDATED = "outdated"
    """Its job is completed, but the cut-out is of a version that was deleted since."""
    SUPERSEDED = "superseded"
    """Its job was superseded by a newer upload or a deletion, but it is the newest version."""

    @property
    def is_trouble(self) -> bool:
        """Whether it is a photo without a cut-out that will never be processed by itself."""
        return self in _TROUBLES


_TROUBLES = frozenset({Finding.MISSING, Finding.RESULT_GONE, Finding.OUTDATED, Finding.SUPERSEDED})


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedObject:
    """An object, its status and why; `result_key` is set if its job has expired.

    `order` of a missing object is that of the newest known upload that is older.
    """

    listed: ListedObject
    finding: Finding
    reason: str = ""
    result_key: str | None = None
    order: str | None = None


class _Known(NamedTuple):
    """An object, its job, and the newest event of its key where the status depends on it."""

    listed: ListedObject
    job: Job | None
    head: LatestVersion | None


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings of a deployment that decide about an object's status."""

    upload_filter: UploadFilter
    max_bytes: int
    retention: timedelta

    def why_no_photo(self, listed: ListedObject) -> Reason | None:
        """Why the object is no photo, by its key and size; None if it may be one."""
        if listed.key.endswith("/"):
            return Reason.FOLDER_MARKER
        if not listed.size:
            return Reason.EMPTY_OBJECT
        return Reason.TOO_MANY_BYTES if listed.size > self.max_bytes else None

    def why_not_watched(self, key: str) -> str:
        """Why a key of the uploads bucket is not watched."""
        if not key.startswith(self.upload_filter.upload_prefix):
            return "outside-prefix"
        suffixes = tuple(one.lower() for one in self.upload_filter.upload_suffixes)
        is_other = bool(suffixes) and not key.lower().endswith(suffixes)
        return "other-suffix" if is_other else Reason.OWN_OUTPUT.value


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Compares all objects under a prefix with their jobs, and reports how many were listed."""

    uploads: BucketListing
    results: BucketListing
    records: JobIndex
    clock: Clock
    rules: Rules
    on_listed: Callable[[str, int], None] = lambda _what, _count: None

    def look(self, prefix: str) -> Iterator[Sequence[AuditedObject]]:
        """The status of every object, a page at a time, in the order of keys."""
        stored = self._stored(prefix)
        pages = self.uploads.pages(prefix)
        yield from bounded_map(
            lambda page: self._examine(page, stored), pages, at_once=_PAGES_AT_ONCE
        )

    def examine(self, page: Sequence[ListedObject]) -> Sequence[AuditedObject]:
        """The status of these objects, in this order; asks for their cut-outs one by one."""
        return self._examine(page, None)

    def _stored(self, prefix: str) -> frozenset[str]:
        upload_filter = self.rules.upload_filter
        folder = results_folder(
            prefix,
            upload_prefix=upload_filter.upload_prefix,
            result_prefix=upload_filter.result_prefix,
        )
        keys: set[str] = set()
        for page in self.results.pages(folder):
            keys.update(one.key for one in page)
            self.on_listed("cut-outs", len(keys))
        return frozenset(keys)

    def _examine(
        self, page: Sequence[ListedObject], stored: frozenset[str] | None
    ) -> list[AuditedObject]:
        """The status of these objects; `stored` has the keys of all cut-outs, if it was listed."""
        bucket = self.uploads.bucket
        watched = [one for one in page if self.rules.upload_filter.is_watched(bucket, one.key)]
        known = self._known(watched)
        in_doubt = {
            one.source(bucket).ref: one
            for one in watched
            if self._is_decided_by_head(one, known.get(one.key))
        }
        heads = {
            in_doubt[ref].key: head for ref, head in self.records.newest_all(list(in_doubt)).items()
        }
        return [
            self._found(_Known(one, known.get(one.key), heads.get(one.key)), stored) for one in page
        ]

    def _found(self, known: _Known, stored: frozenset[str] | None) -> AuditedObject:
        listed, job = known.listed, known.job
        if job is not None:
            finding, reason = self._with_job(known, job, stored)
            return AuditedObject(listed=listed, finding=finding, reason=reason)
        if not self.rules.upload_filter.is_watched(self.uploads.bucket, listed.key):
            reason = self.rules.why_not_watched(listed.key)
            return AuditedObject(listed=listed, finding=Finding.NOT_WATCHED, reason=reason)
        return self._without_job(listed, known.head, stored)

    def _is_decided_by_head(self, listed: ListedObject, job: Job | None) -> bool:
        """Whether the status depends on the newest event of the key, besides object and job."""
        if job is None:
            return not self.rules.why_no_photo(listed)
        return job.state is State.COMPLETED and listed.version_id is not None

    def _known(self, page: Sequence[ListedObject]) -> Mapping[str, Job]:
        """The jobs of these objects, by key."""
        # An object's version gives the id of its job. Without versions, the job is that of the
        # key's newest event, if the entity tag is the same.
        bucket = self.uploads.bucket
        ids = {one.source(bucket).job_id: one for one in page if one.version_id}
        plain = {one.source(bucket).ref: one for one in page if not one.version_id}
        for ref, head in self.records.newest_all(list(plain)).items():
            if head.job_id:
                ids[head.job_id] = plain[ref]
        return {
            ids[job.id].key: job
            for job in self.records.find_all(list(ids))
            if ids[job.id].version_id or ids[job.id].etag == job.source.etag
        }

    def _with_job(
        self, known: _Known, job: Job, stored: frozenset[str] | None
    ) -> tuple[Finding, str]:
        reason = job.reason.value if job.reason else ""
        match job.state:
            case State.COMPLETED:
                return self._completed(known, job, stored), reason
            case State.FAILED | State.REVIEW | State.REJECTED:
                return Finding(job.state.value), reason
            case State.SUPERSEDED:
                return self._if_newest(known.listed, Finding.SUPERSEDED), reason
        return Finding.IN_FLIGHT, job.state.value

    def _if_newest(self, listed: ListedObject, finding: Finding) -> Finding:
        is_newest = listed.is_same(self.uploads.newest(listed.key))
        return finding if is_newest else Finding.FRESH

    def _completed(self, known: _Known, job: Job, stored: frozenset[str] | None) -> Finding:
        key = job.result.key if job.result else ""
        # The job may have completed after the cut-outs were listed.
        if key not in (stored or ()) and self.results.newest(key) is None:
            return Finding.RESULT_GONE
        # A permanent deletion makes an older version the newest, without an event that says so.
        # The cut-out is read only if the newest event is of another version.
        if known.head is None or known.head.job_id in {None, job.id}:
            return Finding.DONE
        made = self.results.provenance(key)
        if made is None or made.version == known.listed.version_id:
            return Finding.DONE
        return self._if_newest(known.listed, Finding.OUTDATED)

    def _without_job(
        self, listed: ListedObject, head: LatestVersion | None, stored: frozenset[str] | None
    ) -> AuditedObject:
        if why := self.rules.why_no_photo(listed):
            return AuditedObject(listed=listed, finding=Finding.NO_PHOTO, reason=why.value)
        orders = [head.order] if head else []
        for place, made in self._made_at(listed.key, stored):
            if self._is_made_of(made, listed):
                return AuditedObject(
                    listed=listed, finding=Finding.DONE, reason="row-expired", result_key=place
                )
            orders.append(made.order)
        age = self.clock.now() - listed.modified_at
        if age < _GRACE:
            return AuditedObject(listed=listed, finding=Finding.FRESH)
        if self._is_head(listed, head) and age > self.rules.retention:
            return AuditedObject(listed=listed, finding=Finding.FORGOTTEN, reason="row-expired")
        return AuditedObject(
            listed=listed, finding=Finding.MISSING, order=max(orders, default=None)
        )

    def _is_made_of(self, made: Provenance, listed: ListedObject) -> bool:
        """Whether the cut-out was made of this object."""
        # Entity tags are not enough: the same file may be at `a.jpg` and `a.png`, whose cut-outs
        # have the same first candidate for their key.
        is_same = made.version == (listed.version_id or listed.etag)
        return is_same and listed.source(self.uploads.bucket).is_of(made.job_id, made.order)

    def _is_head(self, listed: ListedObject, head: LatestVersion | None) -> bool:
        """Whether the key's newest event may be this object's, so that it once had a job."""
        if head is None or head.job_id is None:
            return False
        # Without versions, the id of the object's job contains a sequencer that no listing names.
        source = listed.source(self.uploads.bucket)
        return source.version_id is None or head.job_id == source.job_id

    def _made_at(self, key: str, stored: frozenset[str] | None) -> Iterator[tuple[str, Provenance]]:
        """The cut-outs at the candidates for this key's result key, and their origins."""
        upload_filter = self.rules.upload_filter
        places = result_keys(
            key,
            upload_prefix=upload_filter.upload_prefix,
            result_prefix=upload_filter.result_prefix,
        )
        for place in dict.fromkeys(islice(places, USUAL_RESULT_KEYS)):
            is_there = stored is None or place in stored
            made = self.results.provenance(place) if is_there else None
            if made is not None:
                yield place, made
