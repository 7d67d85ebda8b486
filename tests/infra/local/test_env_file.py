"""`local.env`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infra.local.env_file import read_env_file, write_env_file

VARIABLES = {
    "PLAIN": "https://127.0.0.1:4566",
    "EMPTY": "",
    "SPACED": "/a folder/with 'quotes' and $dollars.pem",
    "EQUAL": "a=b",
}


def test_variables_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Values may hold anything that a path may hold."""
    path = tmp_path / "new" / "local.env"
    write_env_file(path, VARIABLES)
    assert read_env_file(path) == VARIABLES


def test_a_shell_can_source_it(tmp_path: Path) -> None:
    """`set -a; . local.env` sets just these."""
    path = tmp_path / "local.env"
    write_env_file(path, VARIABLES)
    script = f'set -a; . "{path}"; printf "%s\\n" "$PLAIN" "$EMPTY" "$SPACED" "$EQUAL"'
    shown = subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines() == list(VARIABLES.values())


def test_plain_values_are_written_plainly(tmp_path: Path) -> None:
    """For readers that split at the equals sign and do not support quotes."""
    path = tmp_path / "local.env"
    write_env_file(path, {"A": "https://127.0.0.1:4566", "B": ""})
    assert path.read_text() == "A=https://127.0.0.1:4566\nB=\n"


def test_only_this_user_can_read_it(tmp_path: Path) -> None:
    """It contains a secret key; an existing file with wider permissions is replaced."""
    path = tmp_path / "local.env"
    path.touch(mode=0o666)
    write_env_file(path, VARIABLES)
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_means_no_variables(tmp_path: Path) -> None:
    """Nothing is up."""
    assert read_env_file(tmp_path / "local.env") == {}
