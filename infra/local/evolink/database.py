"""The stand-in's state: one SQLite database, in memory or in a file."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    id TEXT PRIMARY KEY, running INTEGER NOT NULL, result_name TEXT, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tasks_by_result ON tasks (result_name);
CREATE TABLE IF NOT EXISTS idempotency (
    api_key TEXT, key TEXT, digest TEXT NOT NULL, task TEXT NOT NULL, PRIMARY KEY (api_key, key)
);
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, photo TEXT NOT NULL, document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, value REAL NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    id TEXT PRIMARY KEY, location TEXT UNIQUE NOT NULL, document TEXT NOT NULL
);
"""


def open_state(path: Path | None) -> sqlite3.Connection:
    """Open the database; without a path it is in memory and ends with the process."""
    connection = sqlite3.connect(
        ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
    )
    # The file survives a killed process but not a power failure: no write waits for the disk.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(_SCHEMA)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Make several writes atomic, so that a killed process has done all of them or none."""
    connection.execute("BEGIN")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


class Blobs:
    """Pictures by the SHA-256 of their bytes, so that equal ones are stored once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def put(self, content: bytes) -> str:
        """Store the bytes and return their SHA-256."""
        digest = hashlib.sha256(content).hexdigest()
        self._connection.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (digest, content))
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes with this SHA-256.

        Raises:
            KeyError: No such bytes are stored.
        """
        row = self._connection.execute(
            "SELECT content FROM blobs WHERE sha256 = ?", (digest,)
        ).fetchone()
        if row is None:
            raise KeyError(digest)
        return bytes(row[0])
