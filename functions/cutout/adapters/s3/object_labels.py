"""Translates metadata, tags and headers of objects between S3's keywords and ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cutout.adapters.s3.encoded_words import decoded, encoded, is_plain
from cutout.ports.buckets import Handling, Labels


def labels_of(answer: Any, tag_set: Any) -> Labels:  # noqa: ANN401 - of a read
    """The labels in the answer to a read, and these tags."""
    handling = _handling(answer)
    return Labels(
        metadata=metadata_of(answer),
        tags={tag["Key"]: tag["Value"] for tag in tag_set},
        handling=handling,
        left_out=tuple(_unreadable(answer, handling)),
    )


def metadata_of(answer: Any) -> dict[str, str]:  # noqa: ANN401 - of a read
    """User metadata; S3 sends what is not ASCII as encoded words."""
    return {name: decoded(header) for name, header in answer.get("Metadata", {}).items()}


def written(labels: Labels) -> Any:  # noqa: ANN401 - PutObject's keywords
    """The keywords of PutObject for these labels; empty headers are left out."""
    return {
        "Metadata": {name: encoded(text) for name, text in labels.metadata.items()},
        "Tagging": urlencode(dict(labels.tags)),
        **{name: value for name, value in _headers(labels.handling) if value is not None},
    }


def _unreadable(answer: Any, handling: Handling) -> Iterator[str]:  # noqa: ANN401 - of a read
    for name, value in _headers(handling):
        # botocore keeps the text of a date that it cannot read, as `ExpiresString`.
        if value is None and (answer.get(name) or answer.get(f"{name}String")):
            yield f"header {name}"


def _headers(handling: Handling) -> Iterator[tuple[str, str | datetime | None]]:
    yield "CacheControl", handling.cache_control
    yield "ContentDisposition", handling.content_disposition
    yield "ContentLanguage", handling.content_language
    yield "Expires", handling.expires


def _handling(answer: Any) -> Handling:  # noqa: ANN401 - of a read
    """A header's text if it is ASCII: S3 refuses a signature over any other."""

    def plain(name: str) -> str | None:
        value = answer.get(name)
        return value if value and is_plain(value) else None

    return Handling(
        cache_control=plain("CacheControl"),
        content_disposition=plain("ContentDisposition"),
        content_language=plain("ContentLanguage"),
        expires=_in_utc(answer.get("Expires")),
    )


def _in_utc(at: datetime | None) -> datetime | None:
    """The time in a header; None outside the years 1 to 9999, and for an impossible zone."""
    # The SDK reads `31 Dec 9999 23:59 -1200` and `+9999`, but raises when it writes them.
    try:
        return at if at is None or at.tzinfo is None else at.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
