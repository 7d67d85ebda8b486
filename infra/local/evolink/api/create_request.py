"""The create request: its documented shape."""

import hashlib
import ipaddress
import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from infra.local.evolink.answers.error_responses import invalid_request, model_access_denied
from infra.local.evolink.tasks.input_photo import photo_of

MODELS = frozenset({"mj-v7-remove-bg", "mj-v8.1-remove-bg", "mj-v8.2-remove-bg"})
_FIELDS = frozenset({"model", "image_urls", "callback_url"})
_LONGEST_CALLBACK_URL = 2048
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9._-]{16,96}")


@dataclass(frozen=True, kw_only=True)
class CreateRequest:
    """A create request with the documented shape.

    Attributes:
        model: The model.
        image_url: URL of the photo.
        callback_url: Where the end of the task is reported, if anywhere.
        digest: Hash of the whole request, which tells repeats from conflicts.
    """

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


def parse_create_request(body: bytes, *, strict_callbacks: bool) -> CreateRequest:
    """Read a create request.

    Raises:
        RefusalError: It does not have the documented shape.
    """
    document = _object(body)
    return CreateRequest(
        model=_model(document.get("model")),
        image_url=_image_url(document.get("image_urls")),
        callback_url=_callback_url(document.get("callback_url"), strict=strict_callbacks),
        digest=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
    )


def check_idempotency_key(key: str | None) -> None:
    """Check that a key has the form that the official client uses.

    Raises:
        RefusalError: It has another form.
    """
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid_request("Idempotency-Key must be 16 to 96 characters of A-Za-z0-9._-")


def _object(body: bytes) -> Mapping[str, object]:
    try:
        document = json.loads(body)
    except ValueError:
        raise invalid_request("Request body is not valid JSON") from None
    if not isinstance(document, dict):
        raise invalid_request("Request body must be a JSON object")
    if unknown := sorted(document.keys() - _FIELDS):
        raise invalid_request(f"Unsupported parameters: {', '.join(unknown)}")
    return document


def _model(model: object) -> str:
    if not isinstance(model, str) or not model:
        raise invalid_request("model is required")
    if model not in MODELS:
        raise model_access_denied(model)
    return model


def _image_url(urls: object) -> str:
    if not isinstance(urls, list) or not urls:
        raise invalid_request("image_urls is required")
    if len(urls) > 1:
        raise invalid_request("image_urls accepts at most 1 item")
    url = urls[0]
    if not isinstance(url, str) or not _has_host(_split(url), "http", "https"):
        raise invalid_request("image_urls must be a public http(s) URL")
    return url


def _callback_url(url: object, *, strict: bool) -> str | None:
    if url is None:
        return None
    if not isinstance(url, str) or not _has_host(parts := _split(url), "https"):
        raise invalid_request("callback_url must use HTTPS")
    if len(url) > _LONGEST_CALLBACK_URL:
        raise invalid_request(f"callback_url must not exceed {_LONGEST_CALLBACK_URL} characters")
    if strict and _is_private(parts.hostname or ""):
        raise invalid_request("callback_url must not point to a private IP address")
    return url


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _has_host(parts: SplitResult, *schemes: str) -> bool:
    return parts.scheme in schemes and bool(parts.hostname)


def _is_private(host: str) -> bool:
    """Return True if a name resolves to a private address; an unresolvable name is allowed."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return any(not ipaddress.ip_address(address[4][0]).is_global for address in found)
