"""What a person looks at, and what wakes one: a dashboard, a saved query, a topic, the alarms."""

from collections.abc import Mapping

from aws_cdk import Aws, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from .alarms import RUNBOOKS, AlarmRule, alarm_rules
from .dashboard import dashboard_rows
from .log_query import save_query
from .metric_series import MetricSeries


class Monitoring(Construct):
    """Alarms on what must never happen quietly, all to one topic; a dashboard; a saved query."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        functions: Mapping[str, lambda_.Function],
        queues: Mapping[str, sqs.Queue],
        dead_letters: Mapping[str, sqs.Queue],
        alarm_email: str | None,
        topic: sns.ITopic | None = None,
        expects_callbacks: bool = True,
        runbooks: str | None = None,
    ) -> None:
        """Watch the functions and queues of the deployment of that name.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            name: The deployment; names the dashboard, with the region, since dashboards of all
                regions share their names.
            functions: By what people call them.
            queues: The same.
            dead_letters: The same; one message in any of them is an alarm.
            alarm_email: Who is told, besides whoever subscribes to the topic.
            topic: Where alarms go, instead of to a topic made here.
            expects_callbacks: Whether results that had to be asked for are worth an alarm.
            runbooks: The address of the page that alarms name their sections of.
        """
        super().__init__(scope, construct_id)
        self.topic = topic or _topic(self, "Alarms")
        if alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
        self._runbooks = runbooks or RUNBOOKS
        series = MetricSeries(name)
        rules = alarm_rules(
            series,
            functions=functions,
            submissions=queues["Submissions"],
            dead_letters=dead_letters,
            expects_callbacks=expects_callbacks,
        )
        self.alarms = {rule.name: self._alarm(rule) for rule in rules}
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"{name}-{Aws.REGION}",
            widgets=dashboard_rows(
                series,
                functions=functions,
                queues={**queues, **dead_letters},
                alarms=list(self.alarms.values()),
            ),
        )
        self.query = save_query(
            self, name=name, groups=[one.log_group for one in functions.values()]
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
            # No data is this alarm's bad news. A new alarm begins without data and has told nobody:
            # were silence a breach, each first deployment would begin with an alarm.
            alarm.add_insufficient_data_action(actions.SnsAction(self.topic))
        return alarm


def _topic(scope: Construct, construct_id: str) -> sns.Topic:
    topic = sns.Topic(scope, construct_id, display_name="Cutout alarms", enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LetAlarmsPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
    )
    return topic
