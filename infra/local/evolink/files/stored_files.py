"""Uploaded files and where they are stored."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """One uploaded file.

    Attributes:
        id: The file id.
        name: File name in the store.
        original_name: File name at the sender.
        path: Folder in the store, without slashes at its ends.
        size: Bytes.
        mime_type: Type according to its bytes, whatever the sender declared.
        sha256: SHA-256 of the bytes.
        uploaded_at: When it was uploaded.
        expires_at: When it expires.
    """

    id: str
    name: str
    original_name: str
    path: str
    size: int
    mime_type: str
    sha256: str
    uploaded_at: datetime
    expires_at: datetime

    @property
    def location(self) -> str:
        """Its path under ``/files/``; one file per location."""
        return f"{self.path}/{self.name}"

    def to_json(self) -> str:
        """Return the text that ``from_json`` reads."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def from_json(cls, text: str) -> "StoredFile":
        """Read a stored file."""
        document = json.loads(text)
        for name in ("uploaded_at", "expires_at"):
            document[name] = datetime.fromisoformat(document[name])
        return cls(**document)


class FileStore:
    """All uploaded files that were not deleted, including expired ones."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, file: StoredFile) -> None:
        """Store the file; one with the same path and name is overwritten."""
        self._connection.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
            (file.id, file.location, file.to_json()),
        )

    def delete(self, file: StoredFile) -> None:
        """Delete the file."""
        self._connection.execute("DELETE FROM files WHERE id = ?", (file.id,))

    def find(self, file_id: str, now: datetime) -> StoredFile | None:
        """Return the file with this id if it has not expired."""
        return next((file for file in self.live(now) if file.id == file_id), None)

    def find_at(self, location: str, now: datetime) -> StoredFile | None:
        """Return the file at this location if it has not expired."""
        return next((file for file in self.live(now) if file.location == location), None)

    def live(self, now: datetime) -> Iterator[StoredFile]:
        """Return the files that have not expired, oldest first."""
        rows = self._connection.execute("SELECT document FROM files ORDER BY rowid")
        files = (StoredFile.from_json(row[0]) for row in rows.fetchall())
        return (file for file in files if file.expires_at > now)
