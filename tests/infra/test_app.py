"""The app, as the CDK CLI runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.node import node_path

INFRA = Path(__file__).resolve().parents[2] / "infra"


def _run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 # our own commands
        command,
        cwd=INFRA,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_refused_setting_is_reported_on_one_line_with_a_status(tmp_path: Path) -> None:
    """A person reads what to pass instead, and no traceback."""
    context = json.dumps({"max_in_flight": "x"})
    done = _run(
        [sys.executable, "-P", "-m", "infra.app"],
        CDK_CONTEXT_JSON=context,
        CDK_OUTDIR=str(tmp_path),
    )
    assert done.returncode == 1
    assert done.stderr == (
        "cutout: max_in_flight must be a whole number from 1 to 1000, got 'x': "
        "pass -c max_in_flight=3\n"
    )


_KEEP = """
import sys
from pathlib import Path
from infra.app import keep_bytecode
keep_bytecode(Path(sys.argv[1]))
import colorsys
"""


@pytest.mark.parametrize(("option", "is_kept"), [("-B", True), ("-u", False)])
def test_bytecode_is_cached_elsewhere_if_python_may_not_write_it(
    tmp_path: Path, option: str, *, is_kept: bool
) -> None:
    """A synth that had to compile the construct library each time would take twice as long."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    subprocess.run(  # noqa: S603 # our own command
        [sys.executable, option, "-c", _KEEP, str(tmp_path)], env=environment, check=True
    )
    assert any(tmp_path.rglob("colorsys.*.pyc")) is is_kept


_CHOOSE = """
import os
from infra.node import use_own_node
use_own_node()
print(os.environ["JSII_NODE"])
"""


@pytest.mark.parametrize(
    ("chosen", "expected"), [({}, str(node_path())), ({"JSII_NODE": "/their/own"}, "/their/own")]
)
def test_construct_library_runs_on_the_projects_own_node(
    chosen: dict[str, str], expected: str
) -> None:
    """The locked Node.js is used, unless JSII_NODE names another."""
    environment = {name: value for name, value in os.environ.items() if name != "JSII_NODE"}
    asked = subprocess.run(  # noqa: S603 # our own command
        [sys.executable, "-c", _CHOOSE],
        env=environment | chosen,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == expected


def test_projects_own_node_is_supported_by_the_cdk() -> None:
    """The lock gives Node 24; the CDK warns of versions at their end."""
    asked = _run([str(node_path()), "--version"])
    assert asked.stdout.startswith("v24.")
