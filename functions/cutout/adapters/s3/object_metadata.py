"""Metadata, tags and headers of objects: read, written, and fitted to what a request can carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cutout.adapters.s3.encoded_words import decoded, encoded, is_plain
from cutout.domain.object_keys import MAX_TAGS
from cutout.ports.buckets import Handling, Labels

MAX_METADATA_BYTES = 2048
"""S3's limit for user metadata, names and values together, each in UTF-8.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""
MAX_LABEL_BYTES = 4608
"""Of S3's limit of 8 KB for all headers of a request. The signature, the session token and the
conditions need the rest. Text that is not ASCII becomes up to three times as long in a header.
"""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METADATA_PREFIX = "x-amz-meta-"
_SEPARATORS = len(": \r\n")
_TIME_BYTES = len("Thu, 01 Jan 2026 00:00:00 GMT")
_TEXT_HEADERS = {
    "CacheControl": "cache_control",
    "ContentDisposition": "content_disposition",
    "ContentLanguage": "content_language",
}
_HEADERS = _TEXT_HEADERS | {"Expires": "expires"}
"""The SDK's name of each header, and ours."""


def labels_of(answer: Any, tag_set: Any) -> Labels:  # noqa: ANN401 - of a read
    """The labels in the answer to a read, and these tags."""
    handling = _handling(answer)
    return Labels(
        metadata=metadata_of(answer),
        tags={tag["Key"]: tag["Value"] for tag in tag_set},
        handling=handling,
        left_out=tuple(
            f"header {name}"
            for name, ours in _HEADERS.items()
            # botocore keeps the text of a date that it cannot read, as `ExpiresString`.
            if getattr(handling, ours) is None and (answer.get(name) or answer.get(f"{name}String"))
        ),
    )


def metadata_of(answer: Any) -> dict[str, str]:  # noqa: ANN401 - of a read
    """User metadata; S3 sends what is not ASCII as encoded words."""
    return {name: decoded(header) for name, header in answer.get("Metadata", {}).items()}


def written(labels: Labels) -> Any:  # noqa: ANN401 - PutObject's keywords
    """The keywords of PutObject for these labels; empty headers are left out."""
    headers = {name: getattr(labels.handling, ours) for name, ours in _HEADERS.items()}
    return {
        "Metadata": {name: encoded(text) for name, text in labels.metadata.items()},
        "Tagging": urlencode(dict(labels.tags)),
        **{name: value for name, value in headers.items() if value is not None},
    }


def _handling(answer: Any) -> Handling:  # noqa: ANN401 - of a read
    """A header's text if it is ASCII: S3 refuses a signature over any other."""
    texts = {ours: answer.get(name) for name, ours in _TEXT_HEADERS.items()}
    plain = {ours: text for ours, text in texts.items() if text and is_plain(text)}
    return Handling(**plain, expires=_in_utc(answer.get("Expires")))


def _in_utc(at: datetime | None) -> datetime | None:
    """The time in a header; None outside the years 1 to 9999, and for an impossible zone."""
    # The SDK reads `31 Dec 9999 23:59 -1200` and `+9999`, but raises when it writes them.
    try:
        return at if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def fitted(labels: Labels, provenance: Mapping[str, str]) -> Labels:
    """The labels that fit into one request beside the provenance.

    Headers for browsers come first, then metadata and tags by name. Each is written completely
    or not at all.
    """
    room = _Room()
    for name, text in provenance.items():
        room.takes_metadata(name, text)
    set_headers = {
        field.name: value
        for field in fields(Handling)
        if (value := getattr(labels.handling, field.name)) is not None
    }
    headers = {name: value for name, value in set_headers.items() if room.takes_header(name, value)}
    metadata = {
        name: text
        for name, text in sorted(labels.metadata.items())
        if room.takes_metadata(name, text)
    }
    tags = {name: text for name, text in sorted(labels.tags.items()) if room.takes_tag(name, text)}
    return Labels(
        metadata={**metadata, **provenance},
        tags=tags,
        handling=Handling(**headers),
        left_out=(
            *labels.left_out,
            *(f"metadata {name}" for name in sorted(labels.metadata) if name not in metadata),
            *(f"tag {name}" for name in sorted(labels.tags) if name not in tags),
            *(f"header {name}" for name in set_headers if name not in headers),
        ),
    )


class _Room:
    """The bytes that are left for labels in one request."""

    def __init__(self) -> None:
        self._metadata = MAX_METADATA_BYTES
        self._headers = MAX_LABEL_BYTES
        self._tags = 0

    def takes_metadata(self, name: str, text: str) -> bool:
        """Add one metadata entry; False if it does not fit or no header can contain it."""
        if not _HEADER_NAME.fullmatch(name) or not _is_text(text):
            return False
        weight = len(name) + len(text.encode())
        # The signature's header repeats the name of each header that it signs.
        names = 2 * (len(_METADATA_PREFIX) + len(name)) + 1
        header = names + len(encoded(text)) + _SEPARATORS
        if weight > self._metadata or not self._takes(header):
            return False
        self._metadata -= weight
        return True

    def takes_tag(self, name: str, text: str) -> bool:
        """Add one tag; False if it does not fit. One header contains all tags, as a query."""
        is_possible = self._tags < MAX_TAGS and _is_text(name + text)
        is_added = is_possible and self._takes(len(urlencode({name: text})) + 1)
        self._tags += is_added
        return is_added

    def takes_header(self, name: str, value: str | datetime) -> bool:
        """Add one header for browsers; False if it does not fit or is not plain."""
        text = value if isinstance(value, str) else ""
        size = len(name) + _SEPARATORS + (len(text) or _TIME_BYTES)
        return is_plain(text) and self._takes(size)

    def _takes(self, size: int) -> bool:
        if size > self._headers:
            return False
        self._headers -= size
        return True


def _is_text(text: str) -> bool:
    """Whether UTF-8 can encode it: it has no lone surrogates."""
    return text == text.encode(errors="replace").decode()
