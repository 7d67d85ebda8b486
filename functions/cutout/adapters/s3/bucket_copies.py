"""Copies from one bucket to another: the bytes do not pass through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.adapters.s3.object_metadata import MAX_METADATA_BYTES
from cutout.adapters.s3.objects import GONE, LOST, code
from cutout.domain.errors import ObjectRefusedError
from cutout.domain.object_keys import MADE_BY
from cutout.ports.listings import ListedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEPT_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
)
# Refusals of the caller, the bucket or the pace: no other object would be copied either.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_CONCERNS_EVERY_OBJECT = frozenset(
    {
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "NoSuchBucket",
        "PermanentRedirect",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "SlowDown",
        "TokenRefreshRequired",
    }
)
_SERVERS_FAULT = 500


class S3Transfers:
    """Copies from the source bucket to the bucket, inside S3: no bytes pass through here."""

    def __init__(self, client: S3Client, source_bucket: str, bucket: str) -> None:
        self._client = client
        self._source_bucket = source_bucket
        self._bucket = bucket

    def copy(self, listed: ListedObject, key: str, marks: Mapping[str, str]) -> bool | None:
        """Copy an object with its metadata and tags, and add these marks; True if it was copied.

        False: the source changed or the key is taken. None: it is a cut-out of ours.

        Raises:
            ObjectRefusedError: this object is archived, encrypted or forbidden.
        """
        source: Any = {"Bucket": self._source_bucket, "Key": listed.key}
        if listed.version_id:
            source["VersionId"] = listed.version_id
        try:
            # Not HEAD: its answers have no body, which names the reason of a refusal.
            head: Any = self._client.get_object(**source, Range="bytes=0-0")
            head["Body"].close()
            if MADE_BY in head.get("Metadata", {}):
                return None
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource=source,
                # The version that was listed, and nothing that is there is overwritten.
                CopySourceIfMatch=f'"{listed.etag}"',
                IfNoneMatch="*",
                # S3 keeps all metadata or replaces all of it, these headers included.
                MetadataDirective="REPLACE",
                Metadata=_marked(head.get("Metadata", {}), marks),
                TaggingDirective="COPY",
                **{name: head[name] for name in _KEPT_HEADERS if name in head},
            )
        except ClientError as exc:
            if code(exc) in LOST | GONE:
                return False
            if _concerns_every_object(exc):
                raise
            raise ObjectRefusedError(str(exc)) from exc
        return True


def _concerns_every_object(refused: ClientError) -> bool:
    status = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code(refused) in _CONCERNS_EVERY_OBJECT or status >= _SERVERS_FAULT


def _marked(own: Mapping[str, str], marks: Mapping[str, str]) -> dict[str, str]:
    """The owner's metadata and the marks; marks for which there is no room are left out."""
    both = {**own, **marks}
    weight = sum(len(name.encode()) + len(value.encode()) for name, value in both.items())
    return both if weight <= MAX_METADATA_BYTES else dict(own)
