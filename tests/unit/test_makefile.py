"""The Makefile: which environment it makes, what each target installs, how it runs all tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAMP = ".venv/bin/.bootstrapped"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose virtual environment was made by this Python, and is complete."""
    folder = tmp_path / "checkout"
    (folder / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements" / "bootstrap.txt").touch()
    subprocess.run(  # noqa: S603 - this Python
        [python(), "-m", "venv", "--without-pip", ".venv"], cwd=folder, check=True
    )
    (folder / STAMP).touch()
    return folder


def python() -> str:
    """The Python that the virtual environment of the tests was made with."""
    return os.path.realpath(sys.executable)


def steps(checkout: Path) -> str:
    """What make would do to have a virtual environment."""
    environment = {"PATH": os.environ["PATH"]}
    return subprocess.run(  # noqa: S603 - a fixed command
        ["make", "-n", STAMP, f"PYTHON={python()}"],  # noqa: S607 - wherever it is
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def is_made_again(checkout: Path) -> bool:
    """Whether make removes the virtual environment and makes another."""
    told = steps(checkout)
    return "|| rm -rf .venv" in told and 'test -z "stale"' in told and "-m venv .venv" in told


def change(checkout: Path, old: str, new: str) -> None:
    """Change what the virtual environment says that it was made with."""
    file = checkout / ".venv" / "pyvenv.cfg"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def complete(checkout: Path) -> None:
    """Have make find that everything is installed, with a Python that prints what it is to run.

    Where it is to run the tests that the variable BROKEN names, it ends with status 1.
    """
    for name in ("local", "dev", "model", "awscli"):
        (checkout / "requirements" / f"{name}.txt").touch()
    lists = [checkout / folder for folder in ("infra/cdk", "tests/browser")]
    for folder in lists:
        folder.mkdir(parents=True)
        (folder / "package-lock.json").touch()
    (checkout / "pyproject.toml").touch()
    installed = [
        *(checkout / ".venv/bin" / stamp for stamp in (".bootstrapped", ".installed", ".testing")),
        *(folder / "node_modules/.package-lock.json" for folder in lists),
        checkout / ".venv/share/u2netp/rembg/u2netp.onnx",
        checkout / ".cutout/awscli/.installed",
    ]
    for stamp in installed:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
    python = checkout / ".venv/bin/python"
    python.unlink()
    python.write_text('#!/bin/sh\necho "$@"\ncase "$*" in *"$BROKEN"*) exit 1;; esac\n')
    python.chmod(0o755)


@pytest.mark.parametrize(
    ("broken", "is_success"), [("tests/e2e", False), ("not e2e", False), ("neither", True)]
)
def test_the_tests_of_both_kinds_are_run_whichever_fails(
    checkout: Path, broken: str, *, is_success: bool
) -> None:
    """`make test` succeeds where both do."""
    complete(checkout)
    done = subprocess.run(  # noqa: S603 - a fixed command
        ["make", "test", f"PYTHON={python()}"],  # noqa: S607 - wherever it is
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "BROKEN": broken},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(done.stdout.splitlines()) == [
        "-m pytest -m not e2e and not soak --numprocesses 2 --dist worksteal",
        "-m pytest tests/e2e -m not soak",
    ]
    assert (done.returncode == 0) is is_success, done.stderr


def installs(target: str) -> list[str]:
    """The locks that make installs for a target in a new checkout."""
    told = subprocess.run(  # noqa: S603 - a fixed command
        ["make", "-n", target, "BIN=.venv/none", f"PYTHON={python()}"],  # noqa: S607 - wherever it is
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return re.findall(r"install .*-r (requirements/\w+\.txt)", told)


BOOTSTRAP, LOCAL, MODEL, DEV = (
    f"requirements/{name}.txt" for name in ("bootstrap", "local", "model", "dev")
)


@pytest.mark.parametrize(
    ("target", "locks"),
    [
        ("demo", [BOOTSTRAP, LOCAL, MODEL]),
        ("deploy", [BOOTSTRAP, LOCAL, MODEL]),
        ("test-units", [BOOTSTRAP, LOCAL, MODEL, DEV]),
        ("check-code", [BOOTSTRAP, LOCAL, MODEL, DEV]),
    ],
)
def test_each_target_installs_what_it_needs(target: str, locks: list[str]) -> None:
    """The demo needs no linter, type checker or test runner."""
    assert installs(target) == locks


def test_an_installation_says_how_much_disk_it_takes(checkout: Path) -> None:
    """Before it begins, as it is silent after that."""
    shutil.rmtree(checkout / ".venv")
    told = steps(checkout)
    assert told.index("GB of disk") < told.index("-m venv .venv")


def test_the_locks_agree() -> None:
    """What tests need is added to what the demo needs; nothing is replaced."""
    pins = [
        set(re.findall(r"^[\w.-]+==.*?(?= \\$)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in (LOCAL, DEV)
    ]
    assert pins[0] < pins[1]


def test_a_virtual_environment_of_this_python_stays(checkout: Path) -> None:
    """Nothing is done a second time."""
    assert "up to date" in steps(checkout)


def test_where_there_is_none_it_is_made(checkout: Path) -> None:
    """And none is removed."""
    shutil.rmtree(checkout / ".venv")
    assert "-m venv .venv" in steps(checkout)
    assert not is_made_again(checkout)


def test_a_virtual_environment_of_another_version_is_made_again(checkout: Path) -> None:
    """Its packages were compiled for the other."""
    change(checkout, "version = 3.", "version = 2.")
    assert is_made_again(checkout)


def test_a_virtual_environment_of_another_installation_is_made_again(checkout: Path) -> None:
    """The same version elsewhere: the one that it was made with may be gone."""
    change(checkout, f"executable = {python()}", "executable = /opt/gone/bin/python3")
    assert is_made_again(checkout)


def test_a_virtual_environment_of_a_checkout_that_was_moved_is_made_again(checkout: Path) -> None:
    """Its commands name the interpreter by the old path."""
    assert is_made_again(checkout.rename(checkout.with_name("moved")))


def test_a_broken_virtual_environment_is_made_again(checkout: Path) -> None:
    """A setup that is interrupted leaves half of one."""
    (checkout / ".venv" / "pyvenv.cfg").unlink()
    assert is_made_again(checkout)
