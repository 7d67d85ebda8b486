"""Everything a command is given by the world, in one value that tests can make up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from cutout.cli.options.environment import CliSettings
from cutout.cli.progress.clock import Clock, MachineClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cutout.cli.aws.deployment import Deployment
    from cutout.cli.aws.stack import Stack
    from cutout.cli.local_cloud import LocalClouds
    from cutout.cli.options.target import Choice


class Connect(Protocol):
    """Finds the stack that the options mean."""

    def __call__(self, choice: Choice, /) -> Stack:
        """Return it, or raise a Problem that says why not."""


class Examine(Protocol):
    """Finds the deployment that the options mean, whatever state it is in."""

    def __call__(self, choice: Choice, /) -> Deployment:
        """Return it, without asking whether it is there."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What surrounds one run of the command line."""

    settings: CliSettings
    folder: Path
    clock: Clock
    connect: Connect
    examine: Examine
    local: LocalClouds

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str], folder: Path) -> Self:
        """Return the real ones."""
        from cutout.cli.local_cloud import MachineClouds  # noqa: PLC0415 - what they need loads slowly
        from cutout.cli.options.target import Connector  # noqa: PLC0415

        settings = CliSettings.from_environment(environment)
        clock = MachineClock()
        connector = Connector(settings, folder)
        return cls(
            settings=settings,
            folder=folder,
            clock=clock,
            connect=connector,
            examine=connector.deployment,
            local=MachineClouds(settings, folder, clock),
        )
