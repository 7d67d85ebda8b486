"""The create request: its documented shape."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.local.evolink.refusals import Refusal, RefusalError, invalid_request
from infra.local.evolink.tasks.input_photo import photo_of

_MODELS = frozenset({"mj-v7-remove-bg", "mj-v8.1-remove-bg", "mj-v8.2-remove-bg"})
_FIELDS = frozenset({"model", "image_urls", "callback_url"})
_LONGEST_CALLBACK_URL = 2048


@dataclass(frozen=True, kw_only=True)
class CreateRequest:
    """A create request with the documented shape; its digest tells repeats from conflicts."""

    model: str
    image_url: str
    callback_url: str | None
    digest: str

    @property
    def photo(self) -> str:
        """The path of the input's URL, decoded."""
        return photo_of(self.image_url)


def photo_of_body(body: bytes) -> str:
    """Return the photo of a request of any shape, or "" if it has none."""
    try:
        return photo_of(json.loads(body)["image_urls"][0])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def parse_create_request(body: bytes) -> CreateRequest:
    """Read a create request.

    Raises:
        RefusalError: it does not have the documented shape.
    """
    document = _object(body)
    return CreateRequest(
        model=_model(document.get("model")),
        image_url=_image_url(document.get("image_urls")),
        callback_url=_callback_url(document.get("callback_url")),
        digest=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
    )


def _object(body: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(body)
    except ValueError:
        raise RefusalError(invalid_request("Request body is not valid JSON")) from None
    if not isinstance(document, dict):
        raise RefusalError(invalid_request("Request body must be a JSON object"))
    if unknown := sorted(document.keys() - _FIELDS):
        raise RefusalError(invalid_request(f"Unsupported parameters: {', '.join(unknown)}"))
    return document


def _model(model: object) -> str:
    if not isinstance(model, str) or not model:
        raise RefusalError(invalid_request("model is required"))
    if model not in _MODELS:
        message = f"Token does not have access to model: {model}"
        raise RefusalError(Refusal(403, "model_access_denied", message))
    return model


def _image_url(urls: object) -> str:
    if not isinstance(urls, list) or not urls:
        raise RefusalError(invalid_request("image_urls is required"))
    if len(urls) > 1:
        raise RefusalError(invalid_request("image_urls accepts at most 1 item"))
    url = urls[0]
    if not isinstance(url, str) or not _has_host(url, "http", "https"):
        raise RefusalError(invalid_request("image_urls must be a public http(s) URL"))
    return url


def _callback_url(url: object) -> str | None:
    if url is None:
        return None
    if not isinstance(url, str) or not _has_host(url, "https"):
        raise RefusalError(invalid_request("callback_url must use HTTPS"))
    if len(url) > _LONGEST_CALLBACK_URL:
        raise RefusalError(
            invalid_request(f"callback_url must not exceed {_LONGEST_CALLBACK_URL} characters")
        )
    # The real API refuses private addresses, too; nobody could call the stand-in's users back then.
    return url


def _has_host(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)
