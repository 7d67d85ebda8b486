"""The queues between the functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cutout.domain.messages.preparation import PrepareReport, PrepareRequest
    from cutout.domain.messages.queue_messages import Removal, RenderRequest, TaskCheck


class RemovalQueue(Protocol):
    """The callbacks queue, for removals."""

    def remove(self, removal: Removal) -> None:
        """Enqueue a removal of a deleted source's results for StoreResult."""


class SubmissionQueue(Protocol):
    """The submissions queue."""

    def enqueue(self, job_ids: Sequence[str]) -> None:
        """Enqueue these jobs for Submit; without any, no request is made."""


class PreparationQueue(Protocol):
    """The preparations queue."""

    def prepare(self, request: PrepareRequest) -> None:
        """Enqueue a request for copies of a photo for Prepare."""


class ReportQueue(Protocol):
    """The submissions queue, for Prepare's reports."""

    def report(self, report: PrepareReport) -> None:
        """Send a report to Submit."""


class TaskCheckQueue(Protocol):
    """The callbacks queue, for checks of tasks."""

    def enqueue(self, checks: Sequence[TaskCheck]) -> None:
        """Enqueue checks of these tasks for StoreResult; without any, no request is made."""


class RenderRequestQueue(Protocol):
    """The callbacks queue, for requests for variants."""

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        """Enqueue these requests for StoreResult."""


class CallbacksQueue(TaskCheckQueue, RenderRequestQueue, RemovalQueue, Protocol):
    """The queue that StoreResult reads, for every kind of message."""
