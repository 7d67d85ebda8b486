"""A customer's own KMS key: it encrypts all data at rest.

An aspect sets the key on every resource of the construct, those that are added later included.
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
    """Encrypt everything in the scope, and allow AWS's services that write there to use the key.

    The policy of an imported key cannot be changed from here: its owner adds `key_policy(...)`.
    """
    Aspects.of(scope).add(_EncryptWith(key), priority=AspectPriority.MUTATING)
    for statement in key_policy(Stack.of(scope)):
        key.add_to_resource_policy(statement)


def key_policy(stack: Stack) -> Sequence[iam.PolicyStatement]:
    """Return what the key's policy must allow AWS's services, besides the account itself."""
    logs_here = f"arn:{Aws.PARTITION}:logs:{stack.region}:{stack.account}:log-group:"
    groups = [f"{logs_here}{prefix}{stack.stack_name}-*" for prefix in ("", VENDED_LOGS)]
    # No condition on the source: AWS does not document that CloudWatch passes one, and an alarm
    # that cannot be sent goes unnoticed. Of the alarms' topic, and of the rule for uploads:
    # https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    senders = [iam.ServicePrincipal(f"{one}.amazonaws.com") for one in ("cloudwatch", "events")]
    return (
        iam.PolicyStatement(
            sid="LetAlarmsAndRulesSend",
            principals=list(senders),
            actions=list(READ_AND_WRITE),
            resources=["*"],
        ),
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
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
    """Sets the key on each resource that keeps data."""

    def __init__(self, key: kms.IKey) -> None:
        self._arn = key.key_arn

    def visit(self, node: IConstruct) -> None:
        """Set the key if the resource keeps data."""
        if isinstance(node, s3.CfnBucket):
            node.bucket_encryption = self._of_bucket()
        elif isinstance(node, sqs.CfnQueue):
            node.kms_master_key_id = self._arn
            node.sqs_managed_sse_enabled = None  # a queue can have one kind of encryption only
        elif isinstance(node, dynamodb.CfnTable):
            node.sse_specification = dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS", kms_master_key_id=self._arn
            )
        elif isinstance(node, sns.CfnTopic):
            node.kms_master_key_id = self._arn
        elif isinstance(node, secretsmanager.CfnSecret | logs.CfnLogGroup):
            node.kms_key_id = self._arn

    def _of_bucket(self) -> s3.CfnBucket.BucketEncryptionProperty:
        # A bucket key saves a call of KMS for each object.
        default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(
            sse_algorithm="aws:kms", kms_master_key_id=self._arn
        )
        rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
            bucket_key_enabled=True, server_side_encryption_by_default=default
        )
        return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])
