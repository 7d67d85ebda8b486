"""The commands that build assets, and the error of one that fails."""

import os
import subprocess
from collections.abc import Sequence


class AssetError(RuntimeError):
    """An asset that cannot be built; the message says why and what to do."""


def run(command: Sequence[str], failure: str) -> None:
    """Run one of our own commands.

    Raises:
        AssetError: it failed; the message is `failure` and what the command wrote.
    """
    done = subprocess.run(  # noqa: S603 # our own commands
        command,
        capture_output=True,
        text=True,
        check=False,
        # The order of a frozen set in bytecode depends on hashes: with a fixed seed, every run
        # makes the same bytes.
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    if done.returncode:
        raise AssetError(f"{failure}: {done.stderr.strip() or done.stdout.strip()}")
