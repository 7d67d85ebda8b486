"""What an item of the jobs table says of a job, unless only a newer version can tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cutout.adapters.dynamodb.item_table import Item
from cutout.domain.errors import NewerRowError
from cutout.domain.job.job import Job
from cutout.domain.serialization import from_row
from cutout.domain.states import Reason, State
from cutout.ports.listings import JobSummary


def job_in(item: Item) -> Job:
    """The job.

    Raises:
        NewerRowError: it says what this version does not understand.
    """
    with understood(_row(item["pk"].removeprefix("job#"))):
        return from_row(Job, item["job"])


def brief_in(item: Item) -> JobSummary:
    """How the job stands.

    Raises:
        NewerRowError: it says what this version does not understand.
    """
    told = item["job"]
    reason, result = told.get("reason"), told.get("result")
    with understood(_row(told["id"])):
        return JobSummary(
            job_id=told["id"],
            etag=told["source"]["etag"],
            state=State(told["state"]),
            reason=Reason(reason) if reason else None,
            result_key=result["key"] if result else None,
        )


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Words of later versions, a state, a reason, say; fields that are missing or of another form.

    Raises:
        NewerRowError: for any of these.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise NewerRowError(f"{what} is of a newer version: {error}") from error


def _row(job_id: str) -> str:
    return f"the row of job {job_id}"
