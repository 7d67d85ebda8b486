"""A stack with one Cutout, whose outputs name its parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, IStackSynthesizer, RemovalPolicy, Stack, Tags
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from .constructs.callback_api import CallbackDomain
from .constructs.cutout import Cutout
from .deployed_functions import Asset, FunctionName
from .settings.settings import Settings
from .settings.value_rules import pairs
from .version import version_of

_PROJECT: Final = Path(__file__).resolve().parents[1]


class CutoutStack(Stack):
    """One Cutout; the command line and other programs find its parts by the outputs."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        assets: Mapping[FunctionName, Asset] | None = None,
        synthesizer: IStackSynthesizer | None = None,
    ) -> None:
        """Make the stack, and build its assets if none are given.

        Resources that the settings name by ARN exist already.
        """
        super().__init__(
            scope,
            settings.stack_name,
            description="Cutout: photos in, transparent cut-outs out",
            synthesizer=synthesizer,
        )
        self.cutout = Cutout(
            self,
            "Cutout",
            settings=settings,
            assets=assets,
            uploads_bucket=self._bucket(
                "GivenUploads", settings.uploads_bucket, settings.uploads_kms_key
            ),
            results_bucket=self._bucket(
                "GivenResults", settings.results_bucket, settings.results_kms_key
            ),
            kms_key=self._key(settings),
            callback_domain=self._domain(settings),
            alarm_topic=self._topic(settings.alarm_topic),
            permissions_boundary=self._boundary(settings.permissions_boundary),
            tags=pairs(settings.tags),
        )
        Tags.of(self).add("cutout:stack", settings.stack_name)
        for name, value in outputs(self.cutout).items():
            CfnOutput(self, name, value=value)

    def _bucket(
        self, construct_id: str, name: str | None, key_arn: str | None
    ) -> s3.IBucket | None:
        if name is None:
            return None
        key = kms.Key.from_key_arn(self, f"{construct_id}Key", key_arn) if key_arn else None
        return s3.Bucket.from_bucket_attributes(
            self, construct_id, bucket_name=name, encryption_key=key
        )

    def _key(self, settings: Settings) -> kms.IKey | None:
        if settings.kms_key is None:
            return None
        if settings.kms_key != "own":
            return kms.Key.from_key_arn(self, "GivenKey", settings.kms_key)
        # Data that is kept could not be read without the key, so the key is kept, too.
        keep = RemovalPolicy.DESTROY if settings.ephemeral else RemovalPolicy.RETAIN
        return kms.Key(
            self,
            "Key",
            description=f"Encrypts what {settings.stack_name} keeps",
            enable_key_rotation=True,
            removal_policy=keep,
        )

    def _domain(self, settings: Settings) -> CallbackDomain | None:
        name, arn = settings.callback_domain, settings.callback_certificate
        if not (name and arn):
            return None
        # A stack makes no zone record here: the settings name no zone, so a person adds the record.
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", arn)
        return CallbackDomain(name=name, certificate=certificate)

    def _topic(self, arn: str | None) -> sns.ITopic | None:
        return sns.Topic.from_topic_arn(self, "GivenTopic", arn) if arn else None

    def _boundary(self, arn: str | None) -> iam.IManagedPolicy | None:
        return iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", arn) if arn else None


def outputs(cutout: Cutout) -> dict[str, str]:
    """Return the outputs; their names are public."""
    names = dict.fromkeys(recipe.name for recipe in cutout.recipes)
    dashboard = cutout.monitoring.dashboard
    return ({"Recipes": ",".join(names)} if names else {}) | {
        "UploadsBucketName": cutout.uploads_bucket.bucket_name,
        "ResultsBucketName": cutout.results_bucket.bucket_name,
        "WorkBucketName": cutout.work_bucket.bucket_name,
        "JobsTableName": cutout.table.table_name,
        "CallbackUrl": cutout.callback_url,
        "ApiKeySecretName": cutout.api_key_name,
        **{f"{name}QueueUrl": work.queue.queue_url for name, work in cutout.work_queues.items()},
        **{
            f"{name}DeadLetterQueueUrl": work.dead_letters.queue_url
            for name, work in cutout.work_queues.items()
        },
        **({"DashboardName": dashboard.dashboard_name} if dashboard else {}),
        "Version": version_of(_PROJECT),
    }
