"""The command line as an installed package: the local cloud needs a checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

import cutout
from cutout.cli.local_cloud import check_checkout
from cutout.cli.output.problems import Problem

CHECKOUT = Path(cutout.__file__).parents[2]
_RUN = """
import sys
ours, theirs = sys.argv.pop(1), sys.argv.pop(1).split(":")
sys.path = [*theirs, *(it for it in sys.path if not it.startswith(ours) or "site-packages" in it)]
from cutout.cli import main
main()
"""
_NEEDS_CHECKOUT = """\
Error: The local cloud needs a checkout of Cutout; this is an installed package without it.
Clone the project, run `make install`, and use the `cutout` of that folder.
"""

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package and nothing else."""
    site = tmp_path_factory.mktemp("site")
    shutil.copytree(Path(cutout.__file__).parent, site / "cutout")
    return site


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """Run a command of the copy; other folders may come first on Python's path."""

    def run(*arguments: str, before: tuple[Path, ...] = ()) -> CompletedProcess[str]:
        theirs = ":".join(map(str, (*before, site)))
        command = [sys.executable, "-I", "-c", _RUN, str(CHECKOUT), theirs, *arguments]
        environment = {"PATH": os.defpath, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "1"}
        return subprocess.run(  # noqa: S603 # our own command
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


def _somebody_elses(folder: Path) -> Path:
    (folder / "infra").mkdir(parents=True)
    (folder / "infra" / "__init__.py").write_text("raise SystemExit('not to be imported')\n")
    return folder


@pytest.mark.parametrize("command", ["up", "down", "demo"])
def test_commands_of_the_local_cloud_say_that_they_need_a_checkout(run: Run, command: str) -> None:
    """With advice and no traceback."""
    done = run(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == _NEEDS_CHECKOUT


def test_a_folder_infra_of_another_project_is_not_imported(run: Run, tmp_path: Path) -> None:
    """Many projects have one."""
    assert run("up", before=(_somebody_elses(tmp_path / "theirs"),)).stderr == _NEEDS_CHECKOUT


def test_their_help_mentions_the_checkout(run: Run) -> None:
    """And works anywhere."""
    for command in ("up", "down", "demo"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "needs a checkout of Cutout" in " ".join(done.stdout.split())


def test_other_commands_use_aws(run: Run) -> None:
    """For them there is no local cloud."""
    done = run("pause")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: No AWS region is set.\n")


def test_the_doctor_needs_no_checkout(run: Run) -> None:
    """It skips the comparison of versions, and checks the rest."""
    done = run("doctor", "--region", "eu-central-1")
    assert done.returncode == 1
    assert "There are no AWS credentials" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_running_local_cloud_is_not_ignored(run: Run, tmp_path: Path) -> None:
    """A command for it must not reach AWS instead, unless `--aws` is given."""
    (tmp_path / ".cutout").mkdir()
    (tmp_path / ".cutout" / "cloud.json").write_text("{}")
    done = run("retry", "a.jpg", "--yes")
    assert done.returncode == 1
    assert "this `cutout` cannot use it" in done.stderr
    assert "`--aws` means AWS" in done.stderr
    assert "No AWS region is set" in run("retry", "a.jpg", "--yes", "--aws").stderr


def test_another_infra_on_the_path_of_a_checkout_is_reported(tmp_path: Path) -> None:
    """It would be imported instead of the project's own."""
    (tmp_path / "infra" / "local").mkdir(parents=True)
    (tmp_path / "infra" / "local" / "__init__.py").touch()
    with pytest.raises(Problem, match="comes before") as caught:
        check_checkout(tmp_path)
    assert str(CHECKOUT / "infra") in caught.value.message
    check_checkout()
