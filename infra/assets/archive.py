"""Reproducible zips: sorted, without times, with one mode for all files."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

Contents = Mapping[str, bytes]

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
# The mode of a Unix file, in the upper half of the attributes; Lambda runs the code as another
# user, who must be able to read it.
_READABLE_BY_ALL: Final = 0o100644 << 16
_UNIX: Final = 3  # the system that the attributes are of; zipfile writes Windows there on Windows


def add_to_zip(path: Path, contents: Contents, *, compression: int = 6) -> None:
    """Add files to a zip, which is created if it does not exist; `compression` is zlib's level."""
    with zipfile.ZipFile(path, "a") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE_BY_ALL
            entry.create_system = _UNIX
            archive.writestr(entry, contents[name], compresslevel=compression)


def digest_of(contents: Contents, *, also: str) -> str:
    """Return a digest of files, and of the text `also`."""
    digest = hashlib.sha256(also.encode())
    for name in sorted(contents):
        # Bytecode depends on the sources only, but is not the same on all machines.
        if not name.endswith(".pyc"):
            digest.update(f"\0{name}\0{hashlib.sha256(contents[name]).hexdigest()}".encode())
    return digest.hexdigest()
