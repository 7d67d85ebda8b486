"""A deployment over the AWS API; the local cloud speaks the same."""

from __future__ import annotations

import json
import ssl
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.adapters.http_httpx import HttpxHttp
from cutout.cli.account_balance import read_balance
from cutout.cli.aws.dead_letters_aws import SqsLetters
from cutout.cli.aws.deployment import FeedFact, FunctionFact, QueueFact, RuleFact
from cutout.cli.aws.monitors_aws import Monitors
from cutout.cli.aws.parts_aws import name_in, title_of
from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from cutout.cli.aws.deployment import Balance, Letter, Moved, Part
    from cutout.domain.gate import Gate
    from cutout.domain.job.job import Job

_SECONDS = 10.0
_COUNTS = {
    "visible": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


class AwsDeployment(Monitors):
    """One stack and what it consists of."""

    def queues(self) -> Sequence[QueueFact]:
        """Return every queue of the stack."""
        return [self._queue(part) for part in self._parts("AWS::SQS::Queue")]

    def functions(self) -> Sequence[FunctionFact]:
        """Return the functions of ours: those that are told of the jobs of this deployment."""
        found = [self._function(part) for part in self._parts("AWS::Lambda::Function")]
        return [one for one in found if "CUTOUT_STACK" in one.environment]

    def feeds(self) -> Sequence[FeedFact]:
        """Return what feeds them from queues."""
        client = self._client("lambda")
        told = [
            client.get_event_source_mapping(UUID=part.physical_id)
            for part in self._parts("AWS::Lambda::EventSourceMapping")
        ]
        return [
            FeedFact(
                function=name_in(one["FunctionArn"]),
                queue_arn=one["EventSourceArn"],
                state=one["State"],
            )
            for one in told
        ]

    def rules(self) -> Sequence[RuleFact]:
        """Return the stack's rules on the event bus."""
        return [self._rule(part.physical_id) for part in self._parts("AWS::Events::Rule")]

    def announces(self, bucket: str) -> bool:
        """Say whether EventBridge hears of a bucket's objects."""
        told = self._client("s3").get_bucket_notification_configuration(Bucket=bucket)
        return "EventBridgeConfiguration" in told

    def ungranted_key(self, bucket: str) -> str | None:
        """Return the KMS key of an attached bucket that the functions may not use, if any."""
        if any(part.physical_id == bucket for part in self._parts("AWS::S3::Bucket")):
            return None
        told = self._client("s3").get_bucket_encryption(Bucket=bucket)
        (rule, *_) = told["ServerSideEncryptionConfiguration"]["Rules"]
        key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
        if key is None:
            return None
        template = self._client("cloudformation").get_template(StackName=self.name)
        is_granted = key.rpartition("/")[2] in json.dumps(template["TemplateBody"])
        return None if is_granted else str(key)

    def secret(self, name: str) -> str | None:
        """Return a secret's text; None if there is no such secret, or nothing in it."""
        try:
            told = self._client("secretsmanager").get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return str(told.get("SecretString", told.get("SecretBinary", "")))

    def now_there(self) -> datetime:
        """Return the time that AWS has."""
        answer = self._client("sts").get_caller_identity()
        told = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return parsedate_to_datetime(told).astimezone(UTC)

    def balance(self, base_url: str, key: str) -> Balance:
        """Ask the provider for the balance of the account, which is free."""
        return read_balance(HttpxHttp(timeout_seconds=_SECONDS), base_url, key)

    def knock(self, url: str) -> int:
        """POST an empty object to a URL as the provider would; the HTTP status."""
        local = self._target.variables
        trust = True if local is None else ssl.create_default_context(cafile=local["AWS_CA_BUNDLE"])
        http = HttpxHttp(timeout_seconds=_SECONDS, verify=trust)
        headers = {"Content-Type": "application/json"}
        return http.send("POST", url, headers=headers, body=b"{}").status

    def gate(self) -> Gate:
        """Return the gate as it stands."""
        return self._table().read_gate()

    def overdue(self, by: timedelta) -> Job | None:
        """Return a job that has been due for so long, if there is one."""
        return next(iter(self._table().due(self._clock.now() - by, limit=10).jobs), None)

    def look(self, queue: QueueFact, limit: int) -> Sequence[Letter]:
        """Return so many messages, which stay where they are."""
        return self._letters().look(queue.url, limit)

    def move(self, queue: QueueFact, to: str, limit: int) -> Moved:
        """Send up to so many messages to the queue of that ARN."""
        return self._letters().move(queue.url, to, limit)

    def purge(self, queue: QueueFact, limit: int) -> int:
        """Delete up to so many messages; how many it was, 0 for the last."""
        return self._letters().purge(queue.url, limit)

    def jobs(self, job_ids: Sequence[str]) -> Mapping[str, Job]:
        """Return the jobs that exist of these."""
        return {job.id: job for job in self._table().find_all(job_ids)}

    def _table(self) -> DynamoJobs:
        described = self.description()
        name = described.outputs.get("JobsTableName") if described else None
        if name is None:
            raise Problem(f"The stack {self.name} names no jobs table.")
        return DynamoJobs(Table(self._client("dynamodb"), name))

    def _letters(self) -> SqsLetters:
        return SqsLetters(self._client("sqs"))

    def _queue(self, part: Part) -> QueueFact:
        told = self._client("sqs").get_queue_attributes(
            QueueUrl=part.physical_id,
            AttributeNames=["QueueArn", "RedrivePolicy", *_COUNTS.values()],
        )["Attributes"]
        policy = json.loads(told.get("RedrivePolicy", "{}"))
        return QueueFact(
            title=title_of(part.logical_id),
            url=part.physical_id,
            arn=told["QueueArn"],
            dead_letters=policy.get("deadLetterTargetArn"),
            **{field: int(told[name]) for field, name in _COUNTS.items()},
        )

    def _function(self, part: Part) -> FunctionFact:
        told = self._client("lambda").get_function_configuration(FunctionName=part.physical_id)
        environment = told.get("Environment", {}).get("Variables", {})
        return FunctionFact(
            name=told["FunctionName"],
            service=environment.get("POWERTOOLS_SERVICE_NAME", ""),
            state=told.get("State", ""),
            last_update=told.get("LastUpdateStatus", ""),
            environment=environment,
        )

    def _rule(self, name: str) -> RuleFact:
        client = self._client("events")
        told = client.describe_rule(Name=name)
        targets = client.list_targets_by_rule(Rule=name)["Targets"]
        return RuleFact(
            name=name,
            is_enabled=told["State"] == "ENABLED",
            pattern=json.loads(told.get("EventPattern") or "{}"),
            targets=[one["Arn"] for one in targets],
            undeliverable={
                one["Arn"]: one["DeadLetterConfig"]["Arn"]
                for one in targets
                if "DeadLetterConfig" in one
            },
        )
