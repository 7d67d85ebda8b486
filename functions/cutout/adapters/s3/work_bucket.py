"""The work bucket: copies of photos, and accepted results as they came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutout.adapters.s3.objects import Objects, save
from cutout.domain.errors import CopyGoneError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Copies:
    """The work bucket in S3; lifecycle rules remove what is old."""

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

    def remove(self, key: str) -> None:
        """Remove a copy; S3 answers the same if there is none."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def _open(self, key: str) -> Any:  # noqa: ANN401 - a streaming body
        answer = Objects(self._client, self._bucket).open(key)
        if answer is None:
            raise CopyGoneError(f"the copy {key} is gone")
        return answer["Body"]
