"""The command `cutout`: finds subcommands, handles errors and signals, sets the exit status."""

import gc
import importlib
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from cutout.cli.context import Context
from cutout.cli.options.help_page import DocumentedGroup
from cutout.cli.output.problems import explained
from cutout.domain.sanitize import plain

# The first sentence of each one's help is repeated here: importing all for it takes long.
_COMMANDS = {
    "demo": "Cut out photos on a local cloud that runs as long as this command.",
    "up": "Start a local cloud for this project and deploy the stack to it.",
    "down": "Stop the local cloud of this project and delete its data.",
    "faults": "Inject faults into the stand-in, to test how Cutout reacts.",
    "put": "Upload photos, wait for them, and download the cut-outs.",
    "get": "Download cut-outs and their variants.",
    "ls": "List jobs, the most recently changed first.",
    "where": "Show the current status of KEY (its newest upload).",
    "show": "Show the whole history of a photo.",
    "audit": "Find uploads that were never processed.",
    "costs": "Add up what calls to the provider cost.",
    "retry": "Submit failed, rejected or reviewed photos again.",
    "review": "Accept or reject results that failed acceptance.",
    "render": "Make variants again from existing cut-outs, free of charge.",
    "backfill": "Process photos that are already in a bucket.",
    "pause": "Pause the gate until `cutout resume`.",
    "resume": "Open the gate, whatever paused it.",
    "limits": "Show the gate, or change its limits without a deployment.",
    "watch": "Show the gate, waiting jobs, jobs in progress and recent results, live.",
    "console": "Show, upload, review and retry photos in the browser, with your own credentials.",
    "dashboard": "Draw the deployed dashboard as an SVG file.",
    "redrive": "List dead letters, and send them back to their queues.",
    "doctor": "Check the whole deployment and suggest fixes.",
    "completion": "Print the script that completes commands and options in SHELL.",
}
_INTERRUPTED = 130


class Commands(DocumentedGroup):
    """Loads the module of a command on first use, as some load slowly."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help page."""
        return list(_COMMANDS)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the first sentence of each command's help; long ones are folded, not cut."""
        with formatter.section("Commands"):
            # click would import the module of each command to ask for its help.
            formatter.write_dl(list(_COMMANDS.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return `command` of the module `cutout.cli.commands.NAME`."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"cutout.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command


@click.command(
    cls=Commands,
    commands=_COMMANDS,  # click reads the names, to suggest the nearest for a wrong one
    context_settings={"help_option_names": ["-h", "--help"]},
    exit_statuses={0: "success", 1: "an error; the message says which"},
    example="""
# cut out the photos that come with the project, without an AWS account
cutout demo
""",
)
@click.version_option(package_name="cutout-aws", prog_name="cutout", message="%(prog)s %(version)s")
def cutout() -> None:
    """Drop photos in a bucket; transparent cut-outs come back in another.

    Commands use the local cloud of this project while it is up, otherwise AWS with the usual
    credentials. Results are written to stdout, progress and messages to stderr. Colours follow
    NO_COLOR and FORCE_COLOR; `cutout completion` completes commands in your shell.
    """


def run() -> NoReturn:
    """Run the command line and exit. The entry point of the console script."""
    # By default both end Python at once, without `finally`: a local cloud would run on.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if not prepare_streams():
        sys.exit(1)
    status = run_in(Context.of_this_process(os.environ, Path.cwd()), sys.argv[1:])
    # At its exit Python looks for garbage among everything that was imported, which takes as long
    # as importing click.
    gc.freeze()
    sys.exit(flushed(status))


def run_in(context: Context, arguments: list[str]) -> int:
    """Run the command that the arguments name, and return its exit status."""
    try:
        with explained():
            # With `standalone_mode` click would print errors and exit by itself.
            status = cutout.main(arguments, obj=context, standalone_mode=False, prog_name="cutout")
    except click.Abort as abort:
        # A command that printed what it did until then has left a note.
        if not getattr(abort.__cause__, "__notes__", ()):
            click.echo("Interrupted.", err=True)
        return _INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the edge: people get a report file instead of a traceback
        _report_defect(error)
        return 1
    return status if isinstance(status, int) else 0


def prepare_streams() -> bool:
    """Make both streams accept every character; False if stdout is closed."""
    # A character that the locale cannot encode is written as an escape.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Python sets a stream to None if its descriptor was closed before the start.
    if sys.stdout is None:
        click.echo("Error: stdout is closed: redirect it to a file.", err=True)
    return sys.stdout is not None


def flushed(status: int) -> int:
    """Flush stdout; returns the exit status, which is 1 if the results cannot be written."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python flushes again at exit and would print a traceback.
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return status
        if status == 0:
            click.echo(f"Error: The results could not be written: {error.strerror}.", err=True)
        return status or 1
    return status


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """Exit as on Ctrl-C, so that a local cloud that is starting is stopped."""
    # A second signal must not interrupt the clean-up that the first one began.
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _report_defect(error: Exception) -> None:
    # Imported here because nothing else needs them, and rich loads slowly.
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    from cutout.cli.output.terminal import print_error_label  # noqa: PLC0415

    with tempfile.NamedTemporaryFile(
        "w",
        prefix="cutout-defect-",
        suffix=".txt",
        delete=False,
        encoding="utf-8",
        errors="backslashreplace",
    ) as report:
        traceback.print_exception(error, file=report)
    print_error_label()
    what = plain(f"{type(error).__name__}: {error}")
    click.echo(f"This is a bug in cutout: {what}", err=True)
    click.echo(f"Please report it and attach the file {report.name}.", err=True)
