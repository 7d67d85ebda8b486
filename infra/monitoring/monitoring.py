"""The alarms and their topic, a dashboard, and a saved query."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Aws, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cutout.domain.metrics import MonitoringLevel

from ..settings.settings import Settings
from .alarm_rule import RUNBOOKS, AlarmRule
from .alarms import alarm_rules
from .dashboard import dashboard_rows
from .metric_builder import MetricBuilder

# To run it, replace the job id, or the key, by the photo's.
_EVERYTHING_ABOUT_ONE_PHOTO: Final = """\
fields @timestamp, service, level, message, state, came_from, reason, attempt, @message
| filter job_id = "JOB_ID" or key = "shoes/a.jpg"
| sort @timestamp asc"""


class Monitoring(Construct):
    """Alarms that notify one topic, a saved query, and a dashboard where it is wanted."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        functions: Mapping[str, lambda_.Function],
        queues: Mapping[str, sqs.Queue],
        dead_letters: Mapping[str, sqs.Queue],
        settings: Settings,
        topic: sns.ITopic | None,
    ) -> None:
        """Monitor the functions and queues of the deployment `name`, each by its own name.

        One message in any queue of dead letters raises an alarm. An existing topic for alarms
        takes the place of a new one.
        """
        super().__init__(scope, construct_id)
        self.topic = topic or _topic(self, "Alarms")
        if settings.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        self._runbooks = settings.runbook_url or RUNBOOKS
        is_full = settings.monitoring == MonitoringLevel.FULL
        metrics = MetricBuilder(name)
        rules = alarm_rules(
            metrics,
            functions=functions,
            submissions=queues["Submissions"],
            dead_letters=dead_letters,
            expects_callbacks=settings.callbacks,
            is_full=is_full,
        )
        self.alarms = {rule.name: self._alarm(rule) for rule in rules}
        self.dashboard: cloudwatch.Dashboard | None = None
        if is_full:
            self.dashboard = cloudwatch.Dashboard(
                self,
                "Dashboard",
                # All regions share the names of dashboards.
                dashboard_name=f"{name}-{Aws.REGION}",
                widgets=dashboard_rows(
                    metrics,
                    functions=functions,
                    queues={**queues, **dead_letters},
                    alarms=list(self.alarms.values()),
                ),
            )
        self.query = logs.CfnQueryDefinition(
            self,
            "EverythingAboutOnePhoto",
            name=f"{name}/Everything about one photo",
            query_string=_EVERYTHING_ABOUT_ONE_PHOTO,
            # A query without log groups would ask for them each time that it is opened.
            log_group_names=[one.log_group.log_group_name for one in functions.values()],
        )

    def _alarm(self, rule: AlarmRule) -> cloudwatch.Alarm:
        compare = cloudwatch.ComparisonOperator
        missing = cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            rule.name,
            metric=rule.metric,
            threshold=1 if rule.is_silence else rule.above,
            comparison_operator=compare.LESS_THAN_THRESHOLD
            if rule.is_silence
            else compare.GREATER_THAN_THRESHOLD,
            evaluation_periods=rule.periods,
            datapoints_to_alarm=rule.datapoints,
            treat_missing_data=missing.MISSING if rule.is_silence else missing.NOT_BREACHING,
            alarm_description=rule.description(
                stack=Stack.of(self).stack_name, runbooks=self._runbooks
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        if rule.is_silence:
            # Missing data is what this alarm is for. If it counted as a breach, every first
            # deployment would begin with an alarm, since a new alarm has no data.
            alarm.add_insufficient_data_action(actions.SnsAction(self.topic))
        return alarm


def _topic(scope: Construct, construct_id: str) -> sns.Topic:
    # A policy of our own, here the one that refuses plain HTTP, replaces the default policy, which
    # lets the account publish. So CloudWatch must be allowed by name.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    topic = sns.Topic(scope, construct_id, display_name="Cutout alarms", enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LetAlarmsPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            # Otherwise alarms of any account could publish here (the "confused deputy").
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
    )
    return topic
