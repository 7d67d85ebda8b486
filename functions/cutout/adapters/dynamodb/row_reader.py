"""Reads jobs from items of the jobs table, unless only a newer version can read them."""

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
        NewerRowError: only a newer version can read it.
    """
    with understood(_row(item["pk"].removeprefix("job#"))):
        return from_row(Job, item["job"])


def brief_in(item: Item) -> JobSummary:
    """A summary of the job.

    Raises:
        NewerRowError: only a newer version can read it.
    """
    row = item["job"]
    reason, result = row.get("reason"), row.get("result")
    with understood(_row(row["id"])):
        return JobSummary(
            job_id=row["id"],
            etag=row["source"]["etag"],
            state=State(row["state"]),
            reason=Reason(reason) if reason else None,
            result_key=result["key"] if result else None,
        )


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Reads what may be unknown: states, reasons or fields of a newer version.

    Raises:
        NewerRowError: it holds such a value, or lacks a field.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise NewerRowError(f"{what} is of a newer version: {error}") from error


def _row(job_id: str) -> str:
    return f"the row of job {job_id}"
