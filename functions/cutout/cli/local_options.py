"""Options of the local cloud."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from cutout.cli.context import Context
from cutout.cli.local_cloud import request_of
from cutout.cli.options.environment import DEFAULT_STACK


def _settings(
    _ctx: click.Context, _option: click.Parameter, texts: Sequence[str]
) -> dict[str, str]:
    settings = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.isidentifier():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, like max_in_flight=10")
        settings[name] = value
    return settings


def local_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the local cloud; the command gets the `request` for one, and `live`."""

    @functools.wraps(function)
    def command(
        context: Context,
        /,
        *,
        stack: str | None,
        settings: dict[str, str],
        evolink_url: str | None,
        live: bool,
        **options: Any,  # noqa: ANN401 - the command's own
    ) -> Any:  # noqa: ANN401 - as above
        if live and evolink_url:
            raise click.UsageError("--live and --evolink-url exclude each other.")
        request = request_of(
            context.settings, stack=stack, settings=settings, evolink_url=evolink_url, live=live
        )
        return function(context, request=request, live=live, **options)

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
