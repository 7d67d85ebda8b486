"""The bucket that photos land in."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.adapters.s3.object_metadata import labels_of, metadata_of
from cutout.adapters.s3.objects import GONE, LOST, Objects, code, save
from cutout.domain.errors import NotAPhotoError, SourceDeniedError, SourceGoneError
from cutout.domain.job.source import Source
from cutout.domain.object_keys import MAX_TAGS
from cutout.domain.reasons import Reason
from cutout.ports.buckets import FetchedUpload, Labels, Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Uploads:
    """Uploads, each read by its version."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def read(self, source: Source) -> Upload:
        """The bytes of this version, in one request."""
        try:
            answer = self._client.get_object(**_address(source))
            body = answer["Body"].read()
        except ClientError as exc:
            raise _source_error(exc) from exc
        return Upload(data=body, metadata=metadata_of(answer))

    def fetch(self, source: Source, file: Path) -> FetchedUpload:
        """Stream this version into a file, however large it is."""
        try:
            answer = self._client.get_object(**_address(source))
        except ClientError as exc:
            raise _source_error(exc) from exc
        save(answer["Body"], file)
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return FetchedUpload(metadata=metadata_of(answer), sha256=digest)

    def labels(self, source: Source) -> Labels:
        """User metadata, tags and handling of this version; tags that we may not read are left out.

        Most photos have no tags, which the answer to a read says, so one request is enough.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_ResponseSyntax
        """
        try:
            return self._labels(source, self._look(_address(source)))
        except ClientError as exc:
            raise _source_error(exc) from exc

    def labels_if_newest(self, source: Source) -> Labels | None:
        """The labels of this version, if a read of the key gives this version.

        S3 is strongly consistent: then there is no newer upload, and no delete marker. Without
        versions, the same bytes may have been uploaded again.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
        """
        if source.version_id is None:
            return None
        try:
            answer = self._look({"Bucket": source.bucket, "Key": source.key})
            is_newest = answer.get("VersionId") == source.version_id
            return self._labels(source, answer) if is_newest else None
        except ClientError as exc:
            _require_not_shown(exc)
        return None

    def version_shown(self, bucket: str, key: str) -> str | None:
        """The id of the version that a read of the key gives; None if it gives none."""
        try:
            version: str | None = self._look({"Bucket": bucket, "Key": key}).get("VersionId")
        except ClientError as exc:
            if code(exc) == _OWNERS_KEY:
                raise SourceDeniedError(_HELD_BACK[_OWNERS_KEY]) from exc
            _require_not_shown(exc)
            return None
        return version

    def _look(self, address: Any) -> Any:  # noqa: ANN401 - GetObject's parameters and answer
        """The answer to a read of one byte; for an archived or empty object, to a HEAD."""
        # Not always a HEAD: it answers 404 without a body for a missing bucket and for a missing
        # object alike. A GET names NoSuchBucket, which is no reason to end the job.
        try:
            answer: Any = self._client.get_object(**address, Range="bytes=0-0")
        except ClientError as exc:
            if code(exc) not in _WITHOUT_A_BYTE:
                raise
            # Whether it has tags is read with them.
            return {**self._client.head_object(**address), "TagCount": 1}
        answer["Body"].close()
        return answer

    def _labels(self, source: Source, answer: Any) -> Labels:  # noqa: ANN401 - of `_look`
        return labels_of(answer, self._tags(source) if answer.get("TagCount") else ())

    def is_current(self, source: Source) -> bool:
        """Whether a read of the key gives this version."""
        head = Objects(self._client, source.bucket).look(source.key)
        if head is None:
            return False
        if source.version_id is not None:
            return bool(head.get("VersionId") == source.version_id)
        return bool(head["ETag"].strip('"') == source.etag)

    def tag(self, source: Source, name: str, value: str) -> bool:
        """Set one tag of this version and leave the others; False if it has too many already."""
        # S3 replaces all tags at once, without a condition: of two concurrent writers, one may
        # lose. In a bucket without versions, only an upload between the reading of the tags and the
        # write gets the tags of the upload before it.
        try:
            current = self._tags(source)
            tags = [tag for tag in current if tag["Key"] != name]
            if len(tags) >= MAX_TAGS:
                return False
            wanted: Any = [*tags, {"Key": name, "Value": value}]
            if {"Key": name, "Value": value} not in current:
                self._client.put_object_tagging(**_place(source), Tagging={"TagSet": wanted})
        except ClientError as exc:
            raise _source_error(exc) from exc
        return True

    def _tags(self, source: Source) -> Any:  # noqa: ANN401 - the SDK's tags
        tags = self._client.get_object_tagging(**_place(source))["TagSet"]
        if source.version_id is None:
            # S3 has no conditional read of tags. They belong to this upload if the object is
            # unchanged after they were read.
            self._client.head_object(**_address(source))
        return tags


def _place(source: Source) -> Any:  # noqa: ANN401 - the SDK's keyword arguments
    place = {"Bucket": source.bucket, "Key": source.key}
    return place | ({"VersionId": source.version_id} if source.version_id else {})


def _address(source: Source) -> Any:  # noqa: ANN401 - the SDK's keyword arguments
    if source.version_id:
        return _place(source)
    # Events name the entity tag without the quotation marks that are part of it (RFC 9110, 8.8.3).
    return _place(source) | {"IfMatch": f'"{source.etag}"'}


def _source_error(exc: ClientError) -> Exception:
    if code(exc) in GONE | LOST:
        return SourceGoneError(code(exc))
    if code(exc) in _DENIED:
        return SourceDeniedError(f"S3 answers {code(exc)}: a policy or a KMS key is in the way")
    why = _HELD_BACK.get(code(exc))
    return exc if why is None else NotAPhotoError(Reason.UNREADABLE, why)


def _require_not_shown(exc: ClientError) -> None:
    """Raise the error, unless it proves that the key shows none of the photos that were read."""
    if code(exc) not in GONE | {_OWNERS_KEY}:
        raise _source_error(exc) from exc


_ARCHIVED = "InvalidObjectState"
_OWNERS_KEY = "InvalidRequest"
_WITHOUT_A_BYTE = frozenset({_ARCHIVED, "InvalidRange", "416"})
"""An archived object, and an empty one."""
# A HEAD has the status only. S3 passes on the codes of KMS, with the prefix `KMS.`.
_DENIED = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "KMS.DisabledException",
        "KMS.InvalidStateException",
        "KMS.KMSInvalidStateException",
        "KMS.NotFoundException",
    }
)
# S3's codes for objects that no permission makes readable by a plain GET.
_HELD_BACK = {
    _ARCHIVED: "it is archived: restore it, then try again",
    _OWNERS_KEY: "it is encrypted with a key of its owner's (SSE-C)",
}
