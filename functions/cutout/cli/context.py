"""The context of a command, in one value that tests can replace."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cutout.cli.local_cloud import LocalCloud
from cutout.cli.options.environment import CliSettings
from cutout.cli.progress.clock import Clock
from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.options.shared_options import Choice


@dataclass(frozen=True, kw_only=True)
class Context:
    """The context of one run of the command line.

    Attributes:
        connect: returns the stack that options choose, whether or not it exists. Raises Problem if
            there is a local cloud that cannot be used, and no option chooses AWS.
    """

    settings: CliSettings
    folder: Path
    clock: Clock
    connect: Callable[[Choice], Stack]
    local: LocalCloud
    is_terminal: bool = False
    """Whether a person can answer a question: stdin is a terminal."""

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str], folder: Path) -> Self:
        """Return the context of this process."""
        settings, clock = CliSettings.from_environment(environment), Clock()

        # Imported when a command connects: `cutout --help` needs no SDK.
        def connect(choice: Choice) -> Stack:
            from cutout.cli.aws.lighter_botocore import lighten  # noqa: PLC0415 - as above

            lighten()
            from cutout.cli.aws import deployed_stack  # noqa: PLC0415 - as above
            from cutout.cli.aws.target import target_of  # noqa: PLC0415 - as above

            target = target_of(choice, settings, folder)
            return deployed_stack.connect(target, clock, is_impatient=choice.is_impatient)

        return cls(
            settings=settings,
            folder=folder,
            clock=clock,
            connect=connect,
            local=LocalCloud(settings, folder, clock),
            # Python sets it to None if its descriptor was closed before the start.
            is_terminal=sys.stdin is not None and sys.stdin.isatty(),
        )
