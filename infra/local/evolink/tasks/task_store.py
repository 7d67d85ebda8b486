"""Tasks and where they are stored."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from infra.local.evolink.database import transaction
from infra.local.evolink.faults.fault_rules import parse_rule
from infra.local.evolink.faults.rule import Rule


class Status(StrEnum):
    """The documented statuses, and both spellings of cancelled that clients have seen."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CANCELED = "canceled"


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
        result_name: Path of the result under ``/results/``.
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

    def to_json(self) -> str:
        """Return the text that ``from_json`` reads."""
        return json.dumps({field.name: _plain(getattr(self, field.name)) for field in fields(self)})

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Read a stored task."""
        document = json.loads(text)
        for name in ("created", "finish_at", "finished_at"):
            document[name] = document[name] and datetime.fromisoformat(document[name])
        for name in ("task_rule", "callback_rule"):
            document[name] = document[name] and parse_rule(document[name])
        return cls(**document)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.to_json() if isinstance(value, Rule) else value


class TaskStore:
    """All tasks, and the idempotency keys that they were created with."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def transaction(self) -> AbstractContextManager[None]:
        """Make several writes atomic."""
        return transaction(self._connection)

    def save(self, task: Task) -> None:
        """Store the task as it is now."""
        self._connection.execute(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?)",
            (task.id, task.is_running, task.result_name, task.to_json()),
        )

    def find(self, task_id: str) -> Task | None:
        """Return the task with this id."""
        return next(self._select("WHERE id = ?", task_id), None)

    def find_result(self, name: str) -> Task | None:
        """Return the task whose result has this name."""
        return next(self._select("WHERE result_name = ?", name), None)

    def every(self) -> Iterator[Task]:
        """Return all tasks in the order of their creation."""
        return self._select("ORDER BY rowid")

    def running(self) -> int:
        """Count the tasks that have not ended."""
        row = self._connection.execute("SELECT count(*) FROM tasks WHERE running").fetchone()
        return int(row[0])

    def remember(self, api_key: str, key: str, digest: str, task_id: str) -> None:
        """Record the body's digest and the task id of an idempotency key."""
        self._connection.execute(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?)", (api_key, key, digest, task_id)
        )

    def recall(self, api_key: str, key: str) -> tuple[str, str] | None:
        """Return the body's digest and the task id of an idempotency key."""
        row = self._connection.execute(
            "SELECT digest, task FROM idempotency WHERE api_key = ? AND key = ?", (api_key, key)
        ).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))

    def _select(self, clause: str, *values: str) -> Iterator[Task]:
        # The clauses are literals of this module; values are bound.
        rows = self._connection.execute(f"SELECT document FROM tasks {clause}", values)  # noqa: S608
        return (Task.from_json(row[0]) for row in rows.fetchall())
