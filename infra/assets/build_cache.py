"""A cache of zips and folders: each is made once, by one process at a time; old ones go."""

import fcntl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..deployed_functions import Asset
from ..version import digest_of

_KEPT_ZIPS: Final = 4
_ZIP: Final = "asset.zip"
_DIGEST: Final = "digest"


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Lock the cache, so that a second process finds what the first has built."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # The kernel frees it when the process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def key_of(what: str, files: Mapping[str, Path]) -> str:
    """Return a digest of a text and of the names and contents of files."""
    contents = {name: path.read_bytes() for name, path in files.items()}
    return digest_of(contents, also=what)[:16]


def zip_made_once(cache: Path, kind: str, key: str, make: Callable[[Path], str]) -> Asset:
    """Return the zip of that kind and key; make it if it is not in the cache.

    `make` gets the path of the zip and returns the digest of its contents. The last few of the
    kind are kept, for switching between branches.
    """

    def make_folder(folder: Path) -> None:
        digest = make(folder / _ZIP)
        (folder / _DIGEST).write_text(digest)

    folder = folder_made_once(cache, kind, key, make_folder, kept=_KEPT_ZIPS)
    return Asset(path=folder / _ZIP, digest=(folder / _DIGEST).read_text())


def folder_made_once(
    cache: Path, kind: str, key: str, make: Callable[[Path], None], *, kept: int = 1
) -> Path:
    """Return the folder of that kind and key; make it if it is not in the cache.

    The key is a digest of all inputs. When a folder is made, it and the last ones of its kind stay,
    as many as `kept`; older ones are deleted.
    """
    folder = cache / f"{kind}-{key}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as temporary:
            fresh = Path(temporary) / "fresh"
            fresh.mkdir()
            make(fresh)
            found = sorted(cache.glob(f"{kind}-*"), key=lambda one: one.stat().st_mtime_ns)
            # Moved when it is complete, and moved away before it is deleted: what an interrupted
            # build leaves is never taken for a folder of the cache.
            for old in found[::-1][kept - 1 :]:
                old.rename(Path(temporary) / old.name)
            fresh.rename(folder)
    return folder
