"""The files that cut-outs are written to: always inside the chosen folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath


def target_path(out: Path, key: str) -> Path:
    """Return the file for a result key.

    A key may hold what has a meaning in a file system: dot segments, a leading slash, empty
    segments, backslashes, control characters. Such segments are renamed.
    """
    segments = [_plain(segment) for segment in key.split("/") if segment]
    return out.joinpath(*PurePosixPath(*segments).parts) if segments else out / "_"


def _plain(segment: str) -> str:
    if set(segment) <= {"."}:
        return "_" * len(segment)
    return "".join(
        "_" if character in "\\:" or not character.isprintable() else character
        for character in segment
    )
