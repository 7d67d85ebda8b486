"""Options of the local cloud."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import click

from cutout.cli.options.environment import DEFAULT_STACK
from cutout.domain.dataclass import dataclass


@dataclass(frozen=True, kw_only=True)
class LocalOptions:
    """What the options say about the local cloud.

    Attributes:
        stack: the name of the stack, if an option names one.
        settings: settings of the stack, in the order of their options.
        evolink_url: the server that takes the place of the Evolink API.
        live: use the real Evolink API.
    """

    stack: str | None = None
    settings: Sequence[tuple[str, str]] = ()
    evolink_url: str | None = None
    live: bool = False


def _settings(
    _ctx: click.Context, _option: click.Parameter, texts: Sequence[str]
) -> list[tuple[str, str]]:
    settings = []
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.isidentifier():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, like max_in_flight=10")
        settings.append((name, value))
    return settings


def local_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the local cloud; the command gets `local`."""

    @functools.wraps(function)
    def command(
        *args: Any,  # noqa: ANN401 - the command's own
        **options: Any,  # noqa: ANN401 - as above
    ) -> Any:  # noqa: ANN401 - as above
        local = LocalOptions(**{one.name: options.pop(one.name) for one in fields(LocalOptions)})
        if local.live and local.evolink_url:
            raise click.UsageError("--live and --evolink-url exclude each other.")
        return function(*args, local=local, **options)

    for option in (
        click.option(
            "--live",
            is_flag=True,
            help="Use the real API with the key in EVOLINK_API_KEY; this costs credits.",
        ),
        click.option(
            "--evolink-url",
            metavar="URL",
            help="Use another server in place of the Evolink API (http only on this machine); "
            "its key is EVOLINK_API_KEY, or 'local' if that is not set.",
        ),
        click.option(
            "-c",
            "settings",
            metavar="NAME=VALUE",
            multiple=True,
            callback=_settings,
            help="A setting of the stack (repeatable).",
        ),
        click.option(
            "--stack", metavar="NAME", help=f"Name of the stack.  [default: {DEFAULT_STACK}]"
        ),
    ):
        option(command)
    return command
