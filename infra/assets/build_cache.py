"""A cache of zips and folders: each is made once, by one process at a time; old ones go."""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..deployed_functions import Asset

_KEPT: Final = 4


Make = Callable[[Path], str]
"""Builds the zip at the given path; returns the digest of its contents."""


@dataclass(frozen=True)
class BuildCache:
    """A folder of zips, by kind and by a key that is a digest of all inputs."""

    folder: Path

    def get(self, kind: str, key: str, make: Make) -> Asset:
        """Return the zip of that kind and key; build it if it is not in the cache."""
        place = self.folder / f"{kind}-{key}.zip"
        known = _cached(place)
        if known:
            return known
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="making-") as temporary:
            made = Path(temporary) / "asset.zip"
            digest = make(made)
            # A zip counts only with its digest, which is written last.
            made.replace(place)
        _digest_of(place).write_text(digest)
        self._delete_old(kind)
        return Asset(path=place, digest=digest)

    def _delete_old(self, kind: str) -> None:
        found = sorted(self.folder.glob(f"{kind}-*.zip"), key=lambda one: one.stat().st_mtime_ns)
        for place in found[:-_KEPT]:
            _digest_of(place).unlink(missing_ok=True)
            place.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the cache, so that a second process finds what the first has built."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            # The kernel frees it when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def key_of(what: str, files: Mapping[str, Path]) -> str:
    """Return a digest of a text and of the names and contents of files."""
    digest = hashlib.sha256(what.encode())
    for name, path in files.items():
        digest.update(f"\0{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()[:16]


def folder_made_once(cache: Path, kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of that kind and key; make it if it is not in the cache.

    The key is a digest of all inputs. Other folders of the kind are deleted when one is made.
    """
    folder = cache / f"{kind}-{key}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as temporary:
            fresh = Path(temporary) / "fresh"
            fresh.mkdir()
            make(fresh)
            for old in cache.glob(f"{kind}-*"):
                shutil.rmtree(old)
            # Moved when it is complete: what an interrupted build leaves is never taken for it.
            shutil.move(fresh, folder)
    return folder


def _cached(place: Path) -> Asset | None:
    digest = _digest_of(place)
    if not (digest.is_file() and place.is_file()):
        return None
    return Asset(path=place, digest=digest.read_text())


def _digest_of(place: Path) -> Path:
    return place.with_suffix(".digest")
