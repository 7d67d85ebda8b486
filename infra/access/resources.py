"""The resources of one deployment, which environments and permissions are made from."""

from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from cutout.domain.object_keys import KEPT_FOLDER, NOTE_EXTENSION, PREPARED_FOLDER, REVIEW_FOLDER

from ..settings.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What was made or attached for one deployment; secrets and metrics have its name.

    `event_bus_id` is what functions call the bus: its name, or the ARN of one that an app passes.
    Presigned URLs of photos are signed with the role of the photo reader.
    """

    name: str
    settings: Settings
    uses_source_pixels: bool
    uploads: s3.IBucket
    results: s3.IBucket
    work: s3.IBucket
    jobs: dynamodb.ITable
    calls: dynamodb.ITable
    submissions: sqs.IQueue
    preparations: sqs.IQueue | None
    callbacks: sqs.IQueue
    api_key_name: str
    signing_key_name: str
    callback_url: str
    event_bus: events.IEventBus
    event_bus_id: str
    photo_reader: iam.IRole
    prepare_role: iam.Role | None

    def variables(self) -> dict[str, str | int | None]:
        """Return the fields of function settings that are no setting, or not set as it is.

        None leaves the variable out.
        """
        settings, preparations = self.settings, self.preparations
        return {
            "stack": self.name,
            "jobs_table": self.jobs.table_name,
            # Not the name: stacks in two regions or accounts may have the same.
            "jobs_table_arn": self.jobs.table_arn,
            "calls_table": self.calls.table_name,
            "uploads_bucket": self.uploads.bucket_name,
            "upload_suffixes": ",".join(settings.upload_suffixes) or None,
            "results_bucket": self.results.bucket_name,
            "work_bucket": self.work.bucket_name,
            "submissions_queue_url": self.submissions.queue_url,
            "preparations_queue_url": preparations.queue_url if preparations else None,
            "callbacks_queue_url": self.callbacks.queue_url,
            "api_key_secret": self.api_key_name,
            "signing_key_secret": self.signing_key_name,
            "callback_url": self.callback_url if settings.callbacks else None,
            "photo_reader_role_arn": self.photo_reader.role_arn,
            "prepare_role_id": self.prepare_role.role_id if self.prepare_role else None,
            "event_bus": self.event_bus_id,
            # A default is left out: the variable appears with the first deployment that needs it.
            "tag_source": settings.tag_source or None,
            "delete_with_source": settings.delete_with_source or None,
            "allow_loopback": settings.allow_loopback or None,
            "prepare_max_bytes": settings.prepare_max_bytes if settings.prepare else None,
        }

    @property
    def photos(self) -> str:
        """Every object that the deployment watches, as an ARN."""
        return f"{self.uploads.bucket_arn}/{self.settings.upload_prefix}*"

    @property
    def notes(self) -> str:
        """Every note that says why a photo has no cut-out, as an ARN."""
        return f"{self.accepted}{NOTE_EXTENSION}"

    @property
    def prepared(self) -> str:
        """Every copy that is made of a photo, as an ARN."""
        return f"{self.work.bucket_arn}/{PREPARED_FOLDER}*"

    @property
    def kept(self) -> str:
        """Every result of the model that is kept for later uploads of a picture, as an ARN."""
        return f"{self.work.bucket_arn}/{KEPT_FOLDER}*"

    @property
    def accepted(self) -> str:
        """Every result that passed acceptance, as an ARN."""
        return f"{self.results.bucket_arn}/{self.settings.result_prefix}*"

    @property
    def cut_outs(self) -> tuple[str, ...]:
        """Every result, those that wait for review among them, as ARNs."""
        if not self.settings.result_prefix:
            return (self.accepted,)
        return (self.accepted, f"{self.results.bucket_arn}/{REVIEW_FOLDER}*")


def account_arn(service: str, resource: str) -> str:
    """Return the ARN of a resource of this account and region."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"
