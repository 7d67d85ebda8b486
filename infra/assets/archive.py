"""Zips that are the same for the same contents: sorted, without times, one mode for all files."""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Contents = Mapping[str, bytes]

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
_READABLE_BY_ALL: Final = 0o100644 << 16
_UNIX: Final = 3


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an asset is."""

    files: int
    unzipped_bytes: int
    zipped_bytes: int


def write_zip(path: Path, contents: Contents) -> Size:
    """Write a zip."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE_BY_ALL
            entry.create_system = _UNIX
            archive.writestr(entry, contents[name], compresslevel=9)
    return Size(
        files=len(contents),
        unzipped_bytes=sum(len(one) for one in contents.values()),
        zipped_bytes=path.stat().st_size,
    )


def digest_of(contents: Contents, *, bytecode: str) -> str:
    """Return the hash of what an asset does: its files, and which Python it is compiled for.

    The bytecode itself is left out: it follows from the sources, but not to the byte on every
    machine.
    """
    digest = hashlib.sha256(bytecode.encode())
    for name in sorted(contents):
        if not name.endswith(".pyc"):
            digest.update(f"\0{name}\0{hashlib.sha256(contents[name]).hexdigest()}".encode())
    return digest.hexdigest()
