"""Deduplication records: which job processes a photo's bytes, and the cached result."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from decimal import Decimal

from cutout.domain.dataclass import dataclass
from cutout.domain.serialization import STORED_AS


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A cached result, as the provider returned it, in the work bucket.

    Attributes:
        sha256: of the result; a file with another hash is not used.
        job_id: the job that paid for it.
        task_id: the task that made it.
        credits: what it cost.
        is_of_copy: the provider received a copy that is upright and in sRGB, like the result.
        is_doubted: it needs review, or a person rejected it: no other job uses it.
        is_accepted: a person accepted it: the checks do not count.
    """

    key: str
    sha256: str
    job_id: str
    task_id: str
    credits: Decimal
    is_doubted: bool = False
    is_of_copy: bool = False
    is_accepted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupRecord:
    """The processing of one photo's bytes by one model, shared by all uploads of these bytes.

    Attributes:
        picture: `{SHA-256 of the source}#{model}`.
        owner: the job that last passed the gate for it.
        expires_at: when the record expires; None while the owner processes it.
        version: the number of writes after the first, which requires that there is no record; each
            later one requires the version that was read. -1 before the first.
        kept: the cached result, if there is one.
        waiting: some of the jobs that wait for the result, to be enqueued.
    """

    picture: str
    owner: str = field(metadata={STORED_AS: "buyer"})
    expires_at: datetime | None = None
    version: int = -1
    kept: Kept | None = None
    waiting: tuple[str, ...] = ()
