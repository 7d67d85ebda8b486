"""`cutout console`: pages in the browser."""

from __future__ import annotations

import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from cutout.cli.options.price_option import price_option
from cutout.cli.options.shared_options import chosen_stack
from cutout.cli.output.problems import Problem
from cutout.cli.output.terminal import stderr, stdout
from cutout.cli.stack_command import stack_command

if TYPE_CHECKING:
    from cutout.cli.aws.deployed_stack import Stack
    from cutout.cli.context import Context
    from cutout.cli.output.money import Price

_HOST = "127.0.0.1"
_NEEDS = ("jinja2", "starlette", "uvicorn")


@stack_command(
    "console",
    {0: "it ran until Ctrl-C", 1: "an error"},
    """
$ cutout console
http://127.0.0.1:40123/?token=[...]
""",
    is_impatient=True,
    has_json=False,
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="NUMBER",
    help="The port on 127.0.0.1.  [default: a free one]",
)
@price_option
@click.pass_obj
def command(context: Context, stack: Stack, *, port: int, price: Price) -> None:
    """Show, upload, review and retry photos in the browser, with your own credentials.

    Prints a URL that opens the console in your browser; only this machine can reach it, and only
    with this URL. It runs until Ctrl-C. The pages: the board with all jobs and the gate, each photo
    with its history, the review of doubtful results by keyboard, and the upload of dropped folders.
    Before each action that costs money, it shows the price and asks.
    """
    if missing := [name for name in _NEEDS if find_spec(name) is None]:
        raise Problem(
            f"The console needs {', '.join(missing)}: "
            "`pip install 'cutout-aws[console]'` installs them."
        )

    # A wrong name or missing credentials end the command here.
    place, uploads_bucket = stack.place(), stack.outputs.uploads_bucket
    listener, choice = _listener(port), chosen_stack(is_impatient=True)
    address = f"{_HOST}:{listener.getsockname()[1]}"
    from cutout.cli.console.console_server import serve  # noqa: PLC0415 - an extra, loads slowly

    stderr().print(f"{place}. Uploads go to {uploads_bucket}. Ctrl-C ends the console.")
    serve(
        listener,
        lambda: context.connect(choice),
        price=price,
        clock=context.clock,
        address=address,
        opened=lambda url: stdout().print(url, soft_wrap=True),
    )


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise Problem(
            f"Port {port} cannot be used: {error.strerror}.", advice="Choose another `--port`."
        ) from error
    return listener
