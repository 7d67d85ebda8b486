"""Gives each function of a deployment its environment and its permissions."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from aws_cdk import aws_iam as iam

from ..access.function_permissions import photo_reader_statements, statements
from ..access.resources import Resources
from ..deployed_functions import FunctionName
from .environment_values import environment
from .function import CutoutFunction

KeyStatements = Callable[[Iterable[str]], Sequence[iam.PolicyStatement]]
"""What a role with these actions needs on the keys of the data."""


def set_environments(
    functions: Mapping[FunctionName, CutoutFunction], resources: Resources
) -> None:
    """Set the environment variables of every function."""
    for function in functions.values():
        timeout_seconds = function.timeout_seconds
        function.add_environment(
            environment(function.shape, resources, timeout_seconds=timeout_seconds)
        )


def grant_permissions(
    functions: Mapping[FunctionName, CutoutFunction],
    photo_reader: iam.Role,
    resources: Resources,
    key_statements: KeyStatements,
) -> None:
    """Add the statements of `permissions`, and those on keys, to each function's role.

    The role that presigned URLs are signed with gets its own.
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
