"""What README tells people to type, typed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_AWS = Path(__file__).with_name("aws_command.py")


def commands_with(text: str) -> str:
    """Return README's one block of shell commands that has this in it."""
    blocks = re.findall(r"```sh\n(.*?)```", (_ROOT / "README.md").read_text(), re.DOTALL)
    (found,) = (block for block in blocks if text in block)
    return str(found)


def run_commands(commands: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run them in a folder, as whoever these variables of the environment say.

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
    subprocess.run(  # noqa: S603 - README's own lines
        ["bash", "-euo", "pipefail", "-c", commands],  # noqa: S607 - the shell that there is
        cwd=folder,
        env={**variables, "PATH": path},
        check=True,
        timeout=60,
    )
