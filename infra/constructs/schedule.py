"""The schedule that starts a function every minute."""

from typing import Final

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from ..access.resources import account_arn
from .function import CutoutFunction

_MINUTE: Final = 60


class EveryMinute(Construct):
    """Starts a function once a minute, with a role that can start nothing else."""

    # A run that cannot be started, or fails, is not repeated: the next one, a minute later, does
    # the same work.

    def __init__(self, scope: Construct, construct_id: str, *, function: CutoutFunction) -> None:
        """Start the function every minute."""
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={
                    # Without both, a schedule of another account could use the role. The source is
                    # the group, not the schedule.
                    # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnEquals": {
                        "aws:SourceArn": account_arn("scheduler", "schedule-group/default")
                    },
                },
            ),
            description=f"Starts {function.shape.name} of Cutout",
        )
        role.add_to_policy(
            iam.PolicyStatement(
                sid="StartIt",
                actions=["lambda:InvokeFunction"],
                resources=[function.function.function_arn],
            )
        )
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            description=f"Starts {function.shape.name} of Cutout",
            schedule_expression="rate(1 minute)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            state="ENABLED",
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=_MINUTE, maximum_retry_attempts=1
                ),
            ),
        )
        # EventBridge Scheduler refuses a schedule whose role it cannot assume yet.
        schedule.node.add_dependency(role)
        # By default, Lambda runs a failed asynchronous invocation twice more.
        # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
        lambda_.CfnEventInvokeConfig(
            self,
            "NoSecondTry",
            function_name=function.function.function_name,
            qualifier="$LATEST",
            maximum_event_age_in_seconds=_MINUTE,
            maximum_retry_attempts=0,
        )
