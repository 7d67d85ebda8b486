"""What an object carries besides its bytes, between S3's keywords and ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from cutout.encoded_words import decoded, encoded, is_plain
from cutout.ports.buckets import Handling, Labels


def labels_of(answer: Any, tagging: Any) -> Labels:  # noqa: ANN401 - of a read or a look
    """The labels that two answers tell of."""
    tags = {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]}
    return Labels(metadata=metadata_of(answer), tags=tags, handling=_handling(answer))


def metadata_of(answer: Any) -> dict[str, str]:  # noqa: ANN401 - of a read or a look
    """User metadata; S3 sends what is not ASCII as encoded words."""
    return {name: decoded(header) for name, header in answer.get("Metadata", {}).items()}


def written(labels: Labels) -> Any:  # noqa: ANN401 - PutObject's keywords
    """What is written beside the bytes; headers that say nothing are left out."""
    handling = labels.handling
    headers = {
        "CacheControl": handling.cache_control,
        "ContentDisposition": handling.content_disposition,
        "ContentLanguage": handling.content_language,
        "Expires": handling.expires,
    }
    return {
        "Metadata": {name: encoded(text) for name, text in labels.metadata.items()},
        "Tagging": urlencode(dict(labels.tags)),
        **{name: value for name, value in headers.items() if value is not None},
    }


def _handling(answer: Any) -> Handling:  # noqa: ANN401 - of a read or a look
    """Only what is ASCII: a signature over any other header would not be taken."""

    def plain(name: str) -> str | None:
        value = answer.get(name)
        return value if value and is_plain(value) else None

    return Handling(
        cache_control=plain("CacheControl"),
        content_disposition=plain("ContentDisposition"),
        content_language=plain("ContentLanguage"),
        expires=answer.get("Expires"),
    )
