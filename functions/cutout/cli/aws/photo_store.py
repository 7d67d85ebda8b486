"""Files to the uploads bucket and from the results bucket."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.adapters.s3.objects import GONE, Objects, code, save
from cutout.cli.photo_files import PhotoFile
from cutout.domain.dataclass import dataclass
from cutout.domain.object_keys import BYPASS_CACHE_MARK

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1 << 20
_LINK_SECONDS = 3600
_HIDDEN = GONE | {"403", "AccessDenied"}


@dataclass(frozen=True, kw_only=True)
class OpenObject:
    """An object that is being read: its size in bytes, and its content in parts."""

    size: int
    chunks: Iterator[bytes]


class S3Store:
    """Files to the uploads bucket and from the results bucket."""

    def __init__(self, client: S3Client, uploads_bucket: str, results_bucket: str) -> None:
        self._s3 = client
        self._uploads = uploads_bucket
        self._results = results_bucket

    def upload(self, photo: PhotoFile) -> tuple[str, str | None]:
        """Upload a photo; returns its ETag, and its version in a versioned bucket."""
        with photo.path.open("rb") as body:
            answer = self._s3.put_object(
                Bucket=self._uploads,
                Key=photo.key,
                Body=body,
                ContentType=photo.content_type,
                # Stored with the object: the next `put` compares it without a download.
                ChecksumAlgorithm="SHA256",
                Metadata={BYPASS_CACHE_MARK: "true"} if photo.bypass_cache else {},
            )
        return answer["ETag"].strip('"'), answer.get("VersionId")

    def sha256(self, key: str, version_id: str | None) -> str | None:
        """Return the hash that S3 stores with an upload; None if it has none to show."""
        try:
            head = self._s3.head_object(
                Bucket=self._uploads, Key=key, ChecksumMode="ENABLED", **_version(version_id)
            )
        except ClientError as error:
            # Of an object that is encrypted with a KMS key, S3 shows it only to callers that may
            # decrypt it.
            if code(error) in _HIDDEN:
                return None
            raise
        # An object that was uploaded in parts has only a hash of its parts' hashes.
        if head.get("ChecksumType") == "COMPOSITE" or "ChecksumSHA256" not in head:
            return None
        return b64decode(head["ChecksumSHA256"]).hex()

    def link(self, bucket: str, key: str, version_id: str | None = None) -> str:
        """Return a link that shows an object in a browser for an hour."""
        shown = {"Bucket": bucket, "Key": key, "ResponseContentDisposition": "inline"}
        return self._s3.generate_presigned_url(
            "get_object", Params={**shown, **_version(version_id)}, ExpiresIn=_LINK_SECONDS
        )

    def open(self, bucket: str, key: str, version_id: str | None = None) -> OpenObject | None:
        """Return an object of any bucket as a stream; None if there is none."""
        answer = Objects(self._s3, bucket).open(key, **_version(version_id))
        if answer is None:
            return None
        parts = _parts(answer["Body"])
        # The first part is read here: a generator that was never started would close nothing.
        return OpenObject(size=answer["ContentLength"], chunks=chain([next(parts, b"")], parts))

    def download(self, key: str, target: Path) -> None:
        """Write an object of the results bucket to a file, whole or not at all."""
        # A hidden file: `put` skips those, if the folder is uploaded after an interruption.
        partial = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            answer = self._s3.get_object(Bucket=self._results, Key=key)
            save(answer["Body"], partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def _parts(body: StreamingBody) -> Iterator[bytes]:
    """Yield a body's parts; its connection is closed even if a reader goes away before the end."""
    with closing(body):
        yield from body.iter_chunks(_CHUNK_BYTES)


def _version(version_id: str | None) -> Any:  # noqa: ANN401 - the SDK's
    return {"VersionId": version_id} if version_id else {}
