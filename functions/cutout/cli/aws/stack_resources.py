"""The resources of a stack and how each of them is."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cutout.cli.aws.cloudwatch import StackMonitors
from cutout.cli.aws.dead_letter_queues import SqsLetters
from cutout.cli.aws.description import Resource, name_in
from cutout.cli.output.problems import Problem
from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from cutout.cli.aws.clients import TargetClients
    from cutout.cli.aws.target import Target
    from cutout.ports.http import Http

_TIMEOUT_SECONDS = 10.0
_COUNTS = {
    "visible": "ApproximateNumberOfMessages",
    "in_flight": "ApproximateNumberOfMessagesNotVisible",
    "delayed": "ApproximateNumberOfMessagesDelayed",
}


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue and the number of its messages.

    Attributes:
        title: its name for people.
        dead_letters: ARN of its dead-letter queue; None if it has none.
    """

    title: str
    url: str
    arn: str
    visible: int
    in_flight: int
    delayed: int
    dead_letters: str | None

    @property
    def name(self) -> str:
        """Its name in the account."""
        return self.arn.rpartition(":")[2]

    @property
    def count(self) -> int:
        """All messages."""
        return self.visible + self.in_flight + self.delayed


@dataclass(frozen=True, kw_only=True)
class DeployedFunction:
    """A function of Cutout; `service` is its name in log lines."""

    name: str
    service: str
    state: str
    last_update: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """The event source mapping that sends a queue's messages to a function."""

    function: str
    queue_arn: str
    state: str


@dataclass(frozen=True, kw_only=True)
class EventRule:
    """A rule of the event bus.

    Attributes:
        undeliverable: for each target that has one, the ARN of its dead-letter queue.
    """

    name: str
    is_enabled: bool
    pattern: Mapping[str, object]
    targets: Sequence[str]
    undeliverable: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A schedule that starts a function."""

    name: str
    is_enabled: bool
    target: str


class StackResources(StackMonitors):
    """The stack's resources, read from AWS each time."""

    def __init__(self, clients: TargetClients, target: Target) -> None:
        super().__init__(clients, target.stack)
        local = target.variables
        self._authority = None if local is None else local["AWS_CA_BUNDLE"]

    def queues(self) -> Sequence[Queue]:
        """Return every queue of the stack."""
        return [self._queue(one) for one in self._resources("AWS::SQS::Queue")]

    def functions(self) -> Sequence[DeployedFunction]:
        """Return the functions of Cutout; custom resources of the CDK are left out."""
        from cutout.domain.function_settings import variable  # noqa: PLC0415 - few commands need it

        found = [self._function(one) for one in self._resources("AWS::Lambda::Function")]
        # An app that embeds Cutout has other functions in the stack.
        return [one for one in found if variable("stack") in one.environment]

    def function(self, service: str) -> DeployedFunction | None:
        """Return the function with this service name."""
        return next((one for one in self.functions() if one.service == service), None)

    def environment_of(self, function: str) -> Mapping[str, str]:
        """Return the environment variables of the function with this name in the template.

        Raises:
            Problem: The stack has no such function.
        """
        # The CDK adds a hash to logical ids, and an embedding app the path of its constructs.
        # One request: `functions` would read all of them.
        for resource in self._resources("AWS::Lambda::Function"):
            if function in resource.logical_id:
                return self._function(resource).environment
        raise Problem(
            f"The stack {self.name} has no function {function}.", advice="`cutout doctor`."
        )

    def triggers(self) -> Iterable[Trigger]:
        """Yield the triggers of the functions."""
        client = self.clients.client("lambda")
        for resource in self._resources("AWS::Lambda::EventSourceMapping"):
            one = client.get_event_source_mapping(UUID=resource.physical_id)
            name, queue = name_in(one["FunctionArn"]), one["EventSourceArn"]
            yield Trigger(function=name, queue_arn=queue, state=one["State"])

    def event_rules(self) -> Iterable[EventRule]:
        """Yield the stack's rules of the event bus."""
        client = self.clients.client("events")
        for resource in self._resources("AWS::Events::Rule"):
            one = client.describe_rule(Name=resource.physical_id)
            targets = client.list_targets_by_rule(Rule=resource.physical_id)["Targets"]
            yield EventRule(
                name=resource.physical_id,
                is_enabled=one["State"] == "ENABLED",
                pattern=json.loads(one.get("EventPattern") or "{}"),
                targets=[target["Arn"] for target in targets],
                undeliverable={
                    target["Arn"]: target["DeadLetterConfig"]["Arn"]
                    for target in targets
                    if "DeadLetterConfig" in target
                },
            )

    def schedules(self) -> Iterable[Schedule]:
        """Yield the stack's schedules."""
        client = self.clients.client("scheduler")
        for resource in self._resources("AWS::Scheduler::Schedule"):
            one = client.get_schedule(Name=resource.physical_id)
            target, is_enabled = name_in(one["Target"]["Arn"]), one["State"] == "ENABLED"
            yield Schedule(name=one["Name"], is_enabled=is_enabled, target=target)

    def sends_events(self, bucket: str) -> bool:
        """Return whether a bucket sends its events to EventBridge."""
        answer = self.clients.client("s3").get_bucket_notification_configuration(Bucket=bucket)
        # The element is empty: that it is there is the setting.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketNotificationConfiguration.html
        return "EventBridgeConfiguration" in answer

    def ungranted_key(self, bucket: str) -> str | None:
        """Return the KMS key of an attached bucket that the functions may not use, if it has one.

        The ARN, id or alias, as the bucket names it.
        """
        if any(one.physical_id == bucket for one in self._resources("AWS::S3::Bucket")):
            return None
        answer = self.clients.client("s3").get_bucket_encryption(Bucket=bucket)
        # Every bucket has a rule, since S3 encrypts all new objects.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
        (rule, *_) = answer["ServerSideEncryptionConfiguration"]["Rules"]
        key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
        if key is None:
            return None
        template = self.clients.client("cloudformation").get_template(StackName=self.name)
        # The statement that grants the key names its ARN; an alias there would grant nothing.
        is_granted = key.rpartition("/")[2] in json.dumps(template["TemplateBody"])
        return None if is_granted else str(key)

    def secret(self, name: str) -> str | None:
        """Return a secret's text; None if there is no such secret, or no value in it."""
        try:
            answer = self.clients.client("secretsmanager").get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return str(answer.get("SecretString", answer.get("SecretBinary", "")))

    def aws_time(self) -> datetime:
        """Return the time on AWS."""
        answer = self.clients.client("sts").get_caller_identity()
        # Every service of AWS sends the header; this operation needs no permission.
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return parsedate_to_datetime(date).astimezone(UTC)

    def http(self, *, trusts_local_cloud: bool = False) -> Http:
        """Return an HTTP client for servers outside AWS's APIs."""
        from cutout.adapters.http_httpx.sending import HttpxHttp  # noqa: PLC0415 - few commands need it

        # Only the local cloud's own URLs: its authority must not vouch for the provider's server.
        authority = self._authority if trusts_local_cloud else None
        verify = None if authority is None else ssl.create_default_context(cafile=authority)
        return HttpxHttp(timeout_seconds=_TIMEOUT_SECONDS, verify=verify)

    @property
    def messages(self) -> SqsLetters:
        """The messages of dead-letter queues."""
        return SqsLetters(self.clients.client("sqs"))

    def _queue(self, resource: Resource) -> Queue:
        attributes = self.clients.client("sqs").get_queue_attributes(
            QueueUrl=resource.physical_id,
            AttributeNames=["QueueArn", "RedrivePolicy", *_COUNTS.values()],
        )["Attributes"]
        policy = json.loads(attributes.get("RedrivePolicy", "{}"))
        return Queue(
            title=resource.title,
            url=resource.physical_id,
            arn=attributes["QueueArn"],
            dead_letters=policy.get("deadLetterTargetArn"),
            **{field: int(attributes[name]) for field, name in _COUNTS.items()},
        )

    def _function(self, resource: Resource) -> DeployedFunction:
        answer = self.clients.client("lambda").get_function_configuration(
            FunctionName=resource.physical_id
        )
        environment = answer.get("Environment", {}).get("Variables", {})
        return DeployedFunction(
            name=answer["FunctionName"],
            service=environment.get("POWERTOOLS_SERVICE_NAME", ""),
            state=answer.get("State", ""),
            last_update=answer.get("LastUpdateStatus", ""),
            environment=environment,
        )
