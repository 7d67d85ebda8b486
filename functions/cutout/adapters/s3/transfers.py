"""Copies from one bucket to another: the bytes do not pass through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.adapters.s3.objects import GONE, LOST, code
from cutout.inventory import Listed
from cutout.keys import MADE_BY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEPT_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
)
_MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together."""


class S3Transfers:
    """Copies inside S3: the bytes do not pass through here.

    Args:
        client: with credentials that may read the one bucket and write the other.
        source_bucket: where objects are copied from.
        bucket: where to.
    """

    def __init__(self, client: S3Client, source_bucket: str, bucket: str) -> None:
        self._client = client
        self._source_bucket = source_bucket
        self._bucket = bucket

    def copy(self, listed: Listed, key: str, marks: Mapping[str, str]) -> bool | None:
        """Copy with metadata and tags, and these marks besides.

        Returns False, having done nothing, if the source changed or something stands at the key by
        now; None, having done nothing, for a cut-out of ours.
        """
        source: Any = {"Bucket": self._source_bucket, "Key": listed.key}
        if listed.version_id:
            source["VersionId"] = listed.version_id
        try:
            head: Any = self._client.head_object(**source)
            if MADE_BY in head.get("Metadata", {}):
                return None
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource=source,
                CopySourceIfMatch=f'"{listed.etag}"',
                IfNoneMatch="*",
                MetadataDirective="REPLACE",
                Metadata=_marked(head.get("Metadata", {}), marks),
                TaggingDirective="COPY",
                **{name: head[name] for name in _KEPT_HEADERS if name in head},
            )
        except ClientError as exc:
            if code(exc) in LOST | GONE:
                return False
            raise
        return True


def _marked(own: Mapping[str, str], marks: Mapping[str, str]) -> dict[str, str]:
    """The owner's metadata comes first: marks are left out where there is no room for them."""
    both = {**own, **marks}
    weight = sum(len(name.encode()) + len(value.encode()) for name, value in both.items())
    return both if weight <= _MAX_METADATA_BYTES else dict(own)
