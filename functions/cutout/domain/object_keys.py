"""Where a cut-out goes: the names of result objects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain, count
from posixpath import splitext

MAX_KEY_BYTES = 1024
"""S3's limit for a key, in UTF-8."""
REVIEW_FOLDER = "review/"
PREPARED_FOLDER = "prepared/"
"""Where the work bucket holds copies of photos, each for a day."""
KEPT_FOLDER = "kept/"
"""Where the work bucket holds accepted results as they came."""
MADE_BY = "cutout-job"
"""The metadata that every result carries, and by which it is known again elsewhere."""
SOURCE_ORDER = "cutout-source-order"
"""The metadata by which a newer upload's object is told from an older one's."""
LANE_MARK = "cutout-lane"
"""The metadata by which a copy that `backfill` made says which lane it belongs to."""
SOURCE_VERSION = "cutout-source-version"
"""The metadata that names the version of the upload, or its entity tag where there are none."""
MAX_TAGS = 10
"""S3's limit for the tags of an object."""
NOTE_EXTENSION = ".error.json"
BYPASS_CACHE_MARK = "cutout-fresh"
"""The metadata by which an upload says `true`: buy it anew, whatever is kept of its picture."""
_EXTENSION = ".png"
_BESIDE_EXTENSION = ".json"
_LONGEST_EXTENSION = 6


def result_keys(source_key: str, *, upload_prefix: str, result_prefix: str) -> Iterator[str]:
    """Candidates for a source's result, best first; the first that is free is claimed.

    `shoes/a.jpg` gives `shoes/a.png`, then `shoes/a.jpg.png`, then one with a hash of its own, and
    if somebody has even that, numbered ones without end. Dot segments are renamed, so that no
    reader of paths is led out of the prefix.
    """
    plain = _without_dot_segments(source_key.removeprefix(upload_prefix))
    stem = _stem(plain)
    digest = hashlib.sha256(source_key.encode()).hexdigest()[:12]
    numbered = (f"{digest}-{number}" for number in count(2))
    named = [(stem, digest), (plain, digest)]
    own = ((f"{stem}-{mark}", mark) for mark in chain([digest], numbered))
    for name, mark in chain(named, own):
        yield _fitted(result_prefix + name, mark, _EXTENSION)


def variant_keys(
    template: str,
    result_key: str,
    *,
    recipe: str,
    extension: str,
    result_prefix: str,
) -> Iterator[str]:
    """Candidates for a variant of the cut-out at `result_key`; the first that is free is claimed.

    The second carries a hash that no other cut-out's variant can have.
    """
    plain = result_key.removeprefix(result_prefix).removesuffix(_EXTENSION)
    folder, slash, stem = plain.rpartition("/")
    digest = hashlib.sha256(f"{result_key}\0{recipe}".encode()).hexdigest()[:12]
    for name in (stem, f"{stem}-{digest}"):
        key = template.format(folder=folder + slash, stem=name, recipe=recipe, ext=extension)
        yield _fitted(result_prefix + key.removesuffix(f".{extension}"), digest, f".{extension}")


def results_folder(prefix: str, *, upload_prefix: str, result_prefix: str) -> str:
    """What the result keys of all sources under a prefix begin with, to the last slash at most."""
    folder, slash, _ = prefix.removeprefix(upload_prefix).rpartition("/")
    return result_prefix + _without_dot_segments(folder) + slash


def review_keys(result_key: str, source_key: str) -> Iterator[str]:
    """Candidates for a result that fails acceptance; the first that is free is claimed.

    A photo in a folder `review` may have its cut-out where another's result would wait.
    """
    yield review_key(result_key)
    digest = hashlib.sha256(source_key.encode()).hexdigest()[:12]
    plain = result_key.removesuffix(_EXTENSION)
    for mark in chain([digest], (f"{digest}-{number}" for number in count(2))):
        yield _fitted(f"{REVIEW_FOLDER}{plain}-{mark}", mark, _EXTENSION)


def review_key(result_key: str) -> str:
    """Where a result that fails acceptance is kept, unless another photo has that place."""
    return _fitted(REVIEW_FOLDER + result_key.removesuffix(_EXTENSION), "", _EXTENSION)


def note_key(source_key: str, *, upload_prefix: str, result_prefix: str) -> str:
    """Where it is said why a source has no cut-out: beside where that would be.

    Each source has its own: a name that had to be changed ends in a hash of the source key.
    """
    own = source_key.removeprefix(upload_prefix)
    plain = _without_dot_segments(own)
    digest = hashlib.sha256(source_key.encode()).hexdigest()[:12]
    name = plain if plain == own else f"{plain}-{digest}"
    return _fitted(result_prefix + name, digest, NOTE_EXTENSION)


def beside(key: str) -> str:
    """Where it is said why the object at a key of ours is not a cut-out.

    Two names that were cut to fit stay different, by a hash of the whole.
    """
    return _fitted(key, "", _BESIDE_EXTENSION)


def same_bytes_key(job_id: str, format_: str) -> str:
    """Where the work bucket holds the very bytes of a photo whose bucket keeps no versions."""
    return f"{PREPARED_FOLDER}{job_id}-same.{format_}"


def kept_key(sha256: str, model: str) -> str:
    """Where the work bucket keeps a model's result, by the SHA-256 of the source's bytes."""
    return f"{KEPT_FOLDER}{sha256}-{model}{_EXTENSION}"


def _stem(key: str) -> str:
    stem, extension = splitext(key)
    is_extension = 1 < len(extension) <= _LONGEST_EXTENSION and extension[1:].isalnum()
    return stem if is_extension and stem and not stem.endswith("/") else key


def _without_dot_segments(key: str) -> str:
    return "/".join(
        "_" * len(segment) if segment in {".", ".."} else segment for segment in key.split("/")
    )


def _fitted(stem: str, digest: str, extension: str) -> str:
    """Cut to S3's limit, at a character; cut keys carry a hash so that they stay different."""
    room = MAX_KEY_BYTES - len(extension)
    raw = stem.encode()
    if len(raw) <= room:
        return stem + extension
    digest = digest or hashlib.sha256(raw).hexdigest()[:12]
    return raw[: room - len(digest) - 1].decode(errors="ignore") + "-" + digest + extension


STATE_TAG = "cutout"
"""The tag by which a source says what became of it: it is about the source, not the cut-out."""
