"""Which files a command uploads, and under which keys."""

from __future__ import annotations

import mimetypes
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAX_KEY_BYTES = 1024
_MAX_BYTES = 5 * 1024**3
"""S3 takes no more in one request; no model takes a hundredth of it."""
_UNKNOWN_TYPE = "application/octet-stream"
# What Python 3.11 does not know yet; the functions look at the bytes, people at the type.
_MORE_TYPES = {
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jfif": "image/jpeg",
    ".webp": "image/webp",
}


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A file that is to be uploaded; `is_fresh`: its cut-out is to be bought, come what may."""

    path: Path
    key: str
    content_type: str
    bypass_cache: bool = False


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What was found.

    Attributes:
        passed_over: files in folders that are no photos by their names.
        links: links in folders that lead to folders, which could go in circles, or to nothing.
    """

    photos: tuple[Photo, ...]
    passed_over: tuple[Path, ...]
    links: tuple[Path, ...] = ()


def select_photos(paths: Iterable[Path], *, prefix: str = "") -> Selection:
    """Find what to upload.

    A file becomes a key of its own name. A folder's files keep the folder's name and structure
    (``.`` has no name). Hidden files, and files in folders that do not look like photos, are
    passed over; a file that was named itself never is.

    Raises:
        Problem: Two files would become one key, or S3 takes no such key or file.
    """
    photos: list[Photo] = []
    passed_over: list[Path] = []
    links: list[Path] = []
    for path in paths:
        if path.is_dir():
            taken, left = _in_folder(path, prefix)
            photos += taken
            passed_over += left
            links += _links_in(path)
        else:
            photos.append(_photo(path, prefix + path.name))
    photos = list(dict.fromkeys(photos))
    _check_files(photos)
    _check_keys(photos)
    return Selection(photos=tuple(photos), passed_over=tuple(passed_over), links=tuple(links))


def content_type(name: str) -> str:
    """Return the Content-Type that a file's name stands for."""
    suffix = PurePosixPath(name).suffix.lower()
    return _MORE_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or _UNKNOWN_TYPE


def _in_folder(folder: Path, prefix: str) -> tuple[list[Photo], list[Path]]:
    taken: list[Photo] = []
    left: list[Path] = []
    name = PurePosixPath(folder.resolve().name if folder != Path() else "")
    for path in sorted(_visible_files(folder)):
        if _looks_like_photo(path):
            inside = path.relative_to(folder).as_posix()
            taken.append(_photo(path, prefix + str(name / inside)))
        else:
            left.append(path)
    return taken, left


def _visible_files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield path


def _links_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_symlink() and not path.is_file()]


def _looks_like_photo(path: Path) -> bool:
    return not path.suffix or content_type(path.name).startswith("image/")


def _photo(path: Path, key: str) -> Photo:
    return Photo(path=path, key=key, content_type=content_type(path.name))


def _check_files(photos: Iterable[Photo]) -> None:
    for photo in photos:
        if not photo.path.is_file():
            raise Problem(f"{photo.path} is neither a file nor a folder.")
        if photo.path.stat().st_size > _MAX_BYTES:
            raise Problem(f"{photo.path} is larger than 5 GB: S3 does not take it, nor any model.")


def _check_keys(photos: Iterable[Photo]) -> None:
    by_key: dict[str, Path] = {}
    for photo in photos:
        if len(_encoded(photo)) > _MAX_KEY_BYTES:
            raise Problem(f"{photo.path} makes a key that is longer than S3's 1,024 bytes.")
        other = by_key.setdefault(photo.key, photo.path)
        if other != photo.path:
            raise Problem(
                f"{other} and {photo.path} would both become {photo.key}.",
                advice="Put the folder that holds both: keys keep its structure.",
            )


def _encoded(photo: Photo) -> bytes:
    try:
        return photo.key.encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(photo.path).decode(errors="backslashreplace")
        raise Problem(f"{name} is not named in UTF-8, as keys are.", advice="Rename it.") from error
