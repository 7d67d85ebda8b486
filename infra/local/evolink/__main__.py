"""``python -m infra.local.evolink`` runs the stand-in; ``cutout up`` starts it so."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from infra.local.evolink.model_file import check_model
from infra.local.evolink.options import API_KEYS, CONTROL_TOKEN, Options
from infra.local.evolink.server import StandinServer
from infra.local.local_cloud_error import LocalCloudError

_DEFAULTS = Options(api_keys=())
_RANGE = click.FloatRange(min=0)


@click.command(
    epilog=f"{API_KEYS} holds the accepted keys, separated by spaces, and {CONTROL_TOKEN} the "
    "token of control requests."
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 chooses a free one.")
@click.option(
    "--seconds",
    nargs=2,
    type=_RANGE,
    default=_DEFAULTS.seconds,
    help="The least and most that a task takes.",
)
@click.option(
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authorities trusted on outgoing requests, instead of SSL_CERT_FILE.",
)
@click.option("--ready-file", type=click.Path(path_type=Path), help="File to make once it answers.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    help="SQLite file for tasks and charges; without it they are lost when the process ends.",
)
@click.option(
    "--balance",
    type=float,
    default=_DEFAULTS.balance,
    help="Credits of the account at the start.",
)
@click.option(
    "--side-limits",
    nargs=2,
    type=_RANGE,
    default=_DEFAULTS.side_limits,
    help="Shortest and longest side of an input in pixels.",
)
def main(
    *,
    port: int,
    ready_file: Path | None,
    **choices: Any,  # noqa: ANN401 - click has given each its type
) -> None:
    """Run a stand-in for Evolink's API on 127.0.0.1, with real cut-outs and faults on demand."""
    keys = tuple(os.environ.get(API_KEYS, "").split())
    if not keys:
        raise click.UsageError(f"{API_KEYS} contains no key")
    if token := os.environ.get(CONTROL_TOKEN):
        choices["control_token"] = token
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # It logs every request, and the activity log says more.
    logging.getLogger("httpx").setLevel(logging.WARNING)

    def announce(url: str) -> None:
        click.echo(f"Evolink stand-in on {url}", err=True)
        if ready_file is not None:
            ready_file.touch()

    try:
        check_model()
    except LocalCloudError as error:
        raise click.ClickException(f"{error}\n{error.advice}") from error
    with suppress(KeyboardInterrupt):
        StandinServer(Options(api_keys=keys, **choices), port=port, announce=announce).run()


if __name__ == "__main__":
    main(prog_name="python -m infra.local.evolink")
