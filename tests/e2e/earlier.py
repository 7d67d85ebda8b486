"""The sources that an upgrade starts from: the newest ones in the history that ship something else.

Where the history is not to be had (an archive, a clone of depth 1, no git), it is an upgrade from
these very sources with a mark on them, so that every function is replaced, if not by other code.
A commit that is named is the one that is used, or it is an error.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

SHIPPED = (
    "functions/*.py",
    "requirements/runtime.txt",
    "requirements/store.txt",
    ":(exclude)functions/cutout/cli",
    ":(exclude)functions/cutout/operator",
)
"""What the functions are made of, for git: a deployment of anything else may change nothing.

The template of that version comes with it, so a change of the infrastructure alone is an upgrade
from the last version whose functions are others.
"""
_COPIED = ("functions", "infra", "requirements", "Makefile", "pyproject.toml")
_IN_EVERY_ASSET = "functions/cutout/__init__.py"


class NoHistoryError(Exception):
    """Git does not give the commit; the message has the reason."""


def put_earlier_sources(project: Path, folder: Path, wanted: str = "") -> str:
    """Fill a folder with the sources that were deployed before a project's present ones.

    Args:
        project: The checkout, or a copy of the sources without history.
        folder: An empty folder.
        wanted: A commit or tag to take instead.

    Returns:
        The commit; nothing where there is no history.

    Raises:
        NoHistoryError: The commit that was wanted is not there.
    """
    try:
        commit = wanted or _earlier_commit(project)
    except NoHistoryError:
        _copy_with_a_mark(project, folder)
        return ""
    archive = _git(project, "archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return commit


def _earlier_commit(project: Path) -> str:
    """Find the commit; it is the present one if the sources were changed since."""
    if not (project / ".git").exists():
        raise NoHistoryError("these sources are no checkout")
    if _git(project, "status", "--porcelain", "--", *SHIPPED):
        return "HEAD"
    changed = _git(project, "rev-list", "-1", "HEAD", "--", *SHIPPED).decode().strip()
    return _git(project, "rev-parse", "--verify", f"{changed}^").decode().strip()


def _git(project: Path, *arguments: str) -> bytes:
    # A hook that runs the tests sets variables that mean another repository.
    environment = {name: it for name, it in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - no shell, our own arguments
            ["git", "-C", str(project), *arguments],  # noqa: S607 - whichever git there is
            capture_output=True,
            env=environment,
            check=False,
        )
    except FileNotFoundError as exc:
        raise NoHistoryError("there is no git on this machine") from exc
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
