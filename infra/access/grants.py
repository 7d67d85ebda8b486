"""What others may have of a deployment: permissions, metrics, and word of what is done."""

from collections.abc import Iterable, Sequence
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from ..constructs.encryption import uses_of_keys
from ..monitoring.metrics import FIVE_MINUTES, Series
from .permissions import Reach

READ_JOBS: Final = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")


class Shared(Construct):
    """The part of the construct that an embedding stack talks to."""

    name: str
    reach: Reach
    uploads_bucket: s3.IBucket
    results_bucket: s3.IBucket
    kms_key: kms.IKey | None
    event_bus: events.IEventBus

    def grant_upload(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody upload photos to the watched prefix, and nothing else."""
        actions = ("s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload")
        return self._grant(grantee, actions, [self.reach.photos])

    def grant_read_results(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody read cut-outs, and those that wait for a person's review."""
        actions = ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging")
        return self._grant(grantee, actions, self.reach.cut_outs)

    def grant_read_jobs(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let somebody read what became of each photo from the jobs table.

        Nothing in it opens a photo or a callback: bodies of calls are in a table of their own.
        """
        return self._grant(grantee, READ_JOBS, [self.reach.table, f"{self.reach.table}/index/*"])

    def metric(
        self, metric_name: str, *, statistic: str = "Sum", period: Duration = FIVE_MINUTES
    ) -> cloudwatch.Metric:
        """Return one of the metrics that the functions publish, such as `JobsCompleted`.

        Args:
            metric_name: One of `cutout.domain.metrics.Metric`.
            statistic: How values within a period become one.
            period: How long a period is.
        """
        return Series(self.name).of(metric_name, statistic, period=period)

    def metric_completed(self) -> cloudwatch.Metric:
        """Count the photos whose cut-outs are in the results bucket."""
        return self.metric("JobsCompleted")

    def metric_credits(self) -> cloudwatch.Metric:
        """Count the credits that the provider charged."""
        return self.metric("CreditsCharged")

    def metric_tasks_in_flight(self) -> cloudwatch.Metric:
        """Return how many tasks run at the provider."""
        return self.metric("TasksInFlight", statistic="Maximum")

    def on_completed(
        self, construct_id: str, target: events.IRuleTarget, *, is_failure: bool = False
    ) -> events.Rule:
        """Send word of each cut-out of this deployment to a target; at least once each.

        Args:
            construct_id: The rule's id under this construct.
            target: Who is told; it finds the job's id, for telling repeats, in `detail.job`.
            is_failure: Tell of photos that got no cut-out instead.
        """
        source: dict[str, object] = {"bucket": [self.uploads_bucket.bucket_name]}
        if self.reach.upload_prefix:
            source["key"] = events.Match.prefix(self.reach.upload_prefix)
        pattern = events.EventPattern(
            source=["cutout"],
            detail_type=["Cutout Failed" if is_failure else "Cutout Completed"],
            detail={"source": source},
        )
        return events.Rule(
            self, construct_id, event_bus=self.event_bus, event_pattern=pattern, targets=[target]
        )

    def use_of_keys(self, actions: Iterable[str]) -> Sequence[iam.PolicyStatement]:
        """Say how whoever may do these actions must be allowed to use the keys of the data."""
        allowed = set(actions)
        keys = [self.kms_key]
        if any(one.startswith("s3:") for one in allowed):
            keys += [self.uploads_bucket.encryption_key, self.results_bucket.encryption_key]
        arns = [key.key_arn for key in keys if key is not None]
        return uses_of_keys(arns, allowed, Stack.of(self).region)

    def _grant(
        self, grantee: iam.IGrantable, actions: Sequence[str], resources: Sequence[str]
    ) -> iam.Grant:
        for with_key in self.use_of_keys(actions):
            grantee.grant_principal.add_to_principal_policy(with_key)
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=list(resources), scope=self
        )
