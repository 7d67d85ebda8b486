"""Lists a whole bucket for operators' commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cutout.adapters.s3.objects import Objects
from cutout.domain.object_keys import MADE_BY, SOURCE_ORDER, SOURCE_VERSION
from cutout.ports.listings import ListedObject, Provenance

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Listing:
    """One bucket, listed with its versions, at most 1000 a page: a plain listing names none."""

    def __init__(self, client: S3Client, bucket: str, *, page_size: int = 1000) -> None:
        self._client = client
        self._objects = Objects(client, bucket)
        self.bucket = bucket
        self._page_size = page_size

    def pages(self, prefix: str) -> Iterator[list[ListedObject]]:
        """The newest version of every existing key, in the order of keys, one request a page."""
        # Old versions are listed too, so a bucket with many of them takes more requests.
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix, PaginationConfig={"PageSize": self._page_size}
        )
        for page in pages:
            # The newest of a deleted key is a delete marker, which is not among the versions.
            newest = (one for one in page.get("Versions", []) if one["IsLatest"])
            yield [_listed(one["Key"], one, one["Size"]) for one in newest]

    def newest(self, key: str) -> ListedObject | None:
        """The newest version of one key; None if there is none or the key is deleted."""
        head = self._objects.look(key)
        return None if head is None else _listed(key, head, head["ContentLength"])

    def provenance(self, key: str) -> Provenance | None:
        """What a cut-out was made from; None for what is not there, or not ours."""
        metadata = (self._objects.look(key) or {}).get("Metadata", {})
        if MADE_BY not in metadata:
            return None
        return Provenance(
            job_id=metadata[MADE_BY],
            version=metadata.get(SOURCE_VERSION, ""),
            order=metadata.get(SOURCE_ORDER, ""),
        )


def _listed(key: str, answer: Any, size: int) -> ListedObject:  # noqa: ANN401 - the SDK's answer
    version = answer.get("VersionId")
    return ListedObject(
        key=key,
        # Objects from before versions were kept have the version `null`.
        version_id=None if version == "null" else version,
        etag=answer["ETag"].strip('"'),
        size=size,
        modified_at=answer["LastModified"],
    )
