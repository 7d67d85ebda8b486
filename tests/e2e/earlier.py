"""The sources that an upgrade starts from: the newest ones in the history that ship something else.

Whoever has no history is told how to get it, but for those who have a copy of the sources without
any: theirs is an upgrade from these very sources with a mark on them, so that every function is
replaced, if not by other code.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

SHIPPED = (
    "functions",
    "requirements/runtime.txt",
    "requirements/store.txt",
    ":(exclude)functions/cutout/cli",
    ":(exclude)functions/cutout/local",
)
"""What the functions are made of, for git: a deployment of anything else may change nothing.

The template of that version comes with it, so a change of the infrastructure alone is an upgrade
from the last version whose functions are others.
"""
_COPIED = ("functions", "infra", "requirements", "Makefile", "pyproject.toml")
_IN_EVERY_ASSET = "functions/cutout/__init__.py"


class NoHistoryError(Exception):
    """This clone does not reach back to what was deployed before; the message says what to do."""


def put_earlier_sources(project: Path, folder: Path, wanted: str = "") -> str:
    """Fill a folder with the sources that were deployed before a project's present ones.

    Args:
        project: The checkout, or a copy of the sources without history.
        folder: An empty folder.
        wanted: A commit or tag to take instead.

    Returns:
        The commit; nothing where there is no history.

    Raises:
        NoHistoryError: There is a history, but the clone was made without it.
    """
    if not (project / ".git").exists():
        _copy_with_a_mark(project, folder)
        return ""
    commit = wanted or _earlier_commit(project)
    archive = _git(project, "archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return commit


def _earlier_commit(project: Path) -> str:
    """Find the commit; it is the present one where somebody has changed the sources since."""
    if _git(project, "status", "--porcelain", "--", *SHIPPED):
        return "HEAD"
    changed = _git(project, "rev-list", "-1", "HEAD", "--", *SHIPPED).decode().strip()
    try:
        return _git(project, "rev-parse", "--verify", f"{changed}^").decode().strip()
    except NoHistoryError as exc:
        raise NoHistoryError(
            "this clone does not hold the version before the present one, from which an upgrade "
            "is tested: run `git fetch --unshallow`; on GitHub, give actions/checkout "
            "`fetch-depth: 0`"
        ) from exc


def _git(project: Path, *arguments: str) -> bytes:
    # A hook that runs the tests has variables that mean another repository.
    environment = {name: it for name, it in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603 - no shell, our own arguments
        ["git", "-C", str(project), *arguments],  # noqa: S607 - whichever git there is
        capture_output=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise NoHistoryError(f"git {arguments[0]} failed: {done.stderr.decode().strip()}")
    return done.stdout


def _copy_with_a_mark(project: Path, folder: Path) -> None:
    for name in _COPIED:
        source = project / name
        if source.is_dir():
            leave_out = shutil.ignore_patterns("node_modules", "__pycache__")
            shutil.copytree(source, folder / name, ignore=leave_out)
        else:
            shutil.copyfile(source, folder / name)
    with (folder / _IN_EVERY_ASSET).open("a") as marked:
        marked.write("# Earlier.\n")
