"""The upload that a job is about."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The upload: which bytes this job is about.

    Attributes:
        sequencer: S3's order of events on one key, upper-case hexadecimal as S3 sends it; or, for
            an upload that was found in a listing, which tells no order, what `after` says.
        size: bytes.
        modified_at: when S3 stored an upload that was found in a listing; None for one that an
            event told of.
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
        """Name of the key, whichever version: `bucket/key`."""
        return f"{self.bucket}/{self.key}"

    @property
    def job_id(self) -> str:
        """The same for every repeat of the event: 32 hexadecimal digits."""
        version = self.version_id or f"{self.etag}:{self.sequencer}"
        identity = f"{self.bucket}\0{self.key}\0{version}"
        return hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def order(self) -> str:
        """The sequencer, padded so that strings compare as S3 defines it.

        Source: "right pad the shorter value with zeros and compare", S3 event message structure.
        """
        return self.sequencer.upper().ljust(_ORDER_DIGITS, "0")

    @property
    def is_found(self) -> bool:
        """It was found in a listing: its event is lost, late, or older than the deployment."""
        return not self.sequencer or len(self.sequencer) > _ORDER_DIGITS

    def is_of(self, job_id: str, order: str) -> bool:
        """A job of these bytes at this key has this id; `order` is that of the upload it is about.

        The order is the sequencer, padded: the zeros at its end may be part of the sequencer.
        """
        shortest = len(order.rstrip("0"))
        sequencers = (order[:length] for length in range(shortest, len(order) + 1))
        return any(replace(self, sequencer=one).job_id == job_id for one in sequencers)


def after(order: str | None) -> str:
    """The sequencer of an upload that was found, and is newer than what has this order.

    One digit more than any event's order has: above that order, and below every event that is
    newer. With None, where nothing is known of the key, below every event.
    """
    return "" if order is None else f"{order}1"


_ORDER_DIGITS = 32
"""S3's own sequencers have about half as many."""
