"""Importing our modules reads no variable of the environment."""

import subprocess
import sys

from tests.support.pages import ROOT

ON_LAMBDA = "AWS_LAMBDA_INITIALIZATION_TYPE"
READ = [
    f"functions/cutout/__init__.py {ON_LAMBDA}",
    f"functions/cutout/wiring/lambda_app.py {ON_LAMBDA}",
]
"""A cold start collects no garbage and composes the use cases when the handler is imported."""


def test_importing_all_modules_reads_only_whether_this_is_lambda() -> None:
    """Settings are passed in, so that an import has the same effect everywhere."""
    packages = ("cutout", "submit", "prepare", "callback", "sweep", "infra")
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.support.environment_reads", *packages],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == READ
