"""What one function asks of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cutout.preparation import PrepareReport, PrepareRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Wake:
    """A request to look at a job's task.

    Attributes:
        task_id: a hint from a callback's body; believed only once the API confirms it.
        is_taken: the attempt's call was taken for certain: an authentic callback, or its answer,
            says so. Messages of earlier versions do not say.
        is_poll: Sweep asks because no callback came in time.
    """

    job_id: str
    attempt: int
    task_id: str | None = None
    is_poll: bool = False
    is_taken: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderRequest:
    """A person's wish to have variants of a completed job made again.

    Attributes:
        recipes: the names of the recipes.
        tries: how often it was put off, because a copy of the photo was yet to be made.
    """

    job_id: str
    recipes: tuple[str, ...]
    tries: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Removal:
    """A source was deleted, and what was made of it is to go.

    Attributes:
        order: of the deletion; what is made of later uploads stays.
        job_id: the job of the one version that is gone for good; None if the key is gone.
    """

    bucket: str
    key: str
    order: str
    job_id: str | None = None


class Removals(Protocol):
    """Has StoreResult remove what was made of a source."""

    def remove(self, removal: Removal) -> None:
        """Have it done, sooner or later, at least once."""
        ...


class SubmissionQueue(Protocol):
    """The queue that Submit reads."""

    def wake(self, job_ids: Sequence[str], *, delay: timedelta = timedelta(0)) -> None:
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

    def wake(self, wakes: Sequence[Wake]) -> None:
        """Have StoreResult look at these tasks."""
        ...


class RenderQueue(Protocol):
    """The same queue, for whoever wants variants."""

    def render(self, requests: Sequence[RenderRequest], *, delay: timedelta = timedelta(0)) -> None:
        """Have StoreResult make these."""
        ...
