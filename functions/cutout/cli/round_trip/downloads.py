"""Downloads of cut-outs into a folder, and only into it. What is there already is kept."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cutout.cli.output.problems import Problem
from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from cutout.cli.aws.deployed_stack import PhotoStore
    from cutout.domain.job.job import Job
    from cutout.domain.job.variant import Variant


@dataclass(frozen=True, kw_only=True)
class CutOut:
    """An object of the results bucket.

    Attributes:
        sha256: of its bytes; None for one whose job has expired.
    """

    key: str
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Downloads:
    """Writes objects of the results bucket into a folder. Several threads may share it.

    Attributes:
        fetched: the files that were downloaded, not there already.
    """

    store: PhotoStore
    out: Path
    fetched: set[Path] = field(default_factory=set)
    _keys: dict[Path, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, cut_out: CutOut) -> Path:
        """Download an object, unless its file is there with the same bytes; return the file.

        Raises:
            Problem: The file would be outside the folder, or is that of another key.
        """
        file = target_path(self.out, cut_out.key)
        self._check(file, cut_out.key)
        if cut_out.sha256 is None or not has_hash(file, cut_out.sha256):
            self.store.download(cut_out.key, file)
            self.fetched.add(file)
        return file

    def _check(self, file: Path, key: str) -> None:
        # Two keys may have one file: `a:b.png` and `a_b.png`, and more where case is ignored.
        with self._lock:
            other = self._keys.setdefault(file, key)
        if other != key:
            raise Problem(f"{key} would overwrite {file}, which is the cut-out {other}.")
        # A key cannot lead out of the folder, but a link that is in it already can.
        if not file.resolve().is_relative_to(self.out.resolve()):
            raise Problem(f"{file} is a link that leads out of {self.out}.")


def cut_out_of(job: Job) -> CutOut | None:
    """Return the cut-out of a completed job."""
    return None if job.result is None else CutOut(key=job.result.key, sha256=job.result.sha256)


def variants_of(job: Job | None) -> list[tuple[Variant, CutOut]]:
    """Return the variants that were made."""
    variants = job.variants if job else ()
    return [(one, CutOut(key=one.key, sha256=one.sha256)) for one in variants if one.key]


def has_hash(file: Path, sha256: str) -> bool:
    """Whether the file exists with this hash."""
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == sha256


def target_path(out: Path, key: str) -> Path:
    """Return the file for a result key."""
    # A key may hold what has a meaning in a file system: dot segments, a leading slash, empty
    # segments, backslashes, control characters. Such segments are renamed.
    segments = [_plain(segment) for segment in key.split("/") if segment]
    return out.joinpath(*PurePosixPath(*segments).parts) if segments else out / "_"


def _plain(segment: str) -> str:
    if set(segment) <= {"."}:
        return "_" * len(segment)
    return "".join(
        "_" if character in "\\:" or not character.isprintable() else character
        for character in segment
    )
