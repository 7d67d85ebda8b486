"""Single objects: read, streamed, and written or removed on condition of their entity tag."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "405"})
"""405: the version is a delete marker."""
LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""A condition failed."""
# What a condition on an entity tag is answered with if there is no object.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_PRECONDITIONS_ON_ABSENT = frozenset({"NoSuchKey", "404"})
_CHUNK_BYTES = 1 << 20


class Objects:
    """The objects of one bucket.

    Answers are the SDK's own. Entity tags include their quotation marks, as S3 returns them.
    """

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def look(self, key: str) -> Any:  # noqa: ANN401 - HeadObject's answer
        """The answer to HEAD; None if there is no object."""
        return self._found(self._client.head_object, key)

    def open(self, key: str, **version: str) -> Any:  # noqa: ANN401 - GetObject's answer
        """The object, with its body as a stream; None if there is none."""
        return self._found(self._client.get_object, key, **version)

    def tags(self, key: str) -> Any:  # noqa: ANN401 - GetObjectTagging's answer
        """The object's tags; None if there is no such object."""
        return self._found(self._client.get_object_tagging, key)

    def _found(self, read: Callable[..., Any], key: str, **version: str) -> Any:  # noqa: ANN401 - the SDK's
        try:
            return read(Bucket=self._bucket, Key=key, **version)
        except ClientError as exc:
            if code(exc) in GONE:
                return None
            raise

    def put(self, key: str, body: Any, *, replacing: str | None, **more: Any) -> bool:  # noqa: ANN401 - PutObject's keywords
        """Write it if the stored entity tag is `replacing` (None: no object); whether it was."""
        condition: Any = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition, **more)
        except ClientError as exc:
            return _lost(exc, replacing)
        return True

    def remove(self, key: str, current: str) -> bool:
        """Remove the object if its entity tag is still `current`; False if it is not."""
        try:
            self._client.delete_object(Bucket=self._bucket, Key=key, IfMatch=current)
        except ClientError as exc:
            return _lost(exc, current)
        return True


def save(body: Any, file: Path) -> None:  # noqa: ANN401 - a streaming body
    """Write a body into a file, however large it is."""
    with file.open("wb") as sink:
        shutil.copyfileobj(body, sink, _CHUNK_BYTES)


def code(exc: ClientError) -> str:
    """S3's error code."""
    return str(exc.response["Error"]["Code"])


def _lost(exc: ClientError, replacing: str | None) -> bool:
    """False, as a request's condition failed; any other error is raised again."""
    if code(exc) in LOST | (_PRECONDITIONS_ON_ABSENT if replacing else frozenset()):
        return False
    raise exc
