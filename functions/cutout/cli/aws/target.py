"""Where a stack is: in the local cloud of this project, or on AWS."""

from collections.abc import Mapping
from pathlib import Path

from cutout.cli.local_cloud import variables_if_up
from cutout.cli.options.environment import DEFAULT_STACK, CliSettings
from cutout.cli.options.shared_options import Choice
from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where to look for a stack.

    Attributes:
        variables: environment variables that reach the local cloud; None for AWS.
    """

    stack: str
    variables: Mapping[str, str] | None = None
    profile: str | None = None
    region: str | None = None


def find_target(choice: Choice, settings: CliSettings, local: Mapping[str, str] | None) -> Target:
    """Choose between the local cloud, whose variables are `local` if it is up, and AWS."""
    if local is not None and not choice.means_aws:
        stack = choice.stack or local.get("CUTOUT_STACK") or DEFAULT_STACK
        return Target(stack=stack, variables=local)
    return Target(
        stack=choice.stack or settings.stack or DEFAULT_STACK,
        profile=choice.profile,
        region=choice.region or settings.region,
    )


def target_of(choice: Choice, settings: CliSettings, folder: Path) -> Target:
    """Return the target of a command that runs in this folder.

    Raises:
        Problem: There is a local cloud that cannot be used, and no option chooses AWS.
    """
    # With `--aws` a broken local cloud must not get in the way, so it is not looked at.
    local = None if choice.means_aws else variables_if_up(folder)
    return find_target(choice, settings, local)
