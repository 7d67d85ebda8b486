"""The command that runs the stand-in."""

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from infra.local.evolink.api.control_routes import CONTROL_TOKEN_HEADER
from infra.local.evolink.faults.fault_rules import parse_rule_text
from infra.local.evolink.faults.fault_table import ALL_FAULTS
from infra.local.evolink.faults.rule import Rule
from infra.local.evolink.model_file import check_model
from infra.local.evolink.options import API_KEYS, CONTROL_TOKEN, Options
from infra.local.evolink.server import Certificate, run_standin
from infra.local.local_cloud_error import LocalCloudError

_DEFAULTS = Options(api_keys=())
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Range(click.ParamType[tuple[float, float]]):
    """Two numbers with a colon between, or one number for both."""

    name = "MIN:MAX"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        least, _, most = str(value).partition(":")
        try:
            bounds = float(least), float(most or least)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor MIN:MAX", param, ctx)
        if not 0 <= bounds[0] <= bounds[1]:
            self.fail(
                f"{value!r} is not a range from a lower to a higher number",
                param,
                ctx,
            )
        return bounds


class _Rule(click.ParamType[Rule]):
    """A fault rule, as the command line spells it."""

    name = "WHERE:FAULT[,NAME=VALUE]..."

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Rule:
        if isinstance(value, Rule):
            return value
        try:
            return parse_rule_text(str(value))
        except (ValueError, LookupError) as error:
            self.fail(str(error), param, ctx)


def _list_faults(context: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value and not context.resilient_parsing:
        for fault in ALL_FAULTS:
            click.echo(f"{fault.where + ':' + fault.name:28} {fault.description}")
        context.exit()


@click.command(
    epilog=f"Stop it with Ctrl-C. {API_KEYS} holds the accepted keys, separated by spaces. "
    f"{CONTROL_TOKEN} holds the token that control requests send in {CONTROL_TOKEN_HEADER}; "
    "without it a token is generated and written to the ready file. GET /_standin/ lists the "
    "control requests."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 chooses a free one.")
@click.option(
    "--seconds", type=_Range(), default="2:5", show_default=True, help="How long a task takes."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULTS.speed,
    show_default=True,
    help="Stand-in seconds per real second: every wait is shorter by this factor.",
)
@click.option("--public-url", help="Base of the links in answers, instead of the server's address.")
@click.option(
    "--ca-bundle",
    type=_FILE,
    help="PEM file of the authorities trusted on outgoing requests, instead of SSL_CERT_FILE.",
)
@click.option("--tls-cert", type=_FILE, help="PEM file of the certificate to serve https with.")
@click.option("--tls-key", type=_FILE, help="PEM file of its key.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help='File to write {"url": ..., "pid": ..., "control_token": ...} to once it answers.',
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="SQLite file for tasks and charges; without it they are lost when the process ends.",
)
@click.option(
    "--balance",
    type=float,
    default=_DEFAULTS.balance,
    show_default=True,
    help="Credits of the account at the start.",
)
@click.option(
    "--fetches",
    type=click.IntRange(min=1),
    default=_DEFAULTS.fetches,
    show_default=True,
    help="How often each input is fetched.",
)
@click.option(
    "--side-limits",
    type=_Range(),
    default="240:7680",
    show_default=True,
    help="Shortest and longest side of an input in pixels.",
)
@click.option(
    "--max-running",
    type=click.IntRange(min=1),
    help="Answer 429 to a create request above this number of tasks at once.",
)
@click.option(
    "--callback-timeout",
    "callback_timeout_seconds",
    type=float,
    default=_DEFAULTS.callback_timeout_seconds,
    show_default=True,
    help="Real seconds that a receiver of callbacks may take.",
)
@click.option(
    "--strict-callbacks",
    is_flag=True,
    help="Refuse callbacks to private addresses, as the real API does.",
)
@click.option("--seed", type=int, help="Makes the durations of tasks repeatable.")
@click.option(
    "--fault",
    "rules",
    type=_Rule(),
    multiple=True,
    help="A fault rule (repeatable); --list-faults shows all faults.",
)
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="List all faults and exit.",
)
@click.option("--quiet", is_flag=True, help="Do not log what happens.")
def main(
    *,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    ready_file: Path | None,
    quiet: bool,
    **choices: Any,  # noqa: ANN401 - click has given each its type
) -> None:
    """Run a stand-in for Evolink's API on 127.0.0.1, with real cut-outs and faults on demand.

    \b
    Example: accept the first create request for every photo, but never answer it
      STANDIN_API_KEYS=sk-test python -m infra.local.evolink --port 8800 --seconds 1:3 \\
          --fault create:accept-then-timeout,times=1,each=yes
    """  # noqa: D301 - \b is click's mark for text that it must not wrap
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key need each other")
    choices |= _secrets()
    certificate = None
    if tls_cert is not None and tls_key is not None:
        certificate = Certificate(chain=tls_cert, key=tls_key)
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO, format="%(asctime)s %(message)s"
    )

    choices["rules"] = tuple(choices["rules"])
    options = Options(**choices)

    def announce(url: str) -> None:
        if ready_file is not None:
            ready = {"url": url, "pid": os.getpid(), "control_token": options.control_token}
            _write_whole(ready_file, json.dumps(ready))
        click.echo(f"Evolink stand-in on {url}", err=True)

    try:
        check_model()
    except LocalCloudError as error:
        raise click.ClickException(f"{error}\n{error.advice}") from error
    with suppress(KeyboardInterrupt):
        run_standin(options, port=port, certificate=certificate, announce=announce)


def _secrets() -> dict[str, Any]:
    """Read the accepted keys, and the control token if there is one."""
    keys = tuple(os.environ.get(API_KEYS, "").split())
    if not keys:
        raise click.UsageError(f"{API_KEYS} contains no key")
    token = os.environ.get(CONTROL_TOKEN)
    return {"api_keys": keys, **({"control_token": token} if token else {})}


def _write_whole(path: Path, text: str) -> None:
    """Write a file atomically, readable for this user only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)
