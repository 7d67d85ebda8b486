"""Results: a job's stored object and its variants, decisions on it, and cached results."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from cutout.domain.dataclass import dataclass
from cutout.domain.reasons import Reason
from cutout.domain.serialization import STORED_AS
from cutout.domain.states import Pixels


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The stored object. Size in bytes, width and height in pixels.

    Attributes:
        pixels: whether its colours are the model's or the photo's.
        remark: how it differs from the settings, and why; None if it does not.
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
class Variant:
    """A variant that a recipe made of a cut-out. Size in bytes, width and height in pixels.

    Attributes:
        recipe: the recipe's name.
        key: in the results bucket; None if it could not be made.
        format: png, webp, avif or jpg.
        made_at: when it was made, or when making it failed.
        problem: why it could not be made; None if it was.
    """

    recipe: str
    format: str
    made_at: datetime
    key: str | None = None
    size: int = 0
    width: int = 0
    height: int = 0
    sha256: str = ""
    problem: str | None = None


def replaced(current: tuple[Variant, ...], new: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """The variants with new ones added, or in place of those of the same recipe."""
    by_recipe = {one.recipe: one for one in (*current, *new)}
    return tuple(by_recipe.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Reuse:
    """The cached result that completes a job at no cost.

    Attributes:
        job_id: the job that paid for it.
        key: of the cached result in the work bucket.
        sha256: of the cached result.
        task_id: the task that made it.
        credits_saved: what a call would have cost.
        is_of_copy: the provider received a copy that is upright and in sRGB, like the result.
        is_accepted: a person accepted it when it was under review: the checks do not count.
    """

    job_id: str
    key: str
    sha256: str
    task_id: str
    credits_saved: Decimal
    is_of_copy: bool = False
    is_accepted: bool = False


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
        waiting: some of the jobs that wait for the result, to be enqueued. They stay listed until
            the record has its next owner, as the answer to any write may be lost.
    """

    picture: str
    owner: str = field(metadata={STORED_AS: "buyer"})
    expires_at: datetime | None = None
    version: int = -1
    kept: Kept | None = None
    waiting: tuple[str, ...] = ()


class Verdict(StrEnum):
    """What a person decides about a result under review."""

    ACCEPT = "accept"
    """It becomes the cut-out."""
    REJECT = "reject"
    """The job fails; its credits count as charged without a cut-out."""

    @property
    def reason(self) -> Reason:
        """The reason of a job while the decision is carried out, and after that."""
        is_accepted = self is Verdict.ACCEPT
        return Reason.ACCEPTED_BY_PERSON if is_accepted else Reason.REJECTED_BY_PERSON


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewDecision:
    """One decision; the first one that is written counts.

    Attributes:
        by: the ARN of the person, as AWS STS reports it.
        over: why the result needed a review.
        problem: why the decision could not be carried out; the job is under review again.
    """

    verdict: Verdict
    by: str
    at: datetime
    over: Reason
    problem: str | None = None

    @property
    def text(self) -> str:
        """Who decided what, for people."""
        return f"{self.verdict}ed by {self.by}; the review was because of {self.over}"
