"""The buckets in S3."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from cutout.encoded_words import decoded, encoded, is_plain
from cutout.errors import SourceGoneError
from cutout.keys import MADE_BY, MAX_TAGS, SOURCE_ORDER, SOURCE_VERSION
from cutout.ports.buckets import (
    Fetched,
    Handling,
    Labels,
    Occasion,
    StandingNote,
    StoredResult,
    Upload,
)
from cutout.source import Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "405"})
"""405: the version is a delete marker."""
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_CHUNK_BYTES = 1 << 20
_PRECONDITIONS_ON_ABSENT = frozenset({"NoSuchKey", "404"})
_SAID_AT = "cutout-said-at"


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
        return Upload(data=body, metadata=_metadata(answer))

    def fetch(self, source: Source, file: Path) -> Fetched:
        """Stream this version into a file, however large it is."""
        digest = hashlib.sha256()
        try:
            answer = self._client.get_object(**_address(source))
        except ClientError as exc:
            raise _source_error(exc) from exc
        with file.open("wb") as copy:
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
                copy.write(chunk)
        return Fetched(metadata=_metadata(answer), sha256=digest.hexdigest())

    def labels(self, source: Source) -> Labels:
        """User metadata, tags and handling of this version."""
        address = _address(source)
        try:
            head = self._client.head_object(**address)
            address.pop("IfMatch", None)
            tagging = self._client.get_object_tagging(**address)
        except ClientError as exc:
            raise _source_error(exc) from exc
        tags = {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]}
        return Labels(metadata=_metadata(head), tags=tags, handling=_handling(head))

    def tag(self, source: Source, name: str, value: str) -> bool:
        """Set one tag of this version and leave the others; False if it has too many already.

        S3 writes all tags at once and knows no condition for it: of two who tag an object in the
        same moment, one may lose.
        """
        address = _address(source)
        try:
            if address.pop("IfMatch", None):
                self._client.head_object(**_address(source))
            standing = self._client.get_object_tagging(**address)["TagSet"]
            tags = [tag for tag in standing if tag["Key"] != name]
            if len(tags) >= MAX_TAGS:
                return False
            wanted: Any = [*tags, {"Key": name, "Value": value}]
            if {"Key": name, "Value": value} not in standing:
                self._client.put_object_tagging(**address, Tagging={"TagSet": wanted})
        except ClientError as exc:
            raise _source_error(exc) from exc
        return True


class S3Results:
    """Results, written only over what was seen."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def standing(self, key: str) -> StoredResult | None:
        """What is there now."""
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if _code(exc) in _GONE:
                return None
            raise
        metadata = head.get("Metadata", {})
        return StoredResult(
            etag=head["ETag"],
            order=metadata.get(SOURCE_ORDER),
            job_id=metadata.get(MADE_BY),
            source_version=metadata.get(SOURCE_VERSION),
        )

    def remove(self, key: str, standing: StoredResult) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        return _remove(self._client, self._bucket, key, standing.etag)

    def put(
        self,
        key: str,
        file: Path,
        *,
        content_type: str,
        labels: Labels,
        replacing: StoredResult | None,
    ) -> bool:
        """Store the file if what stands there is still `replacing`; False if it is not."""
        try:
            with file.open("rb") as body:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    **_labels(labels),
                    **_condition(replacing),
                )
        except ClientError as exc:
            return _lost(exc, replacing)
        return True

    def fetch(self, key: str, file: Path) -> Labels | None:
        """Write what stands there into the file; returns its labels, or None if nothing stands."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            tagging = self._client.get_object_tagging(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if _code(exc) in _GONE:
                return None
            raise
        with file.open("wb") as copy:
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                copy.write(chunk)
        tags = {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]}
        return Labels(metadata=_metadata(answer), tags=tags, handling=_handling(answer))


class S3Notes:
    """Notes in the results bucket, written and removed only over what was seen."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def standing(self, key: str) -> StandingNote | None:
        """What is there now."""
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if _code(exc) in _GONE:
                return None
            raise
        metadata = head.get("Metadata", {})
        return StandingNote(
            etag=head["ETag"],
            occasion=_occasion(metadata),
            job_id=metadata.get(MADE_BY),
        )

    def write(
        self,
        key: str,
        text: str,
        *,
        job_id: str,
        occasion: Occasion,
        replacing: StandingNote | None,
    ) -> bool:
        """Write JSON if what stands there is still `replacing`; False if it is not."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=text.encode(),
                ContentType="application/json",
                CacheControl="no-cache",
                Metadata={
                    MADE_BY: job_id,
                    SOURCE_ORDER: occasion.order,
                    _SAID_AT: occasion.at.isoformat(),
                },
                **_condition(replacing),
            )
        except ClientError as exc:
            return _lost(exc, replacing)
        return True

    def remove(self, key: str, standing: StandingNote) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        return _remove(self._client, self._bucket, key, standing.etag)


def _remove(client: S3Client, bucket: str, key: str, etag: str) -> bool:
    try:
        client.delete_object(Bucket=bucket, Key=key, IfMatch=etag)
    except ClientError as exc:
        return _lost(exc, etag)
    return True


def _occasion(metadata: Mapping[str, str]) -> Occasion | None:
    """None for what is no note of ours."""
    try:
        at = datetime.fromisoformat(metadata[_SAID_AT])
        return Occasion(order=metadata[SOURCE_ORDER], at=at)
    except (KeyError, ValueError):
        return None


def _condition(replacing: StoredResult | StandingNote | None) -> Any:  # noqa: ANN401 - keywords
    return {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing.etag}


def _lost(exc: ClientError, replacing: StoredResult | StandingNote | str | None) -> bool:
    """False for a condition that does not hold any more.

    Raises:
        ClientError: anything else.
    """
    if _code(exc) in _LOST | (_PRECONDITIONS_ON_ABSENT if replacing else frozenset()):
        return False
    raise exc


class S3Kept:
    """Accepted results as they came, in the work bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def standing(self, key: str) -> str | None:
        """The entity tag of what is there now."""
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            if _code(exc) in _GONE:
                return None
            raise
        return head["ETag"]

    def put(self, key: str, file: Path, *, replacing: str | None) -> bool:
        """Keep the file if what stands there is still `replacing`; False if it is not."""
        condition: Any = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        try:
            with file.open("rb") as body:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, **condition)
        except ClientError as exc:
            if _code(exc) in _LOST | (_PRECONDITIONS_ON_ABSENT if replacing else frozenset()):
                return False
            raise
        return True

    def fetch(self, key: str, file: Path) -> bool:
        """Write what is kept into the file; False if there is nothing."""
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as exc:
            if _code(exc) in _GONE:
                return False
            raise
        with file.open("wb") as sink:
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                sink.write(chunk)
        return True

    def remove(self, key: str, standing: str) -> bool:
        """Remove what stands there if it is still that; False if it is not."""
        return _remove(self._client, self._bucket, key, standing)


def _labels(labels: Labels) -> Any:  # noqa: ANN401 - the SDK's keyword arguments
    """What is written beside the bytes; headers that say nothing are left out."""
    handling = labels.handling
    headers = {
        "CacheControl": handling.cache_control,
        "ContentDisposition": handling.content_disposition,
        "ContentLanguage": handling.content_language,
        "Expires": handling.expires,
    }
    return {
        "Metadata": {name: encoded(text) for name, text in labels.metadata.items()},
        "Tagging": urlencode(dict(labels.tags)),
        **{name: value for name, value in headers.items() if value is not None},
    }


def _metadata(answer: Any) -> dict[str, str]:  # noqa: ANN401 - of a read or a look
    return {name: decoded(header) for name, header in answer.get("Metadata", {}).items()}


def _handling(head: Any) -> Handling:  # noqa: ANN401 - the same
    """Only what is ASCII: a signature over any other header would not be taken."""

    def plain(name: str) -> str | None:
        value = head.get(name)
        return value if value and is_plain(value) else None

    return Handling(
        cache_control=plain("CacheControl"),
        content_disposition=plain("ContentDisposition"),
        content_language=plain("ContentLanguage"),
        expires=head.get("Expires"),
    )


def _address(source: Source) -> Any:  # noqa: ANN401 - the SDK's keyword arguments
    address = {"Bucket": source.bucket, "Key": source.key}
    if source.version_id:
        return address | {"VersionId": source.version_id}
    # Events name the entity tag without the quotation marks that are part of it (RFC 9110, 8.8.3).
    return address | {"IfMatch": f'"{source.etag}"'}


def _source_error(exc: ClientError) -> Exception:
    return SourceGoneError(_code(exc)) if _code(exc) in _GONE | _LOST else exc


def _code(exc: ClientError) -> str:
    return str(exc.response["Error"]["Code"])
