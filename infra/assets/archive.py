"""Reproducible zips: sorted, without times, with one mode for all files."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final

Contents = Mapping[str, bytes]

_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
# The mode of a Unix file, in the upper half of the attributes; Lambda runs the code as another
# user, who must be able to read it.
_READABLE_BY_ALL: Final = 0o100644 << 16
_UNIX: Final = 3  # the system that the attributes are of; zipfile writes Windows there on Windows


class Deflater:
    """Compresses each content once: the assets have most of their files in common."""

    def __init__(self, level: int = 6) -> None:
        """Compress in threads; `level` is zlib's, from 0 to 9."""
        self._pool = ThreadPoolExecutor()
        self._level = level
        self._made: dict[bytes, Future[bytes]] = {}
        self._lock = Lock()

    def start(self, content: bytes) -> "Future[bytes]":
        """Return the content's compression, which another asset may have started."""
        key = hashlib.sha256(content).digest()
        with self._lock:
            if key not in self._made:
                self._made[key] = self._pool.submit(
                    zlib.compress, content, self._level, -zlib.MAX_WBITS
                )
            return self._made[key]


def add_to_zip(path: Path, contents: Contents, deflater: Deflater) -> None:
    """Add files to a zip, which is created if it does not exist."""
    deflated = {name: deflater.start(contents[name]) for name in sorted(contents)}
    with zipfile.ZipFile(path, "a") as archive:
        for name, future in deflated.items():
            entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE_BY_ALL
            entry.create_system = _UNIX
            entry.file_size = len(contents[name])
            entry.CRC = zlib.crc32(contents[name])
            _write_deflated(archive, entry, future.result())


def _write_deflated(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, deflated: bytes) -> None:
    # zipfile has no way to write what is compressed already; this is what its own writer does.
    # https://github.com/python/cpython/blob/3.13/Lib/zipfile/__init__.py
    entry.compress_size = len(deflated)
    entry.header_offset = archive.start_dir
    assert archive.fp is not None  # noqa: S101 # it is open
    archive.fp.seek(archive.start_dir)
    archive.fp.write(entry.FileHeader(zip64=False) + deflated)
    archive.start_dir = archive.fp.tell()
    archive.filelist.append(entry)
    archive.NameToInfo[entry.filename] = entry
    archive._didModify = True  # type: ignore[attr-defined] # noqa: SLF001


def digest_of(contents: Contents, *, also: str) -> str:
    """Return a digest of files, and of the text `also`."""
    digest = hashlib.sha256(also.encode())
    for name in sorted(contents):
        # Bytecode depends on the sources only, but is not the same on all machines.
        if not name.endswith(".pyc"):
            digest.update(f"\0{name}\0{hashlib.sha256(contents[name]).hexdigest()}".encode())
    return digest.hexdigest()
