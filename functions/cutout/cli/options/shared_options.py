"""Options that several commands share."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cutout.domain.dataclass import dataclass

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Adds options to the function of a command."""
LONGEST_SECONDS = 31_536_000
"""A year: enough for every wait, and no clock overflows."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The options that choose a stack.

    Attributes:
        is_impatient: give up soon on a service that does not answer.
    """

    stack: str | None = None
    aws: bool = False
    profile: str | None = None
    region: str | None = None
    is_impatient: bool = False

    @property
    def means_aws(self) -> bool:
        """Whether an option chooses AWS, even if a local cloud is up."""
        # A profile or a region has no meaning in the local cloud.
        return self.aws or self.profile is not None or self.region is not None


CHOSEN = ("stack", "aws", "profile", "region")
STACK_OPTIONS = (
    click.option("--stack", metavar="NAME", help="Name of the stack.  [default: Cutout]"),
    click.option("--aws", is_flag=True, help="Use AWS even while a local cloud is up."),
    click.option("--profile", metavar="NAME", help="Profile of the AWS CLI; implies --aws."),
    click.option("--region", metavar="NAME", help="AWS region of the stack; implies --aws."),
)


class FiniteRange(click.FloatRange):
    """A number within bounds. `click.FloatRange` accepts `nan`, which is neither less nor more."""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Convert the text."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number like 12.5", param, ctx)
        return number


def chosen_stack(*, is_impatient: bool = False) -> Choice:
    """Return the options that choose the stack of the command that runs."""
    options = click.get_current_context().params
    return Choice(is_impatient=is_impatient, **{name: options[name] for name in CHOSEN})


fresh_option = click.option(
    "--fresh", "bypass_cache", is_flag=True, help="Ignore cached results and pay for new cut-outs."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def timeout_option(text: str, *, least: float = 0, default: float | None = None) -> Decorator:
    """Add `--timeout` in seconds; the command gets `timeout`."""
    return click.option(
        "--timeout",
        type=FiniteRange(least, LONGEST_SECONDS),
        default=default,
        show_default=default is not None,
        metavar="SECONDS",
        help=text,
    )


def limit_option(what: str) -> Decorator:
    """Add `--limit`, the most of `what` that are listed; the command gets `limit`."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=50,
        show_default=True,
        help=f"Up to this many {what}.",
    )


def out_option(what: str) -> Decorator:
    """Add `--out`, the folder for `what`; the command gets the `out` path."""
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("out"),
        show_default=True,
        metavar="DIR",
        help=f"The folder for {what}.",
    )
