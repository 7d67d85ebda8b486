"""Files that were uploaded, and the book that keeps them."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One uploaded file.

    Attributes:
        id: The file id.
        name: File name in the store.
        original_name: File name as it came.
        path: Folder in the store, without slashes at its ends.
        size: Bytes.
        mime_type: Found in the bytes, not believed.
        sha256: SHA-256 of the bytes.
        uploaded_at: When it came.
        expires_at: When it goes.
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
        """Where it is served under ``/files/``; one file a location."""
        return f"{self.path}/{self.name}"

    def to_json(self) -> str:
        """Return what ``from_json`` takes."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def from_json(cls, text: str) -> "Upload":
        """Read a file that was kept."""
        document = json.loads(text)
        for name in ("uploaded_at", "expires_at"):
            document[name] = datetime.fromisoformat(document[name])
        return cls(**document)


class UploadBook:
    """All uploaded files that were not deleted, expired ones included."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, upload: Upload) -> None:
        """Keep the file; one of the same path and name is overwritten."""
        self._connection.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
            (upload.id, upload.location, upload.to_json()),
        )

    def delete(self, upload: Upload) -> None:
        """Forget the file."""
        self._connection.execute("DELETE FROM files WHERE id = ?", (upload.id,))

    def find(self, file_id: str, now: datetime) -> Upload | None:
        """Return the file of that id if it has not expired."""
        return next((it for it in self.live(now) if it.id == file_id), None)

    def find_at(self, location: str, now: datetime) -> Upload | None:
        """Return the file of that path and name if it has not expired."""
        return next((it for it in self.live(now) if it.location == location), None)

    def live(self, now: datetime) -> Iterator[Upload]:
        """Return the files that have not expired, oldest first."""
        rows = self._connection.execute("SELECT document FROM files ORDER BY rowid")
        uploads = (Upload.from_json(row[0]) for row in rows.fetchall())
        return (upload for upload in uploads if upload.expires_at > now)
