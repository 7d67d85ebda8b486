"""A Lambda function with its own role, logs and environment, and what the roles may do."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields

from aws_cdk import AssetHashType, Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cutout.domain.function_settings import variable
from cutout.domain.metrics import NAMESPACE

from ..access.function_permissions import photo_reader_statements, statements
from ..access.resources import Resources
from ..assets.asset_platform import LAMBDA_PYTHON
from ..deployed_functions import Asset, FunctionName, FunctionShape
from ..settings.settings import Settings
from .network import INTERFACE_ACTIONS, Network


class CutoutFunction(Construct):
    """A function on arm64 that may write its own logs and do what `allow` adds."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        shape: FunctionShape,
        asset: Asset,
        settings: Settings,
        network: Network | None,
    ) -> None:
        """Make the function; without a network, it runs in Lambda's own."""
        super().__init__(scope, construct_id)
        self.shape = shape
        self.timeout_seconds = timeout_of(shape, settings)
        self.actions: set[str] = set()
        # Lambda would make a group itself, at the first line, and keep its lines for ever.
        self.logs = log_group(self, "Logs", days=settings.log_retention_days)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What {shape.name} of Cutout may do",
        )
        reserved = shape.reserved_concurrency if settings.reserved_concurrency else None
        self.function = self._make(asset, reserved, network)
        self.allow(
            "WriteItsLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [self.logs.log_group_arn],
        )
        if network:
            self.allow("JoinItsNetwork", INTERFACE_ACTIONS, ["*"])
            self._leave_the_network_to_lambda()

    def allow(self, sid: str, actions: Sequence[str], resources: Sequence[str]) -> None:
        """Allow the function these actions on these resources."""
        self.actions.update(actions)
        self.role.add_to_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))
        )

    def consume(self, queue: sqs.Queue, *, max_concurrency: int) -> None:
        """Run for each message of a queue; only messages that it reports as failed return."""
        self.allow(
            "WorkOffItsQueue",
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            [queue.queue_arn],
        )
        mapping = lambda_.EventSourceMapping(
            self,
            "Messages",
            target=self.function,
            event_source_arn=queue.queue_arn,
            # A slow provider must not use up the time of another photo's paid request.
            batch_size=1,
            report_batch_item_failures=True,
            max_concurrency=max_concurrency,
        )
        # Lambda makes no mapping to a queue that the role may not read yet, and its policy is a
        # resource of its own.
        mapping.node.add_dependency(self.role)

    def _leave_the_network_to_lambda(self) -> None:
        """Deny the function's code what Lambda needs the role for to join the network."""
        # A separate policy, because the function depends on the role's.
        iam.Policy(
            self,
            "LambdaAlone",
            roles=[self.role],
            statements=[
                iam.PolicyStatement(
                    sid="LeaveTheNetworkToLambda",
                    effect=iam.Effect.DENY,
                    actions=list(INTERFACE_ACTIONS),
                    resources=["*"],
                    # Requests of the code carry the function's ARN; those of Lambda do not.
                    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
                    conditions={
                        "ArnEquals": {"lambda:SourceFunctionArn": self.function.function_arn}
                    },
                )
            ],
        )

    def _make(
        self, asset: Asset, reserved: int | None, network: Network | None
    ) -> lambda_.Function:
        loop = lambda_.RecursiveLoop
        disk_mb = self.shape.disk_mb
        return lambda_.Function(
            self,
            "Function",
            description=self.shape.description,
            architecture=lambda_.Architecture.ARM_64,
            runtime=lambda_.Runtime(f"python{LAMBDA_PYTHON}", lambda_.RuntimeFamily.PYTHON),
            handler=self.shape.handler,
            code=lambda_.Code.from_asset(
                # The CDK would hash the zip, whose bytecode is not the same on all machines: the
                # function would be deployed again from each.
                str(asset.path),
                asset_hash=asset.digest,
                asset_hash_type=AssetHashType.CUSTOM,
            ),
            memory_size=self.shape.memory_mb,
            ephemeral_storage_size=Size.mebibytes(disk_mb) if disk_mb else None,
            timeout=Duration.seconds(self.timeout_seconds),
            # Only `allow` adds permissions; the library adds none.
            role=self.role.without_policy_updates(),
            log_group=self.logs,
            tracing=lambda_.Tracing.DISABLED,
            reserved_concurrent_executions=reserved,
            recursive_loop=loop.ALLOW if self.shape.may_call_itself else loop.TERMINATE,
            vpc=network.vpc if network else None,
            vpc_subnets=network.subnets if network else None,
            security_groups=list(network.security_groups) if network else None,
        )


def timeout_of(shape: FunctionShape, settings: Settings) -> int:
    """Return a time-out within the lease, so that a lease never expires under a worker."""
    return min(shape.timeout_seconds, settings.lease_seconds)


def set_environments(
    functions: Mapping[FunctionName, CutoutFunction], resources: Resources
) -> None:
    """Set what each function's settings read, and Powertools' own variables.

    A field that `Resources.variables` lacks is the deployment's setting of the same name.
    """
    known = resources.variables()
    for one in functions.values():
        values = known | {
            "memory_mb": one.shape.memory_mb,
            "disk_mb": one.shape.disk_mb,
            "timeout_seconds": one.timeout_seconds,
        }
        variables = {
            "POWERTOOLS_SERVICE_NAME": one.shape.service,
            "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        for name in (field.name for field in fields(one.shape.settings)):
            value = values[name] if name in values else getattr(resources.settings, name)
            if value is not None:
                text = str(value)
                variables[variable(name)] = text.lower() if isinstance(value, bool) else text
        for name, text in variables.items():
            one.function.add_environment(name, text)


def grant_permissions(
    functions: Mapping[FunctionName, CutoutFunction],
    photo_reader: iam.Role,
    resources: Resources,
    key_statements: Callable[[Iterable[str]], Sequence[iam.PolicyStatement]],
) -> None:
    """Add the statements of `function_permissions`, and those on keys, to each function's role.

    `key_statements` returns what a role with these actions needs on the keys of the data. The role
    that presigned URLs are signed with gets its own.
    """
    for name, granted in statements(resources).items():
        for sid, actions, arns in granted:
            functions[name].allow(sid, actions, arns)
    reader_actions: set[str] = set()
    for sid, actions, arns in photo_reader_statements(resources):
        reader_actions.update(actions)
        photo_reader.add_to_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(arns))
        )
    roles = [(one.role, one.actions) for one in functions.values()]
    for role, allowed in [*roles, (photo_reader, reader_actions)]:
        for statement in key_statements(allowed):
            role.add_to_policy(statement)


def log_group(
    scope: Construct, construct_id: str, *, days: int, name: str | None = None
) -> logs.LogGroup:
    """Make a log group that keeps its lines for `days` and is deleted with the stack."""
    group = logs.LogGroup(
        scope, construct_id, log_group_name=name, removal_policy=RemovalPolicy.DESTROY
    )
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101 # what a LogGroup is made of
    resource.retention_in_days = days
    return group
