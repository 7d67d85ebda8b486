"""Retries of single jobs: which may be retried, and what stops one."""

from cutout.cli import compose
from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.output.next_step import retry_of_refused
from cutout.cli.output.problems import Problem
from cutout.domain.errors import IllegalMoveError
from cutout.domain.job.job import Job
from cutout.domain.retry_policy import is_final_refusal
from cutout.domain.states import TRANSITIONS, Move, State, Transport
from cutout.ports.jobs_table import JobMovedError
from cutout.wiring.chosen_provider import terms

RETRYABLE = [state for state in State if state in TRANSITIONS[Move.RETRY][0]]
"""The states that allow a retry."""


def check_retryable(job: Job, *, include_refused: bool = False) -> None:
    """Check that a retry of the job makes sense.

    Raises:
        Problem: Its state does not allow one, or the provider refused the photo's content.
    """
    # First: of a job in progress, nothing was refused for good.
    if job.state not in RETRYABLE:
        raise _not_retryable(job)
    if not include_refused and is_final_refusal(job, terms().final_codes):
        raise Problem(
            f"The provider refused what {job.source.key} shows ({job.code}): it would refuse it "
            "again, and may charge for it.",
            advice=f"Upload another photo to the key. {retry_of_refused(job)}.",
        )


def warning_of(job: Job) -> str:
    """Return why a retry of the job probably changes nothing; empty if it may."""
    if job.state is not State.REJECTED or job.attempts:
        return ""
    return (
        "it was rejected before any request. The same file is rejected again, unless the stack's "
        "settings or version have changed"
    )


def retry_job(
    stack: Stack, job: Job, *, transport: Transport | None = None, bypass_cache: bool = False
) -> Job:
    """Retry the job as it was read.

    Raises:
        Problem: Its state does not allow a retry, or it has changed since.
    """
    try:
        return compose.control(stack).retry(job, transport=transport, bypass_cache=bypass_cache)
    except IllegalMoveError as error:
        raise _not_retryable(job) from error
    except JobMovedError as error:
        raise Problem(
            f"{job.source.key} changed at the same time.",
            advice="See `cutout where` and try again.",
        ) from error


def _not_retryable(job: Job) -> Problem:
    return Problem(
        f"{job.source.key} is {job.state}: only failed, rejected and reviewed photos are retried.",
    )
