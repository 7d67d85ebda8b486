"""The sources from which an upgrade is tested."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.earlier import NoHistoryError, put_earlier_sources

_SUBMIT = "functions/submit/handler.py"
_MARKED = "functions/cutout/__init__.py"


def _git(folder: Path, *arguments: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        **{
            f"GIT_{who}_{what}": "a@b.example"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(  # noqa: S603 - our own arguments
        ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever git there is
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _write(folder: Path, **contents: str) -> None:
    places = {
        "submit": _SUBMIT,
        "cli": "functions/cutout/cli/entry.py",
        "marker": "functions/cutout/py.typed",
        "readme": "README.md",
    }
    for name, content in contents.items():
        path = folder / places[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def _commit(folder: Path, **contents: str) -> str:
    _write(folder, **contents)
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "-")
    return _git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout without commits."""
    folder = tmp_path / "project"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    return folder


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder for the earlier sources."""
    folder = tmp_path / "earlier"
    folder.mkdir()
    return folder


def test_the_earlier_version_is_the_newest_commit_with_other_functions(
    project: Path, earlier: Path
) -> None:
    """A commit without changes in a module of the functions would give the same deployment."""
    _commit(project, submit="oldest", cli="1", readme="1")
    before = _commit(project, submit="older", cli="1", readme="2")
    _commit(project, submit="present", cli="1", readme="2")
    _commit(project, submit="present", cli="2", readme="3", marker="typed")
    assert put_earlier_sources(project, earlier) == before
    assert (earlier / _SUBMIT).read_text() == "older"


def test_with_uncommitted_changes_it_is_the_current_commit(project: Path, earlier: Path) -> None:
    """New files count as changes."""
    _commit(project, submit="older")
    _commit(project, submit="present")
    _write(project, submit="being written")
    assert put_earlier_sources(project, earlier) == "HEAD"
    assert (earlier / _SUBMIT).read_text() == "present"


def test_a_commit_can_be_named(project: Path, earlier: Path) -> None:
    """So that an upgrade from a release is tested as well."""
    oldest = _commit(project, submit="oldest")
    _commit(project, submit="older")
    _commit(project, submit="present")
    put_earlier_sources(project, earlier, oldest)
    assert (earlier / _SUBMIT).read_text() == "oldest"


def _fill(project: Path) -> None:
    """Write all files that are copied without a history."""
    for name in ("infra/app.py", "requirements/runtime.txt", "Makefile", "pyproject.toml", _MARKED):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("present\n")


def _is_marked_copy(earlier: Path) -> bool:
    texts = (earlier / "Makefile").read_text(), (earlier / _MARKED).read_text()
    return texts == ("present\n", "present\n# Earlier.\n")


def test_a_clone_without_history_is_upgraded_from_itself(
    project: Path, earlier: Path, tmp_path: Path
) -> None:
    """`--depth 1`: all is the same except for a mark."""
    _commit(project, submit="older")
    _fill(project)
    _commit(project, submit="present")
    _git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{project}", "shallow")
    assert put_earlier_sources(tmp_path / "shallow", earlier) == ""
    assert _is_marked_copy(earlier)


def test_a_copy_of_the_sources_is_upgraded_from_itself(project: Path, earlier: Path) -> None:
    """A checkout that was unpacked from an archive has no history."""
    _fill(project)
    (project / ".git").rename(project.parent / "gone")
    assert put_earlier_sources(project, earlier) == ""
    assert _is_marked_copy(earlier)


def test_a_named_commit_that_does_not_exist_is_an_error(project: Path, earlier: Path) -> None:
    """The test never falls back to another version."""
    _commit(project, submit="present")
    with pytest.raises(NoHistoryError, match="git archive failed"):
        put_earlier_sources(project, earlier, "v0.0.9")
