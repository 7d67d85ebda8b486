"""What checkers of good practice find here and we know better, each with its reason.

The rules are those of cdk-nag's packs AwsSolutions and Serverless, and checkov's. They are
acknowledged on the resources themselves, so that an app that embeds the construct and runs them is
told nothing that was thought about already. `make check` runs all; a new finding, or a new resource
that none of these reasons is true for, fails it.
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
    """A rule that some resources break for a reason.

    Attributes:
        rules: The packs' names for it; checkov's begin with `CKV`.
        kind: The type of the resources.
        reason: Why they do; true for each of them.
        within: A part of their paths; all of the type if there is none.
    """

    rules: tuple[str, ...]
    kind: str
    reason: str
    within: tuple[str, ...] = ()

    def applies_to(self, resource: CfnResource) -> bool:
        """Say whether the reason is one of this resource."""
        if resource.cfn_resource_type != self.kind:
            return False
        parts = resource.node.path.split("/")
        return not self.within or any(part in parts for part in self.within)


SUPPRESSIONS: Final = (
    Suppression(
        rules=("AwsSolutions::AwsSolutions-S1", "CKV_AWS_18"),
        kind="AWS::S3::Bucket",
        reason="Who reads photos is told by CloudTrail's data events where the account wants it "
        "told; access logs would need another bucket, which grows for ever",
    ),
    Suppression(
        rules=("CKV_AWS_21",),
        kind="AWS::S3::Bucket",
        within=("Work",),
        reason="What is in it can be made again, or is there to be read once, and expires",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-DDB3", "CKV_AWS_28"),
        kind="AWS::DynamoDB::Table",
        within=("Calls",),
        reason="What is in it lets its reader read a photo, and is of use for minutes: a backup "
        "would keep it for weeks, and an unanswered call whose body is lost is not repeated",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-SMG4",),
        kind="AWS::SecretsManager::Secret",
        within=("ApiKey",),
        reason="The provider issues this key by hand and has no API to rotate it",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-SMG4",),
        kind="AWS::SecretsManager::Secret",
        within=("SigningKey",),
        reason="No person ever sees this key; it is rotated by a new version of the secret, and "
        "callbacks signed with the one before are still taken",
    ),
    Suppression(
        rules=(
            "AwsSolutions::AwsSolutions-L1",
            "Serverless::Serverless-LambdaLatestVersion",
        ),
        kind="AWS::Lambda::Function",
        reason="What is shipped is locked and compiled for this version, which AWS supports",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaDLQ", "CKV_AWS_116"),
        kind="AWS::Lambda::Function",
        reason="Works off a queue that has a DLQ, or answers a request, or runs again within the "
        "minute: nothing that is sent to it without waiting can be lost",
    ),
    Suppression(
        rules=("CKV_AWS_117",),
        kind="AWS::Lambda::Function",
        reason="Talks to the provider and to AWS over TLS alone; a network of one's own is a "
        "property, and costs a NAT gateway",
    ),
    Suppression(
        rules=("CKV_AWS_115",),
        kind="AWS::Lambda::Function",
        reason="What works off a queue is bounded by its event source mapping, the rest reserves "
        "its concurrency where the account has any to set aside",
    ),
    Suppression(
        rules=("CKV_AWS_173",),
        kind="AWS::Lambda::Function",
        reason="The environment holds names and limits, which are in the template anyway; secrets "
        "are read from Secrets Manager",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaTracing",),
        kind="AWS::Lambda::Function",
        reason="The job id binds the log lines of all functions; tracing would cost a sixth of "
        "each cold start and a fee per trace",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaEventSourceMappingDestination",),
        kind="AWS::Lambda::EventSourceMapping",
        reason="AWS takes no destination for a queue: its messages go to the queue's own DLQ",
    ),
    Suppression(
        rules=("Serverless::Serverless-LambdaAsyncFailureDestination",),
        kind="AWS::Lambda::EventInvokeConfig",
        reason="A run that fails is not made up for: the next one, a minute later, does its work",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-SQS3", "Serverless::Serverless-SQSRedrivePolicy"),
        kind="AWS::SQS::Queue",
        within=_DEAD_LETTERS,
        reason="This is where messages end that could not be handled or delivered",
    ),
    Suppression(
        rules=("Serverless::Serverless-SNSRedrivePolicy",),
        kind="AWS::SNS::Subscription",
        reason="Mail that cannot be delivered can be sent to nobody later; the alarm stays red",
    ),
    Suppression(
        rules=("AwsSolutions::AwsSolutions-APIG4",),
        kind="AWS::ApiGatewayV2::Route",
        reason="The provider cannot sign its requests; the path carries an HMAC of the job and "
        "the attempt, which ReceiveCallback checks before anything else",
    ),
)

_WIDE: Final = "Objects are named by whoever uploads them: no resource is narrower than a prefix"
_ALL: Final = "AWS takes no resource for what Lambda asks of a function's network interfaces"


def acknowledge(scope: Construct) -> None:
    """Say on every resource under the scope why it is as it is."""
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
        resource.add_metadata("checkov", {"skip": skipped})


def _acknowledge_wide_resources(policy: iam.CfnPolicy) -> None:
    document = Stack.of(policy).resolve(policy.policy_document)
    for statement in document["Statement"]:
        if statement["Effect"] == "Deny":
            continue
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            name = _flat(resource)
            if "*" in name:
                rule = f"AwsSolutions::AwsSolutions-IAM5[Resource::{name}]"
                _say(policy, [(rule, _ALL if name == "*" else _WIDE)])


def _say(node: IConstruct, acknowledged: Iterable[tuple[str, str]]) -> None:
    told = [Acknowledgment(id=rule, reason=reason) for rule, reason in acknowledged]
    if told:
        Validations.of(node).acknowledge(*told)


def _flat(value: object) -> str:
    """Write a value with intrinsic functions as the pack writes it."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(between), [*parts]]}:
            return between.join(map(_flat, parts))
        case _:
            return str(value)
