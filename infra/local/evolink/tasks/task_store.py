"""Tasks: what the stand-in knows of each, and the book that keeps them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from infra.local.evolink.database import at_once
from infra.local.evolink.faults.fault_rules import Rule, parse_rule
from infra.local.evolink.faults.fault_table import Fault


class Status(StrEnum):
    """The documented statuses, and the two spellings clients know of a cancelled task."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CANCELED = "canceled"


RUNNING = frozenset({Status.PENDING, Status.PROCESSING})


@dataclass(frozen=True, kw_only=True)
class Task:
    """One order and what became of it.

    Attributes:
        id: The task id.
        model: The model that was asked for.
        created: When the order was accepted.
        finish_at: When it is to end.
        image_url: The input.
        photo: The path of the input's URL, decoded: what tells photos apart.
        callback_url: Where the end is told, if anywhere.
        credits_reserved: Credits taken from the balance at creation.
        status: One of ``Status``, or anything at all under the fault ``unknown-status``.
        finished_at: When it ended.
        credits_used: Credits charged in the end.
        error_code: Code of a failure.
        error_message: Message of a failure.
        input_sha256: SHA-256 of the bytes that were fetched.
        result_name: Path of the result under ``/results/``.
        result_sha256: SHA-256 of the result's bytes.
        outcome: The fault that decides how it ends.
        telling: The fault of its callback.
        told: Whether the callback was seen to, delivered or given up.
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
    outcome: Rule | None = None
    telling: Rule | None = None
    told: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the task has not ended yet."""
        return self.status in RUNNING

    @property
    def is_unfinished(self) -> bool:
        """Whether the stand-in still has something to do for it."""
        return self.is_running or not self.told

    def ends_by(self, *faults: Fault) -> bool:
        """Say whether its end is decided by one of these faults."""
        return self.outcome is not None and self.outcome.kind in faults

    def to_json(self) -> str:
        """Return what ``from_json`` takes."""
        return json.dumps({field.name: _plain(getattr(self, field.name)) for field in fields(self)})

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Read a task that was kept."""
        document = json.loads(text)
        for name in ("created", "finish_at", "finished_at"):
            document[name] = document[name] and datetime.fromisoformat(document[name])
        for name in ("outcome", "telling"):
            document[name] = document[name] and parse_rule(document[name])
        return cls(**document)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.to_json() if isinstance(value, Rule) else value


class TaskBook:
    """All tasks, and which idempotency key stands for which."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def at_once(self) -> AbstractContextManager[None]:
        """Make several writes one."""
        return at_once(self._connection)

    def save(self, task: Task) -> None:
        """Keep the task as it is now."""
        self._connection.execute(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?)",
            (task.id, task.is_running, task.result_name, task.to_json()),
        )

    def find(self, task_id: str) -> Task | None:
        """Return the task of that id."""
        return next(self._select("WHERE id = ?", task_id), None)

    def find_result(self, name: str) -> Task | None:
        """Return the task whose result has that name."""
        return next(self._select("WHERE result_name = ?", name), None)

    def every(self) -> Iterator[Task]:
        """Return all tasks in the order of their creation."""
        return self._select("ORDER BY rowid")

    def running(self) -> int:
        """Count the tasks that have not ended."""
        row = self._connection.execute("SELECT count(*) FROM tasks WHERE running").fetchone()
        return int(row[0])

    def remember(self, api_key: str, key: str, digest: str, task_id: str) -> None:
        """Note that the idempotency key stands for this body and task."""
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
        # Clauses are this module's own literals; values are bound.
        rows = self._connection.execute(f"SELECT document FROM tasks {clause}", values)  # noqa: S608
        return (Task.from_json(row[0]) for row in rows.fetchall())
