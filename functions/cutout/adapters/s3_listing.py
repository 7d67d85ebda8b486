"""Whole buckets in S3: what an operator's commands list and copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.inventory import Listed, Provenance
from cutout.keys import MADE_BY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"NoSuchKey", "404", "NotFound", "MethodNotAllowed", "405"})
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_KEPT_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
)
_MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together."""


class S3Objects:
    """One bucket, listed with its versions: a plain listing does not name them.

    Args:
        client: with credentials that may list it.
        bucket: its name.
        page_size: how many versions a request asks for; S3 gives 1000 at most.
    """

    def __init__(self, client: S3Client, bucket: str, *, page_size: int = 1000) -> None:
        self._client = client
        self._bucket = bucket
        self._page_size = page_size

    @property
    def bucket(self) -> str:
        """Its name."""
        return self._bucket

    def pages(self, prefix: str) -> Iterator[list[Listed]]:
        """The newest version of every key that stands, by key, a request a page.

        A bucket that keeps many old versions takes more requests: they are listed, too.
        """
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": self._page_size}
        )
        for page in pages:
            yield [_listed(one) for one in page.get("Versions", []) if one["IsLatest"]]

    def newest(self, key: str) -> Listed | None:
        """The newest version of one key; None if there is none or the key is deleted."""
        head = self._head(key)
        if head is None:
            return None
        return Listed(
            key=key,
            version_id=_version(head.get("VersionId")),
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
            modified_at=head["LastModified"],
        )

    def provenance(self, key: str) -> Provenance | None:
        """What a cut-out was made from; None for what is not there, or not ours."""
        metadata = (self._head(key) or {}).get("Metadata", {})
        if MADE_BY not in metadata:
            return None
        return Provenance(
            version=metadata.get("cutout-source-version", ""),
            order=metadata.get("cutout-source-order", ""),
        )

    def _head(self, key: str) -> Any:  # noqa: ANN401 - the SDK's answer
        try:
            return self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if _code(exc) in _ABSENT:
                return None
            raise


class S3Copies:
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
            if _code(exc) in _LOST | _ABSENT:
                return False
            raise
        return True


def _marked(own: Mapping[str, str], marks: Mapping[str, str]) -> dict[str, str]:
    """The owner's metadata comes first: marks are left out where there is no room for them."""
    both = {**own, **marks}
    weight = sum(len(name.encode()) + len(value.encode()) for name, value in both.items())
    return both if weight <= _MAX_METADATA_BYTES else dict(own)


def _listed(version: Any) -> Listed:  # noqa: ANN401 - the SDK's answer
    return Listed(
        key=version["Key"],
        version_id=_version(version["VersionId"]),
        etag=version["ETag"].strip('"'),
        size=version["Size"],
        modified_at=version["LastModified"],
    )


def _version(text: str | None) -> str | None:
    """Objects from before versions were kept have the version `null`."""
    return None if text in {None, "null"} else text


def _code(exc: ClientError) -> str:
    return str(exc.response["Error"]["Code"])
