"""Findings of best-practice checkers that do not apply here, each with its reason.

The rules are those of cdk-nag's packs AwsSolutions and Serverless, and of checkov. The resources
themselves carry the suppressions, so an app that embeds the construct and runs the packs sees none
of these findings. `make check` runs all of them and fails for a finding without a suppression.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

_CHECKOV: Final = "CKV"
_DEAD_LETTERS: Final = ("DeadLetters", "Undeliverable")


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """Rules that resources of a type, below these parts of paths if any, break for a reason."""

    rules: tuple[str, ...]
    kind: str
    reason: str
    within: tuple[str, ...] = ()

    def applies_to(self, resource: CfnResource) -> bool:
        """Return whether this resource is one of them."""
        parts = resource.node.path.split("/")
        is_within = not self.within or not set(self.within).isdisjoint(parts)
        return is_within and resource.cfn_resource_type == self.kind


SUPPRESSIONS: Final = (
    Suppression(
        rules=("AwsSolutions::AwsSolutions-S1", "CKV_AWS_18"),
        kind="AWS::S3::Bucket",
        reason="CloudTrail's data events record who reads photos, in accounts that want it; access "
        "logs would need another bucket, which grows for ever",
    ),
    Suppression(
        rules=("CKV_AWS_21",),
        kind="AWS::S3::Bucket",
        within=("Work",),
        reason="Its objects can be made again, or are read once, and they expire",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-DDB3", "CKV_AWS_28"),
        kind="AWS::DynamoDB::Table",
        within=("Calls",),
        reason="Its items give access to photos and are of use for minutes: a backup would keep "
        "them for weeks, and a request whose body is lost is not repeated",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-SMG4",),
        kind="AWS::SecretsManager::Secret",
        within=("ApiKey",),
        reason="A person gets this key from the provider, which has no API to rotate it",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-SMG4",),
        kind="AWS::SecretsManager::Secret",
        within=("SigningKey",),
        reason="No person sees this key; a new version of the secret rotates it, and callbacks "
        "signed with the previous version are still accepted",
    ),
    Suppression(
        rules=(
            "AwsSolutions::AwsSolutions-L1",
            "Serverless::Serverless-LambdaLatestVersion",
        ),
        kind="AWS::Lambda::Function",
        reason="The assets are locked and compiled for this version, which AWS supports",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaDLQ", "CKV_AWS_116"),
        kind="AWS::Lambda::Function",
        reason="It consumes a queue that has a DLQ, or answers a request, or runs again within a "
        "minute: no asynchronous invocation can be lost",
    ),
    Suppression(
        rules=("CKV_AWS_117",),
        kind="AWS::Lambda::Function",
        reason="It calls the provider and AWS over TLS only; a VPC is a property of the construct, "
        "and costs a NAT gateway",
    ),
    Suppression(
        rules=("CKV_AWS_115",),
        kind="AWS::Lambda::Function",
        reason="The event source mapping limits functions that consume a queue; the others "
        "reserve concurrency where the account has enough",
    ),
    Suppression(
        rules=("CKV_AWS_173",),
        kind="AWS::Lambda::Function",
        reason="The environment holds names and limits, which the template shows anyway; secrets "
        "are read from Secrets Manager",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaTracing",),
        kind="AWS::Lambda::Function",
        reason="The job id connects the log lines of all functions; tracing would add a sixth to "
        "each cold start and a fee per trace",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaEventSourceMappingDestination",),
        kind="AWS::Lambda::EventSourceMapping",
        reason="AWS accepts no destination for a queue: failed messages go to the queue's own DLQ",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaAsyncFailureDestination",),
        kind="AWS::Lambda::EventInvokeConfig",
        reason="A run that fails is not repeated: the next one, a minute later, does its work",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-SQS3", "Serverless::Serverless-SQSRedrivePolicy"),
        kind="AWS::SQS::Queue",
        within=_DEAD_LETTERS,
        reason="It is the queue of messages that could not be handled or delivered",
    ),
    Suppression(
        rules=("Serverless::Serverless-SNSRedrivePolicy",),
        kind="AWS::SNS::Subscription",
        reason="Mail that cannot be delivered is of no use later; the alarm stays red",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-APIG4",),
        kind="AWS::ApiGatewayV2::Route",
        reason="The provider cannot sign its requests; the path contains an HMAC of the job and "
        "the attempt, which ReceiveCallback checks first",
    ),
)

_WIDE: Final = "Uploaders choose the names of objects: no resource is narrower than a prefix"
_ALL: Final = "AWS accepts no resource for actions on a function's network interfaces"


def acknowledge(scope: Construct) -> None:
    """Put the suppressions on the resources under the scope."""
    for node in scope.node.find_all():
        if isinstance(node, iam.CfnPolicy):
            _acknowledge_wide_resources(node)
        elif isinstance(node, CfnResource):
            _acknowledge(node, [known for known in SUPPRESSIONS if known.applies_to(node)])


def _acknowledge(resource: CfnResource, known: Sequence[Suppression]) -> None:
    pairs = [(rule, one.reason) for one in known for rule in one.rules]
    _say(resource, [pair for pair in pairs if not pair[0].startswith(_CHECKOV)])
    skipped = [
        {"id": rule, "comment": reason} for rule, reason in pairs if rule.startswith(_CHECKOV)
    ]
    if skipped:
        # checkov reads its suppressions from the template, cdk-nag from the construct tree.
        resource.add_metadata("checkov", {"skip": skipped})


def _acknowledge_wide_resources(policy: iam.CfnPolicy) -> None:
    document = Stack.of(policy).resolve(policy.policy_document)
    for statement in document["Statement"]:
        # A denial cannot be too wide.
        if statement["Effect"] == "Deny":
            continue
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            name = _flat(resource)
            if "*" in name:
                rule = f"AwsSolutions::AwsSolutions-IAM5[Resource::{name}]"
                _say(policy, [(rule, _ALL if name == "*" else _WIDE)])


def _say(node: IConstruct, acknowledged: Iterable[tuple[str, str]]) -> None:
    entries = [Acknowledgment(id=rule, reason=reason) for rule, reason in acknowledged]
    if entries:
        Validations.of(node).acknowledge(*entries)


def _flat(value: object) -> str:
    """Write a value with intrinsic functions as cdk-nag writes it."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(map(_flat, parts))
        case _:
            return str(value)
