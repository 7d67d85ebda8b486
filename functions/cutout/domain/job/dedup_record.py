"""A picture that was bought, or is being bought: who pays for it, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from cutout.domain.serialization import STORED_AS


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """An accepted result as the provider gave it, in the work bucket.

    Attributes:
        sha256: of its own bytes; what does not have it any more is not used.
        job_id: the job that paid for it.
        task_id: the task that made it.
        credits: what it cost.
        is_of_copy: the provider was sent a copy that is upright and in sRGB, and so is the result.
        is_doubted: finishing it, the job found that a person must look at it: it serves no other.
    """

    key: str
    sha256: str
    job_id: str
    task_id: str
    credits: Decimal
    is_doubted: bool = False
    is_of_copy: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupRecord:
    """One picture, by its bytes and the model that cuts it out.

    Attributes:
        picture: `{SHA-256 of the source}#{model}`.
        buyer: the job that may pay for it.
        expires_at: when it is forgotten, if nobody writes it before; None while it is being bought.
        version: counts its writes; every write names the one it read.
        kept: the result, once there is one.
        waiting: some of the jobs that wait for it and want to be woken.
    """

    picture: str
    owner: str = field(metadata={STORED_AS: "buyer"})
    expires_at: datetime | None = None
    version: int = 0
    kept: Kept | None = None
    waiting: tuple[str, ...] = ()
