"""The content of notes in the results bucket, for people who only see the buckets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from cutout.domain.job.attempt import Attempt, charged
from cutout.domain.job.job import Job
from cutout.domain.job.recheck import next_to_recheck, reopened
from cutout.domain.job.result import Verdict
from cutout.domain.object_keys import beside
from cutout.domain.provider_outcomes import Terms
from cutout.domain.reasons import Reason
from cutout.domain.retry_policy import is_final_refusal
from cutout.domain.sanitize import shell_word
from cutout.domain.states import AttemptOutcome, State

_NEXT = {
    State.REJECTED: "Upload a supported photo to the same key. If a setting caused the "
    "rejection, change it and run: {retry}",
    State.FAILED: "This is final. A retry makes a new call and costs again: {retry}",
    State.REVIEW: "Review the result. If it is good enough: {accept} . If not: {reject} . A retry "
    "makes a new call and costs again: {retry}",
}
_REFUSED = (
    "This is final: the provider refused what the photo shows. Upload another photo to the same "
    "key. A retry may cost again, and will be refused again: {refused}"
)
_LOOKED_FOR_FIRST = {
    State.FAILED: "This is final. A retry first checks whether the paid result is available, at no "
    "cost: {retry} . With --fresh, it makes a new call at once and costs again, unless a callback "
    "has named a task that was never read.",
    State.REVIEW: "Review the result. If it is good enough: {accept} . If not: {reject} . A retry "
    "first tries to store the paid result, at no cost: {retry}",
}


def error_note(job: Job, terms: Terms) -> dict[str, Any]:
    """The content of `<key>.error.json`."""
    result = job.result
    return {
        **whose(job),
        "state": job.state.value,
        **why(job.reason),
        "code": job.code,
        "message": job.message,
        "result": None if result is None else address(result.bucket, result.key),
        "explained": None if result is None else address(result.bucket, beside(result.key)),
        **cost(job),
        "next": _next_step(job, terms).format(
            retry=retry_command(job),
            refused=command_on("retry --include-refused", job),
            accept=review_command(Verdict.ACCEPT, job),
            reject=review_command(Verdict.REJECT, job),
        ),
        "at": job.updated_at.isoformat(),
    }


def _next_step(job: Job, terms: Terms) -> str:
    if is_final_refusal(job, terms.final_codes):
        return _REFUSED
    is_looked_for = next_to_recheck(reopened(job)) is not None
    return (_NEXT | _LOOKED_FOR_FIRST if is_looked_for else _NEXT)[job.state]


def whose(job: Job) -> dict[str, Any]:
    """The job and its source, as in every note."""
    source = job.source
    return {
        "job": job.id,
        "source": {"bucket": source.bucket, "key": source.key, "version": source.version_id},
    }


def why(reason: Reason | None) -> dict[str, str | None]:
    """The reason, as a code and as a sentence."""
    if reason is None:
        return {"reason": None, "meaning": None}
    return {"reason": reason.value, "meaning": reason.meaning}


def cost(job: Job) -> dict[str, Any]:
    """The cost as a number, and in words: certain charges and possible ones."""
    return {"credits": float(job.credits), "paid": _paid(job)}


def address(bucket: str, key: str) -> str:
    """The URL of an object."""
    return f"s3://{bucket}/{key}"


def review_command(verdict: Verdict, job: Job) -> str:
    """The command that accepts or rejects the result under review."""
    return command_on(f"review {verdict}", job)


def retry_command(job: Job) -> str:
    """The command that retries the job."""
    return command_on("retry", job)


def command_on(words: str, job: Job) -> str:
    """A command with the job's key, to paste into a shell."""
    end_of_options = "-- " if job.source.key.startswith("-") else ""
    return f"cutout {words} {end_of_options}{shell_word(job.source.key)}"


def _paid(job: Job) -> str:
    unknown = sum((charged(it) for it in job.attempts if not _is_certain(it)), Decimal(0))
    certain = job.credits - unknown
    texts = []
    if certain or not unknown:
        texts.append(
            f"{_number(certain)} credits were charged." if certain else "Nothing was paid."
        )
    if unknown:
        texts.append(f"{_number(unknown)} credits may have been charged: the outcome is unknown.")
    if any(attempt.is_possible_double_charge for attempt in job.attempts):
        texts.append("One call was made twice, and may have been charged twice.")
    return " ".join(texts)


def _is_certain(attempt: Attempt) -> bool:
    return attempt.credits_used is not None or attempt.outcome is AttemptOutcome.SUCCEEDED


def _number(amount: Decimal) -> str:
    return f"{float(amount):g}"
