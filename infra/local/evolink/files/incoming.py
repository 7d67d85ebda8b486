"""The three ways to upload a file to the Files API."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request

from infra.local.evolink.answers import file_errors
from infra.local.evolink.files.multipart import Part, parse_form
from infra.local.evolink.tasks.input_photo import photo_of
from infra.local.evolink.tasks.outgoing_http import OutgoingHttp, UnreachableError

_LARGEST_FILE = 100 * 1024 * 1024
_NO_PART = Part(file_name=None, content=b"")


@dataclass(frozen=True, kw_only=True)
class IncomingFile:
    """An uploaded file, and where to store it.

    Attributes:
        content: Its bytes.
        original_name: Its name at the sender, if known.
        path: The wanted folder, "" for the default one.
        name: The wanted name, "" for a generated one.
    """

    content: bytes
    original_name: str
    path: str
    name: str

    @property
    def photo(self) -> str:
        """The text that rules are matched with: its wanted path and name."""
        return f"/{self.path}/{self.name or self.original_name}"


async def from_stream(request: Request) -> IncomingFile:
    """Read multipart/form-data with a part ``file``.

    Raises:
        FilesRefusalError: The request is malformed, or the file too large.
    """
    try:
        form = parse_form(request.headers.get("content-type", ""), await request.body())
        file = form["file"]
    except (ValueError, KeyError):
        raise file_errors.malformed("file is required") from None
    fields = {
        name: form.get(f"{name}_{noun}", form.get(f"{name}{noun.title()}", _NO_PART))
        for name, noun in (("upload", "path"), ("file", "name"))
    }
    return _checked(
        IncomingFile(
            content=file.content,
            original_name=file.file_name or "file",
            path=fields["upload"].content.decode("utf-8", "replace"),
            name=fields["file"].content.decode("utf-8", "replace"),
        )
    )


async def from_base64(request: Request) -> IncomingFile:
    """Read JSON with ``base64_data``, plain or as a data URL.

    Raises:
        FilesRefusalError: The request is malformed, or the file too large.
    """
    document = await _document(request)
    data = _text(document, "base64_data")
    try:
        content = base64.b64decode(data.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        raise file_errors.malformed("base64_data is not valid base64")
    return _checked(_named(document, content, "file"))


async def from_url(
    request: Request, outgoing: OutgoingHttp, timeout_seconds: float
) -> IncomingFile:
    """Read JSON with ``file_url`` and fetch it.

    Raises:
        FilesRefusalError: The request is malformed, or the file too large or not fetchable.
    """
    document = await _document(request)
    url = _text(document, "file_url")
    if urlsplit(url).scheme not in {"http", "https"}:
        raise file_errors.malformed("file_url must be an http(s) URL")
    try:
        answer = await outgoing.get(url, timeout_seconds=timeout_seconds)
    except UnreachableError as error:
        raise file_errors.not_fetchable(str(error)) from error
    if answer.status != HTTPStatus.OK:
        raise file_errors.not_fetchable(f"HTTP {answer.status}")
    return _checked(_named(document, answer.body, photo_of(url).rpartition("/")[2]))


def _checked(incoming: IncomingFile) -> IncomingFile:
    if len(incoming.content) > _LARGEST_FILE:
        raise file_errors.too_large()
    return incoming


def _named(document: Mapping[str, object], content: bytes, original_name: str) -> IncomingFile:
    return IncomingFile(
        content=content,
        original_name=original_name or "file",
        path=_text(document, "upload_path", needed=False),
        name=_text(document, "file_name", needed=False),
    )


async def _document(request: Request) -> Mapping[str, object]:
    try:
        document = json.loads(await request.body())
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise file_errors.malformed("Request body must be a JSON object")
    return document


def _text(document: Mapping[str, object], name: str, *, needed: bool = True) -> str:
    value = document.get(name, None if needed else "")
    if not isinstance(value, str) or (needed and not value):
        raise file_errors.malformed(f"{name} is required")
    return value
