"""The source of a job: the uploaded object, its photo, and the copies that are made of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One version of an uploaded object.

    Attributes:
        sequencer: S3's order of events on one key, upper-case hexadecimal. Listings have no
            sequencers: for an upload found in one, it is made by `after`.
        size: bytes.
        modified_at: when S3 stored an upload that was found in a listing; None if an event
            reported it.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    sequencer: str
    size: int
    modified_at: datetime | None = None

    @property
    def ref(self) -> str:
        """The key without its version: `bucket/key`."""
        return f"{self.bucket}/{self.key}"

    @property
    def job_id(self) -> str:
        """The job's id, 32 hexadecimal digits; the same for every delivery of the event."""
        # In a bucket without versions, the same bytes may be uploaded again: the entity tag is then
        # the same, but the sequencer is not.
        version = self.version_id or f"{self.etag}:{self.sequencer}"
        return job_id_of(self.bucket, self.key, version)

    @property
    def order(self) -> str:
        """The sequencer, padded so that strings compare as S3 defines it.

        Source: "right pad the shorter value with zeros and compare", S3 event message structure.
        """
        return self.sequencer.upper().ljust(_ORDER_DIGITS, "0")

    def as_latest(self, job_id: str | None = None) -> LatestVersion:
        """The record that this upload is the newest of its key; its job may have another id."""
        return LatestVersion(source_ref=self.ref, order=self.order, job_id=job_id or self.job_id)

    def as_deleted(self) -> LatestVersion:
        """The record that the key was deleted, and not uploaded again."""
        return LatestVersion(source_ref=self.ref, order=self.order, job_id=None)

    @property
    def is_found(self) -> bool:
        """Whether it was found in a listing: its event is lost, late, or before the deployment."""
        return not self.sequencer or len(self.sequencer) > _ORDER_DIGITS

    def is_of(self, job_id: str, order: str) -> bool:
        """Whether the job id is that of an upload of these bytes at this key with this order.

        The order is the padded sequencer, whose last zeros may be part of the sequencer.
        """
        shortest = len(order.rstrip("0"))
        sequencers = (order[:length] for length in range(shortest, len(order) + 1))
        return any(replace(self, sequencer=one).job_id == job_id for one in sequencers)


@dataclass(frozen=True, kw_only=True, slots=True)
class LatestVersion:
    """The newest upload or deletion of a key in the uploads bucket.

    Attributes:
        order: the padded sequencer of that event.
        job_id: the job of that upload; None if the key was deleted.
    """

    source_ref: str
    order: str
    job_id: str | None


def job_id_of(bucket: str, key: str, version: str) -> str:
    """The id of the job that processes this version of an upload."""
    identity = f"{bucket}\0{key}\0{version}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def after(order: str | None) -> str:
    """A sequencer for an upload found in a listing that is newer than this order.

    It has one digit more than any event's: above that order, and below every newer event. None,
    for an unknown key, gives one below every event.
    """
    return "" if order is None else f"{order}1"


_ORDER_DIGITS = 32
"""S3's sequencers have about half as many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Photo:
    """The photo's properties. Width and height in pixels, after the Exif rotation.

    Attributes:
        orientation: the Exif orientation, 1 to 8.
        profile: the name of its colour profile; None without one, or if it is sRGB.
        has_alpha: some of its pixels are transparent or translucent.
    """

    format: str
    width: int
    height: int
    sha256: str
    orientation: int = 1
    profile: str | None = None
    has_alpha: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it needs neither a rotation nor a colour conversion."""
        return self.orientation == 1 and self.profile is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """The copy that is sent instead of the photo: upright, sRGB, in a size that the model takes.

    Attributes:
        key: in the work bucket, which deletes it after a day.
        size: bytes.
        made_at: when it was stored.
    """

    key: str
    format: str
    size: int
    width: int
    height: int
    made_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Upright:
    """The photo's copy in full size, for cut-outs with its own pixels: upright, in sRGB.

    Attributes:
        made_at: when it was requested; the work bucket deletes it after a day.
        problem: why there is none; None if there is one.
    """

    made_at: datetime
    problem: str | None = None
