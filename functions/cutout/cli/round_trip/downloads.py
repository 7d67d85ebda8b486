"""Downloads of cut-outs into a folder, and only into it. What is there already is kept."""

import hashlib
import threading
from dataclasses import field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from cutout.cli.aws.photo_store import S3Store
from cutout.cli.output.job_json import job_as_json
from cutout.cli.output.job_text import explanation
from cutout.cli.output.problems import Problem, explained
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.states import State


@dataclass(frozen=True, kw_only=True)
class UploadStatus:
    """The status of an upload.

    Attributes:
        job: its job; None if it has none, or none any more.
        result_key: of the cut-out of a job that has expired.
        note: why there is no job.
    """

    job: Job | None = None
    result_key: str | None = None
    note: str = ""

    @property
    def state(self) -> str:
        """The state of its job."""
        if self.job is not None:
            return self.job.state.value
        return State.COMPLETED.value if self.result_key else "unknown"

    @property
    def is_completed(self) -> bool:
        """Its cut-out is in the results bucket."""
        return self.state == State.COMPLETED

    @property
    def why(self) -> str:
        """Why it is in this state."""
        return explanation(self.job) if self.job else self.note

    @property
    def cut_out(self) -> tuple[str, str | None] | None:
        """The key of its cut-out, if it is completed, and the hash unless its job has expired."""
        if self.job is None:
            return (self.result_key, None) if self.result_key else None
        result = self.job.result if self.is_completed else None
        return None if result is None else (result.key, result.sha256)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """The files that a cut-out and its variants were written to, and what went wrong."""

    file: Path | None = None
    variants: tuple[tuple[Variant, Path], ...] = ()
    problem: Problem | None = None

    def as_json(self, key: str, status: UploadStatus) -> dict[str, Any]:
        """Return the JSON of the job, with the files."""
        facts = {"key": key, "state": status.state, "reason": status.why}
        return {
            **(job_as_json(status.job) if status.job else facts),
            "file": str(self.file) if self.file else None,
            "variant_files": {variant.recipe: str(file) for variant, file in self.variants},
        }


@dataclass(frozen=True, kw_only=True)
class CutOutDownloads:
    """Writes objects of the results bucket into a folder. Several threads may share it.

    Attributes:
        fetched: the files that were downloaded, not there already.
    """

    store: S3Store
    out: Path
    fetched: set[Path] = field(default_factory=set)
    _keys: dict[Path, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch(self, key: str, sha256: str | None) -> Path:
        """Download an object, unless its file is there with the same bytes; return the file.

        Raises:
            Problem: The file would be outside the folder, or is that of another key.
        """
        file = target_path(self.out, key)
        self._check(file, key)
        # A job that has expired leaves no hash to compare: its cut-out is downloaded again.
        if sha256 is None or not file.is_file() or hashed(file, "sha256") != sha256:
            self.store.download(key, file)
            self.fetched.add(file)
        return file

    def fetch_all(self, upload: UploadStatus) -> Fetched:
        """Download the cut-out and the variants of a completed photo, up to the first problem."""
        file: Path | None = None
        variants: list[tuple[Variant, Path]] = []
        problem: Problem | None = None
        try:
            with explained():
                if upload.cut_out is not None:
                    file = self.fetch(*upload.cut_out)
                    for variant in upload.job.variants if upload.job else ():
                        if variant.key is not None:
                            fetched = self.fetch(variant.key, variant.sha256)
                            variants.append((variant, fetched))
        except Problem as found:
            problem = found
        return Fetched(file=file, variants=tuple(variants), problem=problem)

    def _check(self, file: Path, key: str) -> None:
        # Two keys may have one file: `a:b.png` and `a_b.png`, and more where case is ignored.
        with self._lock:
            other = self._keys.setdefault(file, key)
        if other != key:
            raise Problem(f"{key} would overwrite {file}, which is the cut-out {other}.")
        # A key cannot lead out of the folder, but a link that is in it already can.
        if not file.resolve().is_relative_to(self.out.resolve()):
            raise Problem(f"{file} is a link that leads out of {self.out}.")


def hashed(file: Path, algorithm: str) -> str:
    """Return the hash of a file's bytes."""
    with file.open("rb") as content:
        new = partial(hashlib.new, algorithm, usedforsecurity=False)
        return hashlib.file_digest(content, new).hexdigest()


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
