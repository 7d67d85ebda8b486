"""A person's decision on a result that failed acceptance."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from cutout.domain.dataclass import dataclass
from cutout.domain.reasons import Reason


class Verdict(StrEnum):
    """What a person decides about a result under review."""

    ACCEPT = "accept"
    """It becomes the cut-out."""
    REJECT = "reject"
    """The job fails; its credits count as charged without a cut-out."""

    @property
    def reason(self) -> Reason:
        """The reason of a job while the decision is carried out, and after that."""
        return _REASONS[self]


_REASONS = {
    Verdict.ACCEPT: Reason.ACCEPTED_BY_PERSON,
    Verdict.REJECT: Reason.REJECTED_BY_PERSON,
}


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
