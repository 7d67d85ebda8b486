"""The modules that a command imports: most of the time of a short command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SLOW = {"PIL", "aws_lambda_powertools", "boto3", "httpx", "infra", "jinja2", "starlette"}


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("cutout.cli.entry", _SLOW | {"botocore", "rich"}),
        ("cutout.cli.entry, cutout.cli.commands.ls, cutout.cli.aws.deployed_stack", _SLOW),
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


_CLIENT = """
import sys
from pathlib import Path
from cutout.cli.context import Context
from cutout.cli.options.shared_options import Choice
stack = Context.of_this_process({"AWS_REGION": "eu-central-1"}, Path("/")).connect(Choice(aws=True))
client = stack.resources.clients.client("sqs")
assert client.send_message.__doc__ == ""
print(*(name for name, module in sys.modules.items() if "__builtins__" in vars(module)))
assert client.get_paginator("list_queues").paginate.__doc__ == ""
import boto3.session
boto3.session.Session(region_name="eu-central-1").resource("s3").Bucket("uploads").download_file
"""


def test_a_client_is_made_without_what_is_seldom_used(tmp_path: Path) -> None:
    """Nothing of it has run; what is imported later finds all that it needs."""
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", _CLIENT],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    documentation = {"html", "csv", "importlib.metadata", "botocore.docs"}
    others = {"configparser", "email.header", "jmespath", "mimetypes", "shutil", "traceback"}
    of_botocore = {"botocore.monitoring", "botocore.retries.adaptive"}
    assert (documentation | others | of_botocore).isdisjoint(done.stdout.split())
