"""What a person looks at, and what wakes one: a dashboard, a topic and the first alarms."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

_PERIOD: Final = Duration.minutes(5)


class Monitoring(Construct):
    """Alarms on what must never happen quietly, all to one topic, and a dashboard."""

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
        """
        super().__init__(scope, construct_id)
        self.topic = topic or _topic(self, "Alarms")
        if alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(alarm_email))
        for title, queue in dead_letters.items():
            self._alarm(
                f"{title}Depth",
                queue.metric_approximate_number_of_messages_visible(
                    period=_PERIOD, statistic="Maximum"
                ),
                f"A message could not be handled and waits in {title}: look, then redrive it",
            )
        for title, function in functions.items():
            self._alarm(
                f"{title}Errors",
                function.metric_errors(period=_PERIOD, statistic="Sum"),
                f"{title} ended with an error or ran out of time",
            )
            self._alarm(
                f"{title}Throttles",
                function.metric_throttles(period=_PERIOD, statistic="Sum"),
                f"{title} was not let run: the account's or its own concurrency is used up",
            )
        self.dashboard = _dashboard(
            self,
            name=name,
            functions=functions,
            queues={**queues, **dead_letters},
        )

    def _alarm(self, construct_id: str, metric: cloudwatch.Metric, description: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))


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


def _dashboard(
    scope: Construct,
    *,
    name: str,
    functions: Mapping[str, lambda_.Function],
    queues: Mapping[str, sqs.Queue],
) -> cloudwatch.Dashboard:
    rows: list[list[cloudwatch.IWidget]] = [
        [
            _graph(
                "Runs", [one.metric_invocations(label=title) for title, one in functions.items()]
            ),
            _graph("Errors", [one.metric_errors(label=title) for title, one in functions.items()]),
            _graph(
                "Milliseconds",
                [one.metric_duration(label=title) for title, one in functions.items()],
            ),
        ],
        [
            _graph(
                "Messages waiting",
                [
                    one.metric_approximate_number_of_messages_visible(label=title)
                    for title, one in queues.items()
                ],
            ),
            _graph(
                "Age of the oldest message, seconds",
                [
                    one.metric_approximate_age_of_oldest_message(label=title)
                    for title, one in queues.items()
                ],
            ),
        ],
    ]
    return cloudwatch.Dashboard(
        scope, "Dashboard", dashboard_name=f"{name}-{Aws.REGION}", widgets=rows
    )


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
