"""Commands whose help says, laid out as it is written, the exit statuses and a worked example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

_USAGE_STATUS = "the command line is wrong"
_INTERRUPT_STATUS = "interrupted"


class Documented:
    """What a command or a group of commands adds to its help."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        example: str,
        exit_statuses: Mapping[int, str],
        **options: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **options)
        self.example = example
        self.exit_statuses = {**exit_statuses, 2: _USAGE_STATUS, 130: _INTERRUPT_STATUS}

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write both below the options."""
        with formatter.section("Exit status"):
            formatter.write_dl(
                [(str(status), meaning) for status, meaning in self.exit_statuses.items()]
            )
        with formatter.section("Example"):
            for line in self.example.strip().splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class DocumentedCommand(Documented, click.Command):
    """A command with exit statuses and an example in its help; what it returns is its status."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command, and exit with its status unless all is well."""
        if status := super().invoke(ctx):
            ctx.exit(status)


class DocumentedGroup(Documented, click.Group):
    """A group of commands with the same."""
