"""Options that several commands share."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import click

from cutout.cli.options.target import Choice

if TYPE_CHECKING:
    from collections.abc import Callable


LONGEST_SECONDS = 31_536_000
"""A year: what waits longer waits for ever, and some clocks cannot say when that ends."""


class FiniteRange(click.FloatRange):
    """A number within bounds, which `nan` passes otherwise, as it is neither less nor more."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Read it."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number like 12.5", param, ctx)
        return number


def stack_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told which stack it is about; it gets the ``choice``."""

    @functools.wraps(function)
    def command(
        *args: Any,  # noqa: ANN401 - the command's own
        stack: str | None,
        aws: bool,
        profile: str | None,
        region: str | None,
        **options: Any,  # noqa: ANN401 - the command's own
    ) -> Any:  # noqa: ANN401 - the command's own
        choice = Choice(stack=stack, aws=aws, profile=profile, region=region)
        return function(*args, choice=choice, **options)

    for option in (
        click.option("--region", metavar="NAME", help="AWS region of the stack; means --aws."),
        click.option("--profile", metavar="NAME", help="Profile of the AWS CLI; means --aws."),
        click.option("--aws", is_flag=True, help="Use AWS even while a local cloud is up."),
        click.option("--stack", metavar="NAME", help="Name of the stack.  [default: Cutout]"),
    ):
        option(command)
    return command


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command print JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(
        command
    )
