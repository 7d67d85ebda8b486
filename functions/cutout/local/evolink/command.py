"""The stand-in's own command."""

import json
import os
from pathlib import Path
from typing import Any

import click

from cutout.local.evolink.faults.rules import Rule, parse_rule_text
from cutout.local.evolink.faults.table import Fault
from cutout.local.evolink.options import Options
from cutout.local.evolink.server import run_standin


class _Seconds(click.ParamType[tuple[float, float]]):
    """A time in seconds, or the shortest and the longest with a colon between."""

    name = "MIN:MAX"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        shortest, _, longest = str(value).partition(":")
        try:
            times = float(shortest), float(longest or shortest)
        except ValueError:
            self.fail(f"{value!r} is neither seconds nor MIN:MAX", param, ctx)
        if not 0 <= times[0] <= times[1]:
            self.fail(f"{value!r} does not go from a shorter to a longer time", param, ctx)
        return times


class _Fault(click.ParamType[Rule]):
    """A rule of the command line."""

    name = "RULE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Rule:
        try:
            return parse_rule_text(str(value))
        except (ValueError, LookupError) as error:
            self.fail(str(error), param, ctx)


def _list_faults(context: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's own order
    if value:
        for fault in Fault:
            click.echo(f"{fault.where + ':' + fault.label:28} {fault.sentence}")
        context.exit()


@click.command(epilog="Stop it with Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 picks a free one.")
@click.option("--api-key", "api_keys", multiple=True, required=True, help="A key to accept.")
@click.option("--seconds", type=_Seconds(), default=(2.0, 5.0), help="How long a task takes.")
@click.option("--public-url", help="Base of the links handed out, if not the own address.")
@click.option(
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM of the authorities to trust on calls out; else SSL_CERT_FILE is obeyed.",
)
@click.option("--ready-file", type=click.Path(path_type=Path), help="Where to write url and pid.")
@click.option("--state", type=click.Path(path_type=Path), help="SQLite file to remember in.")
@click.option("--speed", type=float, default=1.0, help="Stand-in seconds in a real one.")
@click.option("--balance", type=float, default=10_000.0, help="Credits at the start.")
@click.option("--strict-callbacks", is_flag=True, help="Refuse private addresses, as documented.")
@click.option("--fault", "rules", type=_Fault(), multiple=True, help="where:fault[,name=value]")
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="Show the faults there are, and stop.",
)
def main(port: int, ready_file: Path | None, **choices: Any) -> None:  # noqa: ANN401 -- click has given each its type
    r"""Stand in for Evolink: its API on 127.0.0.1, with real cut-outs and faults on demand.

    \b
    Example: the second photo's first request is accepted, and the answer never comes
        python -m cutout.local.evolink --port 8800 --api-key sk-test --seconds 1:3 \
            --fault create:accept-then-timeout,match=second,times=1
    """

    def announce(url: str) -> None:
        click.echo(f"Evolink stand-in on {url}", err=True)
        if ready_file is not None:
            ready_file.write_text(json.dumps({"url": url, "pid": os.getpid()}))

    run_standin(Options(**choices), port=port, announce=announce)
