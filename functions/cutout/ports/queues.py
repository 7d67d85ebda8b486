"""What one function asks of another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from cutout.domain.messages import Removal, RenderRequest, TaskCheck
from cutout.domain.preparation import PrepareReport, PrepareRequest


class Removals(Protocol):
    """Has StoreResult remove what was made of a source."""

    def remove(self, removal: Removal) -> None:
        """Have it done, sooner or later, at least once."""
        ...


class SubmissionQueue(Protocol):
    """The queue that Submit reads."""

    def enqueue(self, job_ids: Sequence[str], *, delay: timedelta = timedelta(0)) -> None:
        """Have Submit look at these jobs."""
        ...


class PreparationQueue(Protocol):
    """The queue that Prepare reads."""

    def prepare(self, request: PrepareRequest) -> None:
        """Have Prepare make copies of a photo."""
        ...


class ReportQueue(Protocol):
    """The queue that Submit reads, for Prepare."""

    def report(self, report: PrepareReport) -> None:
        """Tell Submit what was found and made."""
        ...


class CallbackQueue(Protocol):
    """The queue that StoreResult reads."""

    def enqueue(self, checks: Sequence[TaskCheck]) -> None:
        """Have StoreResult look at these tasks."""
        ...


class RenderQueue(Protocol):
    """The same queue, for whoever wants variants."""

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        """Have StoreResult make these."""
        ...


class CallbacksQueue(CallbackQueue, RenderQueue, Removals, Protocol):
    """The queue that StoreResult reads, for every kind of message."""
