"""A customer's own key: everything at rest is encrypted with it, and who must may use it.

The key reaches every resource of the construct by an aspect, so that what is added later is
encrypted as well.
"""

from collections.abc import Sequence

import jsii
from aws_cdk import AspectPriority, Aspects, Aws, IAspect, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct, IConstruct

from ..access.key_use import ALL_USES, READ_AND_WRITE
from .callback_api import VENDED_LOGS


def encrypt_everything(scope: Construct, key: kms.IKey) -> None:
    """Encrypt all that the scope will hold, and let the services that write there use the key.

    The policy of a key that is imported cannot be changed from here: its owner adds
    `key_policy(...)` to it.
    """
    Aspects.of(scope).add(_EncryptWith(key), priority=AspectPriority.MUTATING)
    for statement in key_policy(Stack.of(scope)):
        key.add_to_resource_policy(statement)


def key_policy(stack: Stack) -> Sequence[iam.PolicyStatement]:
    """Say what the policy of the key must allow AWS's services, besides the account itself.

    - The alarms' topic: https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns. No
      condition on the source: CloudWatch is not documented to pass one, and an alarm that cannot
      be sent is noticed by nobody.
    - The rule for uploads:
      https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    - The logs of this stack:
      https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    logs_here = f"arn:{Aws.PARTITION}:logs:{stack.region}:{stack.account}:log-group:"
    groups = [f"{logs_here}{prefix}{stack.stack_name}-*" for prefix in ("", VENDED_LOGS)]
    senders = [
        iam.ServicePrincipal("cloudwatch.amazonaws.com"),
        iam.ServicePrincipal("events.amazonaws.com"),
    ]
    return (
        iam.PolicyStatement(
            sid="LetAlarmsAndRulesSend",
            principals=list(senders),
            actions=list(READ_AND_WRITE),
            resources=["*"],
        ),
        iam.PolicyStatement(
            sid="LetLogsBeWritten",
            principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
            actions=list(ALL_USES),
            resources=["*"],
            conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        ),
    )


@jsii.implements(IAspect)
class _EncryptWith:
    """Sets the key on each resource that keeps data, whoever made it."""

    def __init__(self, key: kms.IKey) -> None:
        self._arn = key.key_arn

    def visit(self, node: IConstruct) -> None:
        """Set the key, if the resource is one of these."""
        if isinstance(node, s3.CfnBucket):
            node.bucket_encryption = self._of_bucket()
        elif isinstance(node, sqs.CfnQueue):
            node.kms_master_key_id = self._arn
            node.sqs_managed_sse_enabled = None
        elif isinstance(node, dynamodb.CfnTable):
            node.sse_specification = dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS", kms_master_key_id=self._arn
            )
        elif isinstance(node, sns.CfnTopic):
            node.kms_master_key_id = self._arn
        elif isinstance(node, secretsmanager.CfnSecret | logs.CfnLogGroup):
            node.kms_key_id = self._arn

    def _of_bucket(self) -> s3.CfnBucket.BucketEncryptionProperty:
        """Return the bucket's encryption: a key of the bucket's own saves a call per object."""
        default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
            sse_algorithm="aws:kms", kms_master_key_id=self._arn
        )
        rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
            bucket_key_enabled=True, server_side_encryption_by_default=default
        )
        return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])
