"""A stack over the AWS API; the local cloud answers the same requests."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.s3.bucket_copies import S3Transfers
from cutout.adapters.s3.listing import S3Listing
from cutout.adapters.s3.objects import GONE, code
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions, SqsUploadQueue
from cutout.cli.aws.clients import Clients
from cutout.cli.aws.deployed_stack import OpenObject, Ports, Stack
from cutout.cli.aws.stack_resources import Resources
from cutout.domain.object_keys import BYPASS_CACHE_MARK
from cutout.wiring.chosen_provider import provider

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from cutout.cli.aws.description import StackOutputs
    from cutout.cli.aws.target import Target
    from cutout.cli.photo_files import Photo
    from cutout.cli.progress.clock import Clock

_CHUNK_BYTES = 1 << 20
_LINK_SECONDS = 3600
_HIDDEN = GONE | {"403", "AccessDenied"}


def connect(target: Target, clock: Clock, *, is_impatient: bool = False) -> Stack:
    """Return the stack. No request is made yet."""
    clients = Clients(target, is_impatient=is_impatient)

    def ports_on(outputs: StackOutputs) -> Ports:
        return aws_ports(clients, outputs, clock)

    return Stack(Resources(clients, target), ports_on, clock)


def aws_ports(clients: Clients, outputs: StackOutputs, clock: Clock) -> Ports:
    """Return the adapters of AWS."""
    s3, sqs = clients.client("s3"), clients.client("sqs")
    callbacks = SqsCallbacks(sqs, outputs.callbacks_queue_url)
    return Ports(
        clock=clock,
        jobs=DynamoJobs(Table(clients.client("dynamodb"), outputs.jobs_table)),
        submissions=SqsSubmissions(sqs, outputs.submissions_queue_url),
        upload_queue=SqsUploadQueue(sqs, outputs.submissions_queue_url),
        renders=callbacks,
        checks=callbacks,
        # Any credentials may ask this of STS.
        caller=lambda: clients.client("sts").get_caller_identity()["Arn"],
        store=S3Store(s3, outputs.uploads_bucket, outputs.results_bucket),
        objects=lambda bucket: S3Listing(s3, bucket),
        transfers=lambda source: S3Transfers(s3, source, outputs.uploads_bucket),
        terms=provider.terms(),
    )


class S3Store:
    """Files to the uploads bucket and from the results bucket."""

    def __init__(self, client: S3Client, uploads_bucket: str, results_bucket: str) -> None:
        self._s3 = client
        self._uploads = uploads_bucket
        self._results = results_bucket

    def upload(self, photo: Photo) -> tuple[str, str | None]:
        """Upload a photo; returns its ETag, and its version in a versioned bucket."""
        with photo.path.open("rb") as body:
            answer = self._s3.put_object(
                Bucket=self._uploads,
                Key=photo.key,
                Body=body,
                ContentType=photo.content_type,
                ChecksumAlgorithm="SHA256",
                Metadata={BYPASS_CACHE_MARK: "true"} if photo.bypass_cache else {},
            )
        return answer["ETag"].strip('"'), answer.get("VersionId")

    def sha256(self, key: str, version_id: str | None) -> str | None:
        """Return the hash that S3 stores with an upload; None if it has none to show."""
        version: Any = {"VersionId": version_id} if version_id else {}
        try:
            head = self._s3.head_object(
                Bucket=self._uploads, Key=key, ChecksumMode="ENABLED", **version
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
        version = {"VersionId": version_id} if version_id else {}
        return self._s3.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": bucket,
                "Key": key,
                "ResponseContentDisposition": "inline",
                **version,
            },
            ExpiresIn=_LINK_SECONDS,
        )

    def open(self, bucket: str, key: str, version_id: str | None = None) -> OpenObject | None:
        """Return an object of any bucket as a stream; None if there is none."""
        version: Any = {"VersionId": version_id} if version_id else {}
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key, **version)
        except ClientError as error:
            if code(error) in GONE:
                return None
            raise
        return OpenObject(
            size=answer["ContentLength"], chunks=answer["Body"].iter_chunks(_CHUNK_BYTES)
        )

    def download(self, key: str, target: Path) -> None:
        """Write an object of the results bucket to a file, whole or not at all."""
        partial = target.with_name(f".{target.name}.part")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            answer = self._s3.get_object(Bucket=self._results, Key=key)
            with partial.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                    file.write(chunk)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
