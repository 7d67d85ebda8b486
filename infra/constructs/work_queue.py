"""A queue that a function consumes, and its dead letter queue."""

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cutout.domain.polling_and_timing import DEAD_LETTER_RETENTION, QUEUE_RETENTION

MAX_RECEIVES: Final = 5
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_VISIBILITY_FACTOR: Final = 6  # as Lambda recommends, so that no message is delivered twice


def dead_letter_queue(scope: Construct, construct_id: str) -> sqs.Queue:
    """Make a queue that keeps messages for as long as SQS can."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(DEAD_LETTER_RETENTION.days),
        removal_policy=RemovalPolicy.DESTROY,
    )


class WorkQueue(Construct):
    """A queue that one function consumes; after five tries a message goes to its DLQ."""

    def __init__(self, scope: Construct, construct_id: str, *, worker_timeout_seconds: int) -> None:
        """Make the queue for a function with that time-out."""
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letter_queue(self, "DeadLetters")
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # While a function works on a message, no second one gets it, throttled tries included.
            visibility_timeout=Duration.seconds(_VISIBILITY_FACTOR * worker_timeout_seconds),
            retention_period=Duration.days(QUEUE_RETENTION.days),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=MAX_RECEIVES
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )


def let_rule_send(queue: sqs.Queue, *, rule_arn: str) -> None:
    """Allow EventBridge to send to the queue for that one rule."""
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LetTheRuleSend",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            # Without it, any rule of any account could send through EventBridge.
            conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
        )
    )
