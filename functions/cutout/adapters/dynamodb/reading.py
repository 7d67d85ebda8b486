"""What an item of the jobs table says of a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cutout.adapters.dynamodb.table import Item
from cutout.errors import NewerRowError
from cutout.inventory import Brief
from cutout.job import Job
from cutout.rows import from_row
from cutout.states import Reason, State


def job_in(item: Item) -> Job:
    """The job.

    Raises:
        NewerRowError: it says what this version does not understand.
    """
    with _understood(item):
        return from_row(Job, item["job"])


def brief_in(item: Item) -> Brief:
    """How the job stands.

    Raises:
        NewerRowError: it says what this version does not understand.
    """
    told = item["job"]
    reason, result = told.get("reason"), told.get("result")
    with _understood(item):
        return Brief(
            job_id=told["id"],
            etag=told["source"]["etag"],
            state=State(told["state"]),
            reason=Reason(reason) if reason else None,
            result_key=result["key"] if result else None,
        )


@contextmanager
def _understood(item: Item) -> Iterator[None]:
    """Words of later versions: a state, a reason, an outcome that is not known here."""
    try:
        yield
    except ValueError as error:
        job_id = item["job"]["id"]
        raise NewerRowError(f"the row of job {job_id} is of a newer version: {error}") from error
