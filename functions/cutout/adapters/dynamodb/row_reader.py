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
    job_id = item["pk"].removeprefix("job#")
    with understood(f"the row of job {job_id}"):
        return from_row(Job, _whole(job_id, item))


def brief_in(item: Item) -> JobSummary:
    """A summary of the job.

    Raises:
        NewerRowError: only a newer version can read it.
    """
    job_id = item["pk"].removeprefix("job#")
    row = _whole(job_id, item)
    reason, result = row.get("reason"), row.get("result")
    with understood(f"the row of job {job_id}"):
        return JobSummary(
            job_id=job_id,
            etag=row["source"]["etag"],
            state=State(row["state"]),
            reason=Reason(reason) if reason else None,
            result_key=result["key"] if result else None,
        )


def _whole(job_id: str, item: Item) -> Item:
    """The job's row with what is stored beside it; earlier versions stored it whole, as `job`."""
    # When Sweep looks at the job, in microseconds.
    look_at = {"look_at": int(item["due_at"]) * 1000} if "due_at" in item else {}
    if "row" not in item:
        return {**item["job"], **look_at}
    beside = {"id": job_id, "version": item.get("version", 0), "state": item["phase"]}
    return {**item["row"], **beside, **look_at}


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
