"""The stand-in's own command."""

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from infra.local.evolink.api.control import CONTROL_TOKEN_HEADER
from infra.local.evolink.faults.fault_rules import Rule, parse_rule_text
from infra.local.evolink.faults.fault_table import Fault
from infra.local.evolink.options import Options
from infra.local.evolink.server import Certificate, run_standin

API_KEYS = "STANDIN_API_KEYS"
CONTROL_TOKEN = "STANDIN_CONTROL_TOKEN"  # noqa: S105 - a variable's name
"""Secrets come by the environment: every user of a machine may read processes' arguments."""
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
            self.fail(f"{value!r} does not go from less to more", param, ctx)
        return bounds


class _Rule(click.ParamType[Rule]):
    """A rule as the command line has it."""

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


def _list_faults(context: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's own order
    if value and not context.resilient_parsing:
        for fault in Fault:
            click.echo(f"{fault.where + ':' + fault.label:28} {fault.sentence}")
        context.exit()


@click.command(
    epilog=f"Stop it with Ctrl-C. {API_KEYS} holds the keys to accept, with spaces between; "
    f"{CONTROL_TOKEN} what control requests carry in {CONTROL_TOKEN_HEADER}, else one is made up "
    "and written to the ready file. What it can be asked: GET /_standin/"
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 picks a free one.")
@click.option(
    "--seconds", type=_Range(), default="2:5", show_default=True, help="How long a task takes."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULTS.speed,
    show_default=True,
    help="Stand-in seconds in a real one: every wait is that much shorter.",
)
@click.option("--public-url", help="Base of the links handed out, if not the own address.")
@click.option(
    "--ca-bundle",
    type=_FILE,
    help="PEM of the authorities to trust on calls out; else SSL_CERT_FILE is obeyed.",
)
@click.option("--tls-cert", type=_FILE, help="PEM of a certificate to serve https with.")
@click.option("--tls-key", type=_FILE, help="PEM of its key.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    help='Where to write {"url": ..., "pid": ...} once it answers.',
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="SQLite file to keep tasks and charges in; else they die with the process.",
)
@click.option(
    "--balance",
    type=float,
    default=_DEFAULTS.balance,
    show_default=True,
    help="Credits on the account at the start.",
)
@click.option(
    "--fetches",
    type=click.IntRange(min=1),
    default=_DEFAULTS.fetches,
    show_default=True,
    help="How often an input is fetched.",
)
@click.option(
    "--side-limits",
    type=_Range(),
    default="240:7680",
    show_default=True,
    help="Shortest and longest side of an input in pixels.",
)
@click.option(
    "--max-running", type=click.IntRange(min=1), help="More tasks at once are answered 429."
)
@click.option(
    "--callback-timeout",
    "callback_timeout_seconds",
    type=float,
    default=_DEFAULTS.callback_timeout_seconds,
    show_default=True,
    help="Real seconds a receiver may take.",
)
@click.option(
    "--strict-callbacks",
    is_flag=True,
    help="Refuse callbacks to private addresses, as the real one does.",
)
@click.option("--seed", type=int, help="Makes the task times repeatable.")
@click.option(
    "--fault", "rules", type=_Rule(), multiple=True, help="A fault to commit; repeatable."
)
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="Show every fault there is, and stop.",
)
@click.option("--quiet", is_flag=True, help="Do not tell what happens.")
def main(
    *,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    ready_file: Path | None,
    quiet: bool,
    **choices: Any,  # noqa: ANN401 -- click has given each its type
) -> None:
    """Stand in for Evolink: its API on 127.0.0.1, with real cut-outs and faults on demand.

    \b
    Example: for every photo the first request is accepted but never answered
      STANDIN_API_KEYS=sk-test python -m infra.local.evolink --port 8800 --seconds 1:3 \\
          --fault create:accept-then-timeout,times=1,each=yes
    """  # noqa: D301 -- \b is click's mark for text it must not wrap
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
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

    with suppress(KeyboardInterrupt):
        run_standin(options, port=port, certificate=certificate, announce=announce)


def _secrets() -> dict[str, Any]:
    """Read the keys to accept, and the control token where one is given."""
    keys = tuple(os.environ.get(API_KEYS, "").split())
    if not keys:
        raise click.UsageError(f"{API_KEYS} names no key to accept")
    token = os.environ.get(CONTROL_TOKEN)
    return {"api_keys": keys, **({"control_token": token} if token else {})}


def _write_whole(path: Path, text: str) -> None:
    """Write a file for this user alone, so that nobody ever reads half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(text)
    draft.replace(path)
