"""Accepted results as they came, in the work bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cutout.adapters.s3.objects import Objects

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
