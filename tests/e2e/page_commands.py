"""The commands of the documents, run with the AWS CLI that pip installs (version 1)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import ROOT, blocks

_PROGRAMS: Final = ROOT / ".cutout" / "awscli" / "bin"
_LOCAL_PAGE: Final = "infra/README.md"


def commands_with(page: str, text: str) -> str:
    """Return the one block of shell commands of a page that contains this."""
    (found,) = (block for block in blocks(page, "sh") if text in block)
    return found


def run_commands(commands: str, folder: Path, variables: Mapping[str, str]) -> str:
    """Run them in a folder, with the identity that these environment variables name.

    Args:
        commands: Lines for a shell; the first that fails ends it.
        folder: Where files are read and written.
        variables: Credentials and endpoints.

    Returns:
        What they wrote to stdout.
    """
    if not (_PROGRAMS / "aws").exists():
        pytest.fail("the AWS CLI is not installed: run make .cutout/awscli/.installed")
    path = f"{_PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S603 - the pages' own lines
        ["bash", "-euo", "pipefail", "-c", _of_the_local_cloud() + commands],  # noqa: S607 - the shell that there is
        cwd=folder,
        env={
            "HOME": str(folder),
            # A compiled library is not compiled again.
            "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", ""),
            **variables,
            "PATH": path,
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        pytest.fail(f"status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _of_the_local_cloud() -> str:
    """Return the line by which version 1 of the AWS CLI asks the local cloud for everything."""
    lines = commands_with(_LOCAL_PAGE, "aws() {").splitlines()
    (function,) = (line for line in lines if line.startswith("aws() {"))
    return f"{function}\n"
