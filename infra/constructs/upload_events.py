"""The rule that sends uploads and deletions to the submissions queue."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from ..settings.settings import Settings
from .work_queue import dead_letter_queue, let_rule_send


class UploadEvents(Construct):
    """A rule that sends the events of a bucket's objects to a queue.

    The bucket's own notifications are not changed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        settings: Settings,
        queue: sqs.Queue,
    ) -> None:
        """Send events of the keys that the settings name."""
        super().__init__(scope, construct_id)
        self.undeliverable = dead_letter_queue(self, "Undeliverable")
        detail: dict[str, object] = {"bucket": {"name": [bucket.bucket_name]}}
        if settings.upload_prefix or settings.upload_suffixes:
            keys = _keys(settings.upload_prefix, settings.upload_suffixes)
            detail["object"] = {"key": keys}
        self.rule = events.CfnRule(
            self,
            "Rule",
            description="Photos that come and go, for Cutout",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created", "Object Deleted"],
                "detail": detail,
            },
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="Submissions",
                    arn=queue.queue_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=self.undeliverable.queue_arn
                    ),
                    # EventBridge's own maximum; what cannot be delivered for a day goes to the DLQ.
                    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=int(Duration.days(1).to_seconds()),
                        maximum_retry_attempts=185,
                    ),
                )
            ],
        )
        for one in (queue, self.undeliverable):
            let_rule_send(one, rule_arn=self.rule.attr_arn)


def _keys(prefix: str, suffixes: Sequence[str]) -> list[dict[str, object]]:
    """Return patterns, one of which must match a key."""
    if not suffixes:
        return [{"prefix": prefix}]
    if not prefix:
        return [{"suffix": {"equals-ignore-case": one}} for one in suffixes]
    # EventBridge can ignore the case of a suffix, but not together with a prefix: with a prefix,
    # the patterns name suffixes in lower and in upper case. In a wildcard, a backslash escapes.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    beginning = prefix.replace("\\", "\\\\")
    cases = dict.fromkeys(case for one in suffixes for case in (one.lower(), one.upper()))
    return [{"wildcard": f"{beginning}*{one}"} for one in cases]
