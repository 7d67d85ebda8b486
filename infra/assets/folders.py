"""The folders of the functions' sources and of the cache.

In a checkout, both are in the checkout. A wheel contains the sources; its cache is the user's.
"""

import os
from pathlib import Path
from typing import Final

_INFRA: Final = Path(__file__).resolve().parents[1]
_IS_INSTALLED: Final = (_INFRA / "functions").is_dir()

SOURCES: Final = _INFRA if _IS_INSTALLED else _INFRA.parent
"""The folder that contains `functions` and `requirements`."""


def cache_folder() -> Path:
    """Return a folder that can be thrown away at any time."""
    if not _IS_INSTALLED:
        return SOURCES / ".cutout"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cutout"


def project() -> Path:
    """Return the folder of `recipes.toml`: the checkout, or for a wheel the working folder."""
    return Path.cwd() if _IS_INSTALLED else SOURCES
