"""What the pages tell people to type, typed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.pages import blocks

_AWS = Path(__file__).with_name("aws_command.py")


def commands_with(page: str, text: str) -> str:
    """Return the one block of shell commands of a page that has this in it."""
    (found,) = (block for block in blocks(page, "sh") if text in block)
    return found


def run_commands(commands: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run them in a folder, with the identity that these environment variables name.

    Args:
        commands: Lines for a shell; the first that fails ends it.
        folder: Where files are read and written.
        variables: Credentials and endpoints.
    """
    programs = folder / ".programs"
    programs.mkdir()
    aws = programs / "aws"
    aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P "{_AWS}" "$@"\n')
    aws.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(  # noqa: S603 - the pages' own lines
        ["bash", "-euo", "pipefail", "-c", commands],  # noqa: S607 - the shell that there is
        cwd=folder,
        env={**variables, "PATH": path},
        check=True,
        timeout=60,
    )
