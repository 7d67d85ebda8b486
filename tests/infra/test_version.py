"""The version of a deployment."""

import shutil
from pathlib import Path

import pytest

from infra.version import version_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout."""
    for name in ("pyproject.toml", "requirements", "infra/version.py", "functions/sweep"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, target)
    (tmp_path / "functions" / "cutout" / "cli").mkdir(parents=True)
    return tmp_path


def test_equal_sources_have_equal_versions(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wherever they are: the version has the number of the project, and a digest."""
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(checkout, elsewhere)
    number, _, digest = version_of(checkout).partition("+")
    assert version_of(elsewhere) == version_of(checkout)
    assert (number, len(digest)) == ("0.1.0", 8)


@pytest.mark.parametrize(
    "changed", ["functions/sweep/handler.py", "infra/version.py", "requirements/store.txt"]
)
def test_version_changes_with_everything_that_is_deployed(checkout: Path, changed: str) -> None:
    """Code, infrastructure and locks."""
    before = version_of(checkout)
    with (checkout / changed).open("a") as file:
        file.write("# changed\n")
    assert version_of(checkout) != before


def test_new_function_changes_the_version(checkout: Path) -> None:
    """Every folder of functions counts, not only those that are known today."""
    (checkout / "functions/report").mkdir()
    before = version_of(checkout)
    (checkout / "functions/report/handler.py").write_text("new = True\n")
    assert version_of(checkout) != before


def test_moved_file_changes_the_version(checkout: Path) -> None:
    """Its name counts, and not only its content."""
    before = version_of(checkout)
    (checkout / "functions/sweep/handler.py").rename(checkout / "functions/sweep/other.py")
    assert version_of(checkout) != before


def test_change_of_the_command_line_keeps_the_version(checkout: Path) -> None:
    """It is never shipped, so changing it needs no deployment."""
    before = version_of(checkout)
    (checkout / "functions" / "cutout" / "cli" / "new.py").write_text("new = True\n")
    (checkout / "README.md").write_text("new")
    assert version_of(checkout) == before


def test_version_without_a_project_file_has_no_number(checkout: Path) -> None:
    """For example in a wheel."""
    (checkout / "pyproject.toml").unlink()
    assert version_of(checkout).startswith("0+")


@pytest.mark.parametrize("text", ["", "[project]", "<<<<<<< HEAD"])
def test_version_of_a_damaged_project_has_no_number(checkout: Path, text: str) -> None:
    """`cutout doctor` compares it all the same."""
    (checkout / "pyproject.toml").write_text(text)
    assert version_of(checkout).startswith("0+")
