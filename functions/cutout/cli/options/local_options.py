"""Options of the local cloud, and what they add up to."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from cutout.cli.options.environment import DEFAULT_STACK
from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cutout.cli.context import Surroundings
    from cutout.cli.options.environment import CliSettings
    from infra.local.provider_server import Api
    from infra.local.start import Wish

OTHER_SERVERS_KEY = "local"
"""What is sent to another server when nobody says what it takes; many take anything."""


class Setting(click.ParamType[tuple[str, str]]):
    """A setting of the stack: NAME=VALUE."""

    name = "NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Take it apart."""
        if isinstance(value, tuple):
            return value
        name, separator, chosen = str(value).partition("=")
        if not separator or not name.isidentifier():
            self.fail(f"{value!r} is not NAME=VALUE, like max_in_flight=10", param, ctx)
        return name, chosen


def wish_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told what the local cloud is to be like; it gets the ``wish``."""

    @functools.wraps(function)
    def command(
        surroundings: Surroundings,
        *,
        stack: str | None,
        settings: Sequence[tuple[str, str]],
        evolink_url: str | None,
        live: bool,
        **options: Any,  # noqa: ANN401 - the command's own
    ) -> Any:  # noqa: ANN401 - the command's own
        wish = make_wish(
            surroundings.settings,
            stack=stack,
            chosen=dict(settings),
            evolink_url=evolink_url,
            live=live,
        )
        return function(surroundings, wish=wish, live=live, **options)

    for option in (
        click.option(
            "--live",
            is_flag=True,
            help="Use the real API with the key in EVOLINK_API_KEY; this costs credits.",
        ),
        click.option(
            "--evolink-url",
            metavar="URL",
            help="Use another server in the API's place (http only on this machine); "
            f"its key is EVOLINK_API_KEY's, else '{OTHER_SERVERS_KEY}'.",
        ),
        click.option(
            "-c",
            "settings",
            type=Setting(),
            multiple=True,
            help="A setting of the stack; may be said more than once.",
        ),
        click.option(
            "--stack", metavar="NAME", help=f"Name of the stack.  [default: {DEFAULT_STACK}]"
        ),
    ):
        option(command)
    return command


def make_wish(
    settings: CliSettings,
    *,
    stack: str | None,
    chosen: dict[str, str],
    evolink_url: str | None,
    live: bool,
) -> Wish:
    """Make one wish of the options."""
    from infra.local.start import Wish  # noqa: PLC0415 - loads slowly

    if live and evolink_url:
        raise click.UsageError("--live and --evolink-url exclude each other.")
    return Wish(
        stack=stack or settings.stack or DEFAULT_STACK,
        settings=chosen,
        api=_api(settings, evolink_url, live=live),
    )


def _api(settings: CliSettings, evolink_url: str | None, *, live: bool) -> Api | None:
    from infra.local import provider_server  # noqa: PLC0415

    if not live and not evolink_url:
        return None
    if evolink_url:
        return provider_server.other_server(
            evolink_url, key=settings.evolink_api_key or OTHER_SERVERS_KEY
        )
    if settings.evolink_api_key is None:
        raise Problem(
            "There is no API key.",
            advice="Put your key of Evolink into the variable EVOLINK_API_KEY.",
        )
    return provider_server.evolink(settings.evolink_api_key)
