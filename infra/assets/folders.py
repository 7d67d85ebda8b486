"""Where the sources of the functions are, and where what is made of them is kept.

In a checkout, both are the checkout's own. A wheel carries the sources with it and is not written
to: what is built goes to the person's cache.
"""

import os
from pathlib import Path
from typing import Final

_INFRA: Final = Path(__file__).resolve().parents[1]
_IS_INSTALLED: Final = (_INFRA / "functions").is_dir()

SOURCES: Final = _INFRA if _IS_INSTALLED else _INFRA.parent
"""The folder of `functions` and `requirements`."""

_USERS_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

CACHE: Final = _USERS_CACHE / "cutout" if _IS_INSTALLED else _INFRA.parent / ".cutout"
"""A folder that can be thrown away at any time."""


def project() -> Path:
    """Return where the files lie that a deployment is told by: the checkout, or else here."""
    return Path.cwd() if _IS_INSTALLED else SOURCES
