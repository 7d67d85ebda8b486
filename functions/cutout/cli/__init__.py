"""The command line `cutout`, for stacks on AWS and in the local cloud."""


def main() -> None:
    """Run the command line."""
    from cutout.cli.entry import run  # noqa: PLC0415 - other modules of this package load without it

    run()
