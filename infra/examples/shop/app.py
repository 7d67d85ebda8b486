"""An app that embeds Cutout twice, for two prefixes of one existing bucket.

With the package `cutout-aws[infra]` installed, in the folder of this file:

    cdk deploy

The bucket must send its events to EventBridge, which does not change its other notifications. Show
what it sends now, then add EventBridge:

    aws s3api get-bucket-notification-configuration --bucket our-photos > now.json
    # add "EventBridgeConfiguration": {} to now.json
    aws s3api put-bucket-notification-configuration --bucket our-photos \
        --notification-configuration file://now.json
"""

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cutout.infra.constructs.cutout import Cutout
from cutout.infra.settings.settings import Settings


class Shop(Stack):
    """A shop with product photos of shoes, and of hats, which get more tasks at once."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        """Embed one Cutout for each department."""
        super().__init__(scope, construct_id)
        photos = s3.Bucket.from_bucket_name(self, "Photos", "our-photos")
        key = kms.Key(self, "Key", enable_key_rotation=True)
        pager = sns.Topic.from_topic_arn(
            self, "Pager", self.format_arn(service="sns", resource="pager")
        )
        web = iam.Role(self, "Web", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
        news = sqs.Queue(self, "News", enforce_ssl=True)
        for department, tasks in {"shoes": 3, "hats": 10}.items():
            cutout = Cutout(
                self,
                department.title(),
                name=f"shop-{department}",
                settings=Settings(
                    upload_prefix=f"photos/{department}/",
                    upload_suffixes=(".jpg", ".png"),
                    result_prefix=f"cut-outs/{department}/",
                    max_in_flight=tasks,
                ),
                uploads_bucket=photos,
                results_bucket=photos,
                kms_key=key,
                alarm_topic=pager,
                tags={"department": department},
            )
            cutout.grant_upload(web)
            cutout.grant_read_results(web)
            cutout.on_completed("TellTheShop", targets.SqsQueue(news))
            CfnOutput(
                self,
                f"{department.title()}ApiKeySecretName",
                value=cutout.api_key_secret.secret_name,
            )


app = App()
Shop(app, "Shop")
app.synth()
