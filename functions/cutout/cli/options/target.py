"""Which stack a command is about: that of this folder's local cloud, or one on AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cutout.cli.options.environment import DEFAULT_STACK

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cutout.cli.aws.deployment import Deployment
    from cutout.cli.aws.stack import Stack
    from cutout.cli.options.environment import CliSettings


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the options say about the stack."""

    stack: str | None = None
    aws: bool = False
    profile: str | None = None
    region: str | None = None

    @property
    def means_aws(self) -> bool:
        """Say whether AWS was asked for, even if a local cloud is up."""
        return self.aws or self.profile is not None or self.region is not None


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to look for a stack.

    Attributes:
        stack: Its name.
        variables: How to reach the local cloud; None for AWS.
        profile: Profile of the AWS CLI, if one was named.
        region: AWS region, if one was named.
    """

    stack: str
    variables: Mapping[str, str] | None = None
    profile: str | None = None
    region: str | None = None


def find_target(choice: Choice, settings: CliSettings, local: Mapping[str, str] | None) -> Target:
    """Decide between the local cloud, whose variables are ``local`` if it is up, and AWS."""
    if local is not None and not choice.means_aws:
        stack = choice.stack or local.get("CUTOUT_STACK") or DEFAULT_STACK
        return Target(stack=stack, variables=local)
    return Target(
        stack=choice.stack or settings.stack or DEFAULT_STACK,
        profile=choice.profile,
        region=choice.region or settings.region,
    )


class Connector:
    """Connects to the stack that the options mean."""

    def __init__(self, settings: CliSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder

    def __call__(self, choice: Choice) -> Stack:
        """Return the stack.

        Raises:
            Problem: There is none, or it cannot be reached.
        """
        from cutout.cli.aws.stack_aws import connect  # noqa: PLC0415 - boto3 loads slowly

        return connect(self.target(choice))

    def deployment(self, choice: Choice) -> Deployment:
        """Return what the stack consists of, even if it is not whole, or not there."""
        from cutout.cli.aws.deployment_aws import AwsDeployment  # noqa: PLC0415 - boto3 loads slowly
        from cutout.cli.progress.clock import MachineClock  # noqa: PLC0415 - with the next

        return AwsDeployment(self.target(choice), MachineClock())

    def target(self, choice: Choice) -> Target:
        """Return where to look.

        Raises:
            LocalCloudError: There is a local cloud that cannot be used, and AWS was not asked for.
        """
        from infra.local.lifecycle import variables_if_up  # noqa: PLC0415 - loads slowly

        local = None if choice.means_aws else variables_if_up(self._folder)
        return find_target(choice, self._settings, local)
