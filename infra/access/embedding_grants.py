"""What an embedding stack may use of a deployment: grants, metrics, and rules for its events."""

from collections.abc import Iterable, Sequence
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from cutout.domain.messages import completion_events
from cutout.domain.metrics import Metric

from ..monitoring.metric_builder import FIVE_MINUTES, MetricBuilder
from .key_use import key_statements
from .resources import Resources

READ_JOBS: Final = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")


class Grants(Construct):
    """The part of the construct that an embedding stack calls."""

    name: str
    resources: Resources
    kms_key: kms.IKey | None

    def grant_upload(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow uploads of photos to the watched prefix, and nothing else."""
        actions = ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload")
        return self._grant(grantee, actions, [self.resources.photos])

    def grant_read_results(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading results, those that wait for review among them."""
        actions = ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging")
        return self._grant(grantee, actions, self.resources.cut_outs)

    def grant_read_jobs(self, grantee: iam.IGrantable) -> iam.Grant:
        """Allow reading the jobs table.

        Nothing in it gives access to a photo or a callback: the bodies of calls are in a table of
        their own.
        """
        table = self.resources.jobs.table_arn
        return self._grant(grantee, READ_JOBS, [table, f"{table}/index/*"])

    def metric(
        self, metric_name: str, *, statistic: str = "Sum", period: Duration = FIVE_MINUTES
    ) -> cloudwatch.Metric:
        """Return one of the metrics that the functions write, such as `JobsCompleted`.

        `cutout.domain.metrics.Metric` lists them. Those that are not in `BASIC_METRICS` there need
        `monitoring="full"`.
        """
        return MetricBuilder(self.name).of(metric_name, statistic, period=period)

    def metric_completed(self) -> cloudwatch.Metric:
        """Return the number of completed jobs."""
        return self.metric(Metric.COMPLETED)

    def metric_credits(self) -> cloudwatch.Metric:
        """Return the number of credits that the provider charged; with `monitoring="full"`."""
        return self.metric(Metric.CREDITS)

    def metric_tasks_in_flight(self) -> cloudwatch.Metric:
        """Return how many tasks run at the provider; with `monitoring="full"`."""
        return self.metric(Metric.IN_FLIGHT, statistic="Maximum")

    def on_completed(
        self, construct_id: str, target: events.IRuleTarget, *, is_failure: bool = False
    ) -> events.Rule:
        """Send the event of each completed job of this deployment to a target, at least once.

        `detail.job`, the job's id, is the same in repeated events. With `is_failure`, the events of
        photos that got no cut-out are sent instead.
        """
        # Several deployments may announce on one bus: the bucket and the prefix tell whose event it
        # is.
        source: dict[str, object] = {"bucket": [self.resources.uploads.bucket_name]}
        if prefix := self.resources.settings.upload_prefix:
            source["key"] = events.Match.prefix(prefix)
        pattern = events.EventPattern(
            source=[completion_events.SOURCE],
            detail_type=[completion_events.FAILED if is_failure else completion_events.COMPLETED],
            detail={"source": source},
        )
        return events.Rule(
            self,
            construct_id,
            event_bus=self.resources.event_bus,
            event_pattern=pattern,
            targets=[target],
        )

    def key_statements(self, actions: Iterable[str]) -> Sequence[iam.PolicyStatement]:
        """Return what a role with these actions needs on the keys that encrypt the data."""
        allowed = set(actions)
        keys = [self.kms_key]
        if any(one.startswith("s3:") for one in allowed):
            buckets = (self.resources.uploads, self.resources.results)
            keys += [bucket.encryption_key for bucket in buckets]
        arns = [key.key_arn for key in keys if key is not None]
        return key_statements(arns, allowed, Stack.of(self).region)

    def _grant(
        self, grantee: iam.IGrantable, actions: Sequence[str], resources: Sequence[str]
    ) -> iam.Grant:
        for statement in self.key_statements(actions):
            grantee.grant_principal.add_to_principal_policy(statement)
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=list(resources), scope=self
        )
