"""The locked distributions, installed once for each platform."""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from typing import Final

from .asset_platform import TargetPlatform
from .build_cache import folder_made_once, key_of
from .build_commands import AssetError, run

LOCKS: Final = ("runtime.txt", "store.txt", "prepare.txt")

# Lambda never imports stubs, shell entry points or examples. The build compiles the bytecode anew.
_UNUSED: Final = re.compile(
    r"""
      .*\.(pyc|pyi|pyx|pxd|c|h|pth)$
    | .*/py\.typed$
    | (\.\./)*bin/.*
    | botocore/data/.*/examples-1\.json(\.gz)?$
    """,
    re.VERBOSE,
)

# Metadata that vulnerability scanners read or licences require.
_KEPT_METADATA: Final = re.compile(
    r".*\.dist-info/(METADATA|licenses/.*|LICEN[CS]E[^/]*|NOTICE[^/]*)$"
)

_LEFT_OUT: Final = frozenset({"anyio", "httpcore"})
"""What httpx requires for its own network and its asynchronous clients; we have our own network."""

# What is imported although no function uses it: the writer of the clients' documentation; HTTP/2,
# which looks for installed packages; Powertools' traces; and its search for correlation ids, which
# imports typing_extensions. Together they are a twentieth to a tenth of a cold start.
_REPLACED: Final = {
    "botocore/docs/__init__.py": "",
    "botocore/docs/docstring.py": """\
def ClientMethodDocstring(**_):
    return None


PaginatorDocstring = WaiterDocstring = ClientMethodDocstring
""",
    "urllib3/http2/__init__.py": "",
    "aws_lambda_powertools/tracing/__init__.py": "Tracer = None\n",
    "aws_lambda_powertools/utilities/jmespath_utils/__init__.py": "",
}

# The exact pattern of an IPv6 address is compiled five times, for a tenth of a cold start. AWS is
# called by name; what only looks like an address cannot be connected to.
_IPV6: Final = (
    '"(?:" + "|".join([x % _subs for x in _variations]) + ")"',
    '"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"',
)
_EDITED: Final = {"botocore/compat.py": _IPV6, "urllib3/util/url.py": _IPV6}


def files_of(roots: Iterable[str], *, site: Path) -> dict[str, Path]:
    """Return the files of distributions and their requirements, by their path in an asset.

    Raises:
        AssetError: one is not among the installed ones, so it is not locked.
    """
    installed = {_plain(one.name): one for one in distributions(path=[str(site)])}
    kept = (path for name in _needed(installed, roots) for path in _kept(installed[name]))
    return {path: site / path for path in sorted(kept)}


def install(target: TargetPlatform, *, locks: Path, cache: Path) -> Path:
    """Return a folder with the locked requirements for a platform.

    Raises:
        AssetError: they cannot be installed.
    """

    def make(folder: Path) -> None:
        _run_uv(target, locks, folder)
        edited = {name: _edited(folder / name, *change) for name, change in _EDITED.items()}
        for name, text in (_REPLACED | edited).items():
            # A file of its own: uv may have linked the installed one to the file in its cache.
            (folder / name).unlink()
            (folder / name).write_text(text, encoding="utf-8")
        target.compile_tree(folder)

    key = site_key(target, locks)
    return folder_made_once(cache, f"site-{target.name}", key, make)


def _edited(path: Path, old: str, new: str) -> str:
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise AssetError(f"{path.name} is not the version that the build can change")
    return text.replace(old, new)


def site_key(target: TargetPlatform, locks: Path) -> str:
    """Return a digest of all inputs of an installation."""
    return key_of(
        f"{target.fingerprint}\0{_REPLACED}{_EDITED}", {name: locks / name for name in LOCKS}
    )


def _run_uv(target: TargetPlatform, locks: Path, folder: Path) -> None:
    command = [
        *(sys.executable, "-m", "uv"),
        # The lock lists every requirement with its hashes, so nothing is resolved here.
        *("pip", "install", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary", ":all:", "--target", str(folder)),
        *target.install_options,
        *(option for name in LOCKS for option in ("--requirements", str(locks / name))),
    ]
    run(command, f"the locked requirements cannot be installed for {target.name}")


def _needed(installed: dict[str, Distribution], roots: Iterable[str]) -> list[str]:
    # The requirements of requirements: an asset holds nothing that its function does not import.
    waiting = list(roots)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in installed:
            raise AssetError(f"{name} is not among the locked requirements")
        found.add(name)
        required = set(_requirements(installed[name])) - _LEFT_OUT
        waiting += [one for one in required if one in installed]
    return sorted(found)


def _requirements(distribution: Distribution) -> Iterator[str]:
    """Yield what a distribution requires without extras; the lock decides what applies."""
    for line in distribution.requires or ():
        if "extra ==" not in line:
            name = re.match(r"[A-Za-z0-9._-]+", line)
            yield _plain(name.group() if name else line)


def _kept(distribution: Distribution) -> Iterator[str]:
    for path in distribution.files or ():
        name = PurePosixPath(path).as_posix()
        is_metadata = ".dist-info/" in name
        if _KEPT_METADATA.match(name) if is_metadata else not _UNUSED.match(name):
            yield name


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
