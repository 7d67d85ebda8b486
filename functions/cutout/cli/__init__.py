"""The command line `cutout`, for stacks on AWS and in the local cloud."""

import gc


def main() -> None:
    """Run the command line."""
    # Imports make many objects that stay: with Python's threshold of 700, looking for garbage among
    # them takes a tenth of the time of a short command.
    gc.set_threshold(200_000)
    from cutout.cli.entry import run  # noqa: PLC0415 - other modules of this package load without it

    run()
