"""Commands on a stack: they have the options that choose it, and `--json`."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import click

from cutout.cli.context import Context
from cutout.cli.options.help_page import DocumentedCommand
from cutout.cli.options.shared_options import CHOSEN, STACK_OPTIONS, chosen_stack, json_option
from cutout.cli.output.terminal import remark

_VERBOSE = click.option("--verbose", is_flag=True, help="Also count the requests to AWS.")


def stack_command(
    name: str,
    exit_statuses: Mapping[int, str],
    example: str,
    *,
    is_impatient: bool = False,
    counts_requests: bool = False,
    has_json: bool = True,
) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command; it gets the stack, `as_json` and the values of its own options.

    The function returns its exit status, or None for 0. A command that `is_impatient` gives up soon
    on a service that does not answer; one that `counts_requests` has `--verbose`.
    """

    def decorate(function: Callable[..., int | None]) -> click.Command:
        # `wraps` also copies the options that decorators have added to the function.
        @wraps(function)
        @click.pass_obj
        def run(
            context: Context,
            /,
            *,
            verbose: bool = False,
            **options: Any,  # noqa: ANN401 - the command's own
        ) -> int | None:
            connected = context.connect(chosen_stack(is_impatient=is_impatient))
            own = {name: value for name, value in options.items() if name not in CHOSEN}
            status = function(connected, **own)
            if verbose:
                requests = sorted(connected.requests().items())
                remark(f"requests: {', '.join(f'{count:,} {name}' for name, count in requests)}")
            return status

        command = click.command(
            name, cls=DocumentedCommand, exit_statuses=exit_statuses, example=example
        )(run)
        # Added to the command, not to the function, so that the help lists them last.
        own = [_VERBOSE] * counts_requests + [json_option] * has_json
        for option in (*own, *STACK_OPTIONS):
            option(command)
        return command

    return decorate
