"""Keys of objects in the results and work buckets, and names of their metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count
from posixpath import splitext

MAX_KEY_BYTES = 1024
"""S3's limit for a key, in UTF-8."""
REVIEW_FOLDER = "review/"
PREPARED_FOLDER = "prepared/"
"""The work bucket's folder for copies of photos, which are deleted after a day."""
KEPT_FOLDER = "kept/"
"""The work bucket's folder for cached results."""
MADE_BY = "cutout-job"
"""Metadata of every result: its job. It identifies our own output in any bucket."""
SOURCE_ORDER = "cutout-source-order"
"""Metadata of every result: the order of its upload, so that older ones never replace it."""
LANE_MARK = "cutout-lane"
"""Metadata of an upload that `backfill` copied: its lane."""
SOURCE_VERSION = "cutout-source-version"
"""Metadata of every result: its upload's version, or entity tag in a bucket without versions."""
MAX_TAGS = 10
"""S3's limit for the tags of an object."""
STATE_TAG = "cutout"
"""The tag of a source with its job's end state."""
NOTE_EXTENSION = ".error.json"
BYPASS_CACHE_MARK = "cutout-fresh"
"""Metadata of an upload: `true` ignores cached results and pays for a new one."""
SKIP_MARK = "cutout-skip"
"""Metadata of an upload: `true` makes no cut-out of it."""
RECIPES_MARK = "cutout-recipes"
"""Metadata of an upload: the names of the recipes for its variants, separated by commas."""
USUAL_RESULT_KEYS, USUAL_REVIEW_KEYS = 3, 2
"""Candidates for a key that are used in practice; later ones are for hash collisions."""
RESULT_EXTENSION = ".png"
_BESIDE_EXTENSION = ".json"
_LONGEST_EXTENSION = 6


def result_keys(source_key: str, *, upload_prefix: str, result_prefix: str) -> Iterator[str]:
    """Candidates for a source's result key, best first; the first free one is claimed.

    `shoes/a.jpg` gives `shoes/a.png`, then `shoes/a.jpg.png`, then one with a hash of the key, then
    numbered ones without end. Dot segments are renamed, so that no path leaves the prefix.
    """
    plain = _without_dot_segments(source_key.removeprefix(upload_prefix))
    stem = _stem(plain)
    for name in (stem, plain):
        yield fitted(result_prefix + name, digest_of(source_key), RESULT_EXTENSION)
    for mark in _marks(source_key):
        yield fitted(f"{result_prefix}{stem}-{mark}", mark, RESULT_EXTENSION)


def results_folder(prefix: str, *, upload_prefix: str, result_prefix: str) -> str:
    """The common prefix of the result keys of all sources under a prefix, up to a slash."""
    folder, slash, _ = prefix.removeprefix(upload_prefix).rpartition("/")
    return result_prefix + _without_dot_segments(folder) + slash


def review_keys(result_key: str, source_key: str) -> Iterator[str]:
    """Candidates for the key of a result under review; the first free one is claimed.

    The cut-out of a photo in a folder `review` may have the first one.
    """
    plain = result_key.removesuffix(RESULT_EXTENSION)
    yield fitted(REVIEW_FOLDER + plain, "", RESULT_EXTENSION)
    for mark in _marks(source_key):
        yield fitted(f"{REVIEW_FOLDER}{plain}-{mark}", mark, RESULT_EXTENSION)


def note_key(source_key: str, *, upload_prefix: str, result_prefix: str) -> str:
    """The key of the note on why a source has no cut-out, beside the cut-out's key.

    Keys are unique: one that had to be changed ends in a hash of the source key.
    """
    own = source_key.removeprefix(upload_prefix)
    plain = _without_dot_segments(own)
    digest = digest_of(source_key)
    name = plain if plain == own else f"{plain}-{digest}"
    return fitted(result_prefix + name, digest, NOTE_EXTENSION)


def beside(key: str) -> str:
    """The key of the note on a result under review, beside the result.

    Keys that had to be shortened stay unique by a hash.
    """
    return fitted(key, "", _BESIDE_EXTENSION)


def same_bytes_key(job_id: str, format_: str) -> str:
    """The work bucket's key for an exact copy of a photo from a bucket without versions."""
    return f"{PREPARED_FOLDER}{job_id}-same.{format_}"


def kept_key(job_id: str, attempt: int) -> str:
    """The work bucket's key for the cached result of one attempt."""
    return f"{KEPT_FOLDER}{job_id}-{attempt}{RESULT_EXTENSION}"


def _stem(key: str) -> str:
    stem, extension = splitext(key)
    is_extension = 1 < len(extension) <= _LONGEST_EXTENSION and extension[1:].isalnum()
    return stem if is_extension and stem and not stem.endswith("/") else key


def _without_dot_segments(key: str) -> str:
    return "/".join(
        "_" * len(segment) if segment in {".", ".."} else segment for segment in key.split("/")
    )


def _marks(source_key: str) -> Iterator[str]:
    """A hash of the key, then numbered ones without end."""
    digest = digest_of(source_key)
    yield digest
    for number in count(2):
        yield f"{digest}-{number}"


def digest_of(text: str) -> str:
    """The hash that makes a key unique."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def fitted(stem: str, digest: str, extension: str) -> str:
    """The key, shortened to S3's limit between characters; a hash keeps shortened keys unique."""
    room = MAX_KEY_BYTES - len(extension)
    raw = stem.encode()
    if len(raw) <= room:
        return stem + extension
    digest = digest or digest_of(stem)
    # A letter that was cut in its middle is dropped.
    return raw[: room - len(digest) - 1].decode(errors="ignore") + "-" + digest + extension
