"""The command line ``cutout``: the same on the local cloud and on AWS."""


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    from cutout.cli.entry import run  # noqa: PLC0415 - other modules of this package need not wait

    run()
