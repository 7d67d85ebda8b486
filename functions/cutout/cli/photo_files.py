"""The files that a command uploads, and their keys."""

import mimetypes
import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path, PurePosixPath

from cutout.cli.output.problems import Problem
from cutout.domain.dataclass import dataclass
from cutout.domain.object_keys import MAX_KEY_BYTES
from cutout.domain.photo.formats import media_types_by_suffix

MAX_PHOTO_BYTES = 5 * 1024**3
"""The most that S3 accepts in one PutObject request."""
_UNKNOWN_TYPE = "application/octet-stream"
# Types are for people: the functions look at the bytes.
_MORE_TYPES = media_types_by_suffix()


@dataclass(frozen=True, kw_only=True)
class PhotoFile:
    """A file to upload.

    Attributes:
        bypass_cache: pay for a new cut-out even if a cached result of the same photo exists.
    """

    path: Path
    key: str
    content_type: str
    bypass_cache: bool = False


@dataclass(frozen=True, kw_only=True)
class SentPhoto:
    """A photo that was uploaded.

    Attributes:
        at: when its upload began, by this machine's clock; of an object that was there, by S3's.
        job_id: the id of its job; None in a bucket without versions, where the id follows from the
            event.
        credits_before: what its job had cost when it had ended before this command.
    """

    photo: PhotoFile
    at: datetime
    etag: str
    job_id: str | None
    credits_before: Decimal = Decimal(0)

    @property
    def key(self) -> str:
        """The key in the uploads bucket."""
        return self.photo.key


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The photos that paths name.

    Attributes:
        skipped: files in folders whose names are not names of photos.
        links: links in folders that lead to nothing, or to folders, which could form a loop.
        unnamed: photos in folders whose names are not UTF-8, as keys are.
    """

    photos: tuple[PhotoFile, ...]
    skipped: tuple[Path, ...]
    links: tuple[Path, ...] = ()
    unnamed: tuple[Path, ...] = ()


def select_photos(paths: Iterable[Path], *, prefix: str = "") -> Selection:
    """Find the photos to upload.

    A file's key is its name. The keys of a folder's files keep the folder's name and structure
    (`.` has no name). In folders, hidden files and files whose names are not names of photos are
    skipped, also photos whose names are not UTF-8; a file that is named itself is never skipped.

    Raises:
        Problem: Two files would have one key, or S3 does not accept a key or a file.
    """
    found = [one for path in paths for one in _in(path, prefix)]
    # One file may be named twice, as itself and by its folder.
    photos = tuple(dict.fromkeys(one for one in found if isinstance(one, PhotoFile)))
    _check_files(photos)
    _check_keys(photos)
    others = [one for one in found if isinstance(one, Path)]
    files = [one for one in others if one.is_file()]
    return Selection(
        photos=photos,
        skipped=tuple(one for one in files if not looks_like_photo(one.name)),
        links=tuple(one for one in others if one not in files),
        unnamed=tuple(one for one in files if looks_like_photo(one.name)),
    )


def content_type(name: str) -> str:
    """Return the Content-Type of a file with this name."""
    suffix = PurePosixPath(name).suffix.lower()
    return _MORE_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or _UNKNOWN_TYPE


def _in(path: Path, prefix: str) -> Iterator[PhotoFile | Path]:
    """Yield the photos that a path names; of a folder also skipped files and links."""
    if not path.is_dir():
        yield _photo(path, prefix + path.name)
        return
    # `..` has a name only when it is resolved.
    name = PurePosixPath(path.resolve().name if path != Path() else "")
    # `rglob` does not follow links to folders, so a loop of links ends.
    for one in sorted(path.rglob("*")):
        inside = one.relative_to(path)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        if not one.is_file():
            # A link that leads to a folder, or to nothing.
            yield from [one] if one.is_symlink() else []
        elif not is_hidden:
            key = prefix + str(name / inside.as_posix())
            # Bytes of a name that are not UTF-8, as keys are, are lone surrogates.
            is_utf8 = not re.search("[\ud800-\udfff]", str(inside))
            is_photo = looks_like_photo(one.name) and is_utf8
            yield _photo(one, key) if is_photo else one


def looks_like_photo(name: str) -> bool:
    """Whether a file of a folder is a photo by its name."""
    return not PurePosixPath(name).suffix or content_type(name).startswith("image/")


def _photo(path: Path, key: str) -> PhotoFile:
    return PhotoFile(path=path, key=key, content_type=content_type(path.name))


def _check_files(photos: Iterable[PhotoFile]) -> None:
    for photo in photos:
        if not photo.path.is_file():
            raise Problem(f"{photo.path} is neither a file nor a folder.")
        if photo.path.stat().st_size > MAX_PHOTO_BYTES:
            raise Problem(f"{photo.path} is larger than 5 GB, which S3 does not accept.")


def _check_keys(photos: Iterable[PhotoFile]) -> None:
    by_key: dict[str, Path] = {}
    for photo in photos:
        if len(_encoded(photo)) > MAX_KEY_BYTES:
            raise Problem(
                f"The key of {photo.path} is longer than 1,024 bytes, which S3 does not accept."
            )
        other = by_key.setdefault(photo.key, photo.path)
        if other != photo.path:
            raise Problem(
                f"{other} and {photo.path} would have the same key {photo.key}.",
                advice="Name the folder that holds both: keys keep its structure.",
            )


def _encoded(photo: PhotoFile) -> bytes:
    try:
        return photo.key.encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(photo.path).decode(errors="backslashreplace")
        raise Problem(
            f"The name of {name} is not UTF-8, as keys are.", advice="Rename it."
        ) from error
