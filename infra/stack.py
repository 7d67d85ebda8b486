"""A stack that holds one Cutout and says where its parts are."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack, Tags
from constructs import Construct

from .cutout import Cutout
from .inventory import Asset, FunctionName
from .settings import Settings


class CutoutStack(Stack):
    """One Cutout; its outputs are what the command line and other programs find it by."""

    def __init__(
        self, scope: Construct, *, settings: Settings, assets: Mapping[FunctionName, Asset]
    ) -> None:
        """Make the stack that the settings name."""
        super().__init__(
            scope,
            settings.stack,
            description="Cutout: photos in, transparent cut-outs out",
        )
        self.cutout = Cutout(self, "Cutout", settings=settings, assets=assets)
        Tags.of(self).add("cutout:stack", settings.stack)
        for name, value in outputs(self.cutout).items():
            CfnOutput(self, name, value=value)


def outputs(cutout: Cutout) -> dict[str, str]:
    """Name what others rely on."""
    return {
        "UploadsBucketName": cutout.uploads_bucket.bucket_name,
        "ResultsBucketName": cutout.results_bucket.bucket_name,
        "WorkBucketName": cutout.work_bucket.bucket_name,
        "JobsTableName": cutout.table.table_name,
        "CallbackUrl": cutout.callback_url,
        "ApiKeySecretName": cutout.api_key_name,
        "SubmissionsQueueUrl": cutout.submissions.queue.queue_url,
        "CallbacksQueueUrl": cutout.callbacks.queue.queue_url,
        "SubmissionsDeadLetterQueueUrl": cutout.submissions.dead_letters.queue_url,
        "CallbacksDeadLetterQueueUrl": cutout.callbacks.dead_letters.queue_url,
        "DashboardName": cutout.monitoring.dashboard.dashboard_name,
    }
