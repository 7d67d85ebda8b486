"""What a job ends with: the object that was stored, and whose purchase it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from cutout.domain.states import Pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The object that was stored. Size in bytes, width and height in pixels.

    Attributes:
        pixels: whose colours it has.
        remark: what is not as the settings ask for, and why; None if all is.
    """

    bucket: str
    key: str
    size: int
    width: int
    height: int
    sha256: str
    pixels: Pixels = Pixels.MODEL
    remark: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse:
    """Whose result of the same picture a job is completed from, free.

    Attributes:
        job_id: the job that paid for it.
        key: where it is kept in the work bucket.
        sha256: of the kept bytes.
        task_id: the task that made it.
        credits_saved: what it would have cost again.
        is_of_copy: the provider was sent a copy that is upright and in sRGB, and so is the result.
    """

    job_id: str
    key: str
    sha256: str
    task_id: str
    credits_saved: Decimal
    is_of_copy: bool = False
