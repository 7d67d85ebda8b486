"""The clock, log lines, metrics, and completion events."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cutout.domain.job.job import Job
    from cutout.domain.metrics import Metric


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time, aware, UTC."""


class Telemetry(Protocol):
    """Log lines and metrics."""

    def log(self, message: str, /, **fields: object) -> None:
        """One log line: a constant message and its fields; never a URL, a token or a body."""

    def about(self, **fields: object) -> AbstractContextManager[None]:
        """Add these fields to every log line within the block."""

    def failed(self, message: str, /, **fields: object) -> None:
        """Log the exception that is being handled as an error, with its traceback."""

    def metric(self, metric: Metric, value: float = 1) -> None:
        """Add to a metric."""


class Announcements(Protocol):
    """The event bus."""

    def announce(self, job: Job) -> None:
        """Send a settled job's completion event, at least once; receivers dedupe by job id."""
