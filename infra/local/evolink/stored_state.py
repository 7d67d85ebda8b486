"""What the stand-in remembers: in memory, and also in a file if a new process is to continue."""

import pickle
import sqlite3
from collections import UserDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ValueT = TypeVar("ValueT")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    name TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (name, key)
)
"""
_PUT = "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class StoredState:
    """Named tables, each with its contents of the last run; without a file, in memory only."""

    def __init__(self, path: Path | None) -> None:
        # Without a file it is an empty database: nothing is written twice into memory.
        self.is_kept = path is not None
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        # The file survives a killed process but not a power failure: no write waits for the disk.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_SCHEMA)

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Run a statement."""
        return self._connection.execute(statement, values)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Make several writes one, so that a killed process has done all of them or none."""
        with self._connection:
            self.execute("BEGIN")
            yield

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class StoredDict(UserDict[str, ValueT]):
    """A dictionary whose writes are stored, in the order in which keys were first written."""

    def __init__(self, state: StoredState, name: str) -> None:
        self._state, self._name = state, name
        rows = state.execute("SELECT key, value FROM state WHERE name = ? ORDER BY rowid", name)
        # Only this module writes the file, and only its own process reads it again.
        super().__init__()
        self.data = {key: pickle.loads(value) for key, value in rows}  # noqa: S301

    def __setitem__(self, key: str, value: ValueT) -> None:
        super().__setitem__(key, value)
        if self._state.is_kept:
            self._state.execute(_PUT, self._name, key, pickle.dumps(value))

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._state.execute("DELETE FROM state WHERE name = ? AND key = ?", self._name, key)
