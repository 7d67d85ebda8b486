"""Presigned links to photos and their copies, signed by a session that outlives them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cutout.domain.job.source import Source
from cutout.domain.polling_and_timing import LINK_SESSION, PHOTO_LINK_LIFE
from cutout.ports.telemetry import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import CredentialsTypeDef


class S3PhotoLinks:
    """Links by which the provider reads photos.

    The role can read uploads, and copies of them; `connect` makes an S3 client that acts as it.
    """

    def __init__(
        self,
        sts: STSClient,
        role_arn: str,
        copies_bucket: str,
        connect: Callable[[CredentialsTypeDef], S3Client],
        clock: Clock,
    ) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self._copies_bucket = copies_bucket
        self._connect = connect
        self._clock = clock
        self._lock = threading.Lock()
        self._client: S3Client | None = None
        self._ends_at = datetime.max.replace(tzinfo=UTC)

    def link(self, source: Source, content_type: str) -> str:
        """A GET URL of this version, which it needs, valid for `PHOTO_LINK_LIFE` from now."""
        if not source.version_id:
            raise ValueError("a link needs a version: the key may be overwritten")
        version = {"Bucket": source.bucket, "Key": source.key, "VersionId": source.version_id}
        return self._signed(version, content_type)

    def copy_link(self, key: str, content_type: str) -> str:
        """A GET URL of a copy, valid for `PHOTO_LINK_LIFE` from now."""
        return self._signed({"Bucket": self._copies_bucket, "Key": key}, content_type)

    def _signed(self, params: Mapping[str, str], content_type: str) -> str:
        # Without these two, S3 answers with the uploader's own headers: a fetcher refuses a photo
        # that is called text/html, or to be saved as a program.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        answer = {"ResponseContentType": content_type, "ResponseContentDisposition": "inline"}
        return self._signer().generate_presigned_url(
            "get_object",
            Params={**params, **answer},
            ExpiresIn=int(PHOTO_LINK_LIFE.total_seconds()),
        )

    def _signer(self) -> S3Client:
        with self._lock:
            # A link ends with the session that signed it, whatever its own expiry, and a function's
            # own session ends at an unknown time. This role can only read photos.
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
            if self._client is None or self._ends_at - self._clock.now() < PHOTO_LINK_LIFE:
                answer = self._sts.assume_role(
                    RoleArn=self._role_arn,
                    RoleSessionName="cutout-photo-links",
                    DurationSeconds=int(LINK_SESSION.total_seconds()),
                )
                self._ends_at = answer["Credentials"]["Expiration"]
                self._client = self._connect(answer["Credentials"])
            return self._client
