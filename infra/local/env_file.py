"""``local.env``: lines of KEY=VALUE that make AWS tools use the local cloud.

A shell can source the file (values are quoted where necessary), and `dotenv` tools can read it.
"""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path


def write_env_file(path: Path, variables: Mapping[str, str]) -> None:
    """Write the variables atomically, readable for this user only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    # Quoted only if necessary: not every reader supports quotes.
    quoted = {name: value and shlex.quote(value) for name, value in variables.items()}
    text = "".join(f"{name}={value}\n" for name, value in quoted.items())
    # Made private when it is created, not a moment later: it holds keys.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables, none if the file does not exist."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}
