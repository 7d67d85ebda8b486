"""The Makefile: the environment it makes, what each target installs, and all tests."""

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
    """A checkout with a complete virtual environment of this Python."""
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
    """The Python of the tests' virtual environment."""
    return os.path.realpath(sys.executable)


def steps(checkout: Path) -> str:
    """The steps of make for a virtual environment."""
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
    """Change the configuration of the virtual environment."""
    file = checkout / ".venv" / "pyvenv.cfg"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def complete(checkout: Path) -> None:
    """Let everything be installed, with a Python that prints its arguments.

    It exits with status 1 for the tests named in the variable BROKEN.
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
    ("broken", "is_success"), [("tests/e2e", False), ("tests/unit", False), ("neither", True)]
)
def test_both_kinds_of_tests_run_even_if_one_fails(
    checkout: Path, broken: str, *, is_success: bool
) -> None:
    """`make test` succeeds if both do."""
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
        "-m pytest tests/contract tests/functions tests/infra --ignore tests/contract/pillow",
        "-m pytest tests/e2e -m not soak and not second_cloud",
        "-m pytest tests/e2e -m second_cloud and not soak",
        "-m pytest tests/unit tests/simulation tests/browser tests/contract/pillow",
    ]
    assert (done.returncode == 0) is is_success, done.stderr


def test_each_folder_with_tests_is_run() -> None:
    """`make test` names the folders of both halves."""
    run = re.findall(r"-m pytest (.*)", (ROOT / "Makefile").read_text())
    named = re.findall(r"tests/(\w+)", " ".join(run))
    tests = [it.relative_to(ROOT / "tests") for it in (ROOT / "tests").rglob("test_*.py")]
    assert set(named) == {it.parts[0] for it in tests if "node_modules" not in it.parts}


def installs(target: str) -> list[str]:
    """The lock files that make installs for a target in a new checkout."""
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
def test_each_target_installs_only_what_it_needs(target: str, locks: list[str]) -> None:
    """The demo needs no linter, type checker or test runner."""
    assert installs(target) == locks


def test_an_installation_prints_the_disk_space_it_takes(checkout: Path) -> None:
    """Before it starts, as it is silent afterwards."""
    shutil.rmtree(checkout / ".venv")
    told = steps(checkout)
    assert told.index("GB of disk") < told.index("-m venv .venv")


def test_the_lock_files_agree() -> None:
    """Tests add packages to those of the demo, and replace none."""
    pins = [
        set(re.findall(r"^[\w.-]+==.*?(?= \\$)", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in (LOCAL, DEV)
    ]
    assert pins[0] < pins[1]


def test_a_virtual_environment_of_this_python_is_kept(checkout: Path) -> None:
    """Nothing is done."""
    assert "up to date" in steps(checkout)


def test_a_missing_virtual_environment_is_made(checkout: Path) -> None:
    """Without removing one."""
    shutil.rmtree(checkout / ".venv")
    assert "-m venv .venv" in steps(checkout)
    assert not is_made_again(checkout)


def test_a_virtual_environment_of_another_version_is_made_again(checkout: Path) -> None:
    """Its packages were compiled for another version."""
    change(checkout, "version = 3.", "version = 2.")
    assert is_made_again(checkout)


def test_a_virtual_environment_of_another_installation_is_made_again(checkout: Path) -> None:
    """It has the same version, but the old interpreter may be gone."""
    change(checkout, f"executable = {python()}", "executable = /opt/gone/bin/python3")
    assert is_made_again(checkout)


def test_a_virtual_environment_of_a_checkout_that_was_moved_is_made_again(checkout: Path) -> None:
    """Its commands name the interpreter by the old path."""
    assert is_made_again(checkout.rename(checkout.with_name("moved")))


def test_a_broken_virtual_environment_is_made_again(checkout: Path) -> None:
    """As left by an interrupted setup."""
    (checkout / ".venv" / "pyvenv.cfg").unlink()
    assert is_made_again(checkout)
