"""The work bucket: copies of photos, and accepted results as they came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutout.adapters.s3.objects import Objects, save
from cutout.domain.errors import CopyGoneError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Kept:
    """Kept results; a write or removal names the entity tag that it expects."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._objects = Objects(client, bucket)

    def current(self, key: str) -> str | None:
        """The entity tag of the current object."""
        head = self._objects.look(key)
        return None if head is None else str(head["ETag"])

    def put(self, key: str, file: Path, *, replacing: str | None) -> bool:
        """Keep the file if the current object is still `replacing`; False if it is not."""
        with file.open("rb") as body:
            return self._objects.put(key, body, replacing=replacing)

    def fetch(self, key: str, file: Path) -> bool:
        """Write what is kept into the file; False if there is nothing."""
        return self._objects.download(key, file)

    def remove(self, key: str, current: str) -> bool:
        """Remove the object if it is still that one; False if it is not."""
        return self._objects.remove(key, current)


class S3Copies:
    """Copies in S3; a lifecycle rule removes them after a day."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        """Store a copy; an earlier copy at the key is of the same photo and is replaced."""
        with file.open("rb") as body:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type
            )

    def read(self, key: str) -> bytes:
        """The bytes of a copy."""
        data: bytes = self._open(key).read()
        return data

    def fetch(self, key: str, file: Path) -> None:
        """Stream a copy into a file, however large it is."""
        save(self._open(key), file)

    def _open(self, key: str) -> Any:  # noqa: ANN401 - a streaming body
        answer = Objects(self._client, self._bucket).open(key)
        if answer is None:
            raise CopyGoneError(f"the copy {key} is gone")
        return answer["Body"]
