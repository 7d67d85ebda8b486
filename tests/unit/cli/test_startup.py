"""The modules that a command imports: most of the time of a short command."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SLOW = {"PIL", "aws_lambda_powertools", "boto3", "httpx", "infra", "jinja2", "starlette"}


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("cutout.cli.entry", _SLOW | {"botocore", "rich"}),
        ("cutout.cli.entry, cutout.cli.commands.ls, cutout.cli.aws.connect", _SLOW),
    ],
    ids=["the help", "ls"],
)
def test_a_command_imports_nothing_slow_that_it_does_not_need(
    modules: str, absent: set[str]
) -> None:
    """In a fresh process."""
    script = f"import {modules}, sys; print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert {name.partition(".")[0] for name in done.stdout.split()} & absent == set()
