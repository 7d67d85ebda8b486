"""A task as the stand-in keeps it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from infra.local.evolink.faults.fault import Rule


class Status(StrEnum):
    """The documented statuses; a fault has others."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


RUNNING = frozenset({Status.PENDING, Status.PROCESSING})


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task, from its create request to its end.

    Attributes:
        id: The task id.
        model: The model that was asked for.
        created: When the request was accepted.
        finish_at: When it ends, unless a fault delays it.
        image_url: The input.
        photo: The path of the input's URL, decoded, which identifies the photo.
        callback_url: Where its end is reported, if anywhere.
        credits_reserved: Credits taken from the balance at creation.
        status: One of ``Status``, or anything at all under the fault ``unknown-status``.
        finished_at: When it ended.
        credits_used: Credits charged at the end.
        error_code: Code of a failure.
        error_message: Message of a failure.
        input_sha256: SHA-256 of the fetched bytes.
        result_name: Path of the result under ``/results/``; its stem is the task's id.
        result_sha256: SHA-256 of the result's bytes.
        task_rule: The rule that decides how it ends.
        callback_rule: The rule for its callback.
        is_callback_done: Whether the callback was delivered or given up.
    """

    id: str
    model: str
    created: datetime
    finish_at: datetime
    image_url: str
    photo: str
    callback_url: str | None
    credits_reserved: float
    status: str = Status.PENDING
    finished_at: datetime | None = None
    credits_used: float = 0.0
    error_code: str | None = None
    error_message: str = ""
    input_sha256: str | None = None
    result_name: str | None = None
    result_sha256: str | None = None
    task_rule: Rule | None = None
    callback_rule: Rule | None = None
    is_callback_done: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the task has not ended yet."""
        return self.status in RUNNING

    @property
    def is_unfinished(self) -> bool:
        """Whether the stand-in still has work to do for it."""
        return self.is_running or not self.is_callback_done
