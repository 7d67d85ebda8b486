"""Commands whose help ends with the exit statuses and an example."""

from collections.abc import Mapping
from typing import Any

import click

from cutout.cli.output.problems import explained


class Documented:
    """The exit statuses and the example of a command or a group of commands."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        example: str,
        exit_statuses: Mapping[int, str],
        **options: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **options)
        self.example = example
        self.exit_statuses = {**exit_statuses, 2: "the command line is wrong", 130: "interrupted"}

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write both below the options; the lines of the example are kept."""
        with formatter.section("Exit status"):
            formatter.write_dl(
                [(str(status), meaning) for status, meaning in self.exit_statuses.items()]
            )
        with formatter.section("Example"):
            for line in self.example.strip().splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class DocumentedCommand(Documented, click.Command):
    """A command with exit statuses and an example in its help. It returns its exit status, or None.

    Errors of AWS, the network and files become problems, which end it with status 1 and advice.
    """

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run the command, and exit with its status unless that is 0."""
        # Here and not in each command: nothing that a command calls can be forgotten.
        with explained():
            status = super().invoke(ctx)
        if status:
            ctx.exit(status)


class DocumentedGroup(Documented, click.Group):
    """A group of commands with exit statuses and an example in its help."""
