"""The provider's Files API over HTTP: it stores copies of photos.

Its answers have an envelope: `{"success": …, "code": 200 or 4xxxx, "msg": …, "data": {…}}`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cutout.adapters.evolink.error_codes import refusal
from cutout.adapters.evolink.evolink_server import EvolinkServer
from cutout.adapters.evolink.json_answers import (
    body_object,
    code_of,
    error_in,
    link_of,
    part,
    text_of,
)
from cutout.domain.errors import CutoutError, NotSentError, ResponseLostError
from cutout.domain.provider_outcomes import NotSent, PhotoAccess, Refused, words
from cutout.ports.http import ApiKey, Http

_FOLDER = "cutout"
# The file is too large, or of an unsupported type.
_REFUSED_FOR_GOOD = frozenset({"40001", "40002"})
_ACCOUNT_STATUSES = frozenset({401, 402, 403})
_TOO_MANY = 429
_MAX_ID = 500
_NO_ROOM = "40003"  # the account's quota of files is used up


class EvolinkFiles:
    """Uploads copies and deletes them.

    An account holds a limited number of files (2,000 by the newest quota page). Copies are deleted
    after use, so the quota is checked only after an upload was refused for lack of room, before the
    next one: no photo is sent only to be refused.
    """

    def __init__(self, http: Http, base_url: str, api_key: ApiKey) -> None:
        self._server = EvolinkServer(http, base_url, api_key)
        self._was_full = False

    def upload(self, name: str, content_type: str, data: bytes) -> PhotoAccess | Refused | NotSent:
        """Upload a copy, which is free; returns each outcome of it as a value."""
        if self._was_full and self._is_full():
            return NotSent(message="the Files API has no room for another copy")
        # Random, so that no photo can contain it.
        boundary = secrets.token_hex(16)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        body = _multipart(boundary, name, content_type, data)
        try:
            answer = self._server.send("POST", "/api/v1/files/upload/stream", headers, body)
        except (NotSentError, ResponseLostError) as exc:
            return NotSent(message=f"the photo could not be handed over: {exc}")
        content = body_object(answer.body)
        self._was_full = code_of(content.get("code")) == _NO_ROOM
        found = part(content, "data")
        file_id, url = text_of(found.get("file_id"), _MAX_ID), link_of(found.get("file_url"))
        if file_id and url:
            return PhotoAccess(file_id=file_id, url=url)
        return _refusal(answer.status, content)

    def _is_full(self) -> bool:
        """True if the quota says so; False if the quota cannot be read."""
        try:
            answer = self._server.send("GET", "/api/v1/files/quota")
        except CutoutError:
            return False
        left = part(body_object(answer.body), "data").get("remain_files")
        return isinstance(left, int) and left <= 0

    def delete(self, file_id: str) -> None:
        """Delete a copy if possible; otherwise it expires after 72 hours."""
        try:
            self._server.send("DELETE", f"/api/v1/files/{quote(file_id, safe='')}")
        except CutoutError:
            return


def _refusal(status: int, content: Mapping[str, Any]) -> Refused | NotSent:
    error = error_in(content)
    code = code_of(content.get("code") or error.get("code"))
    said = words(content.get("msg") or error.get("message"))
    message = said or f"the Files API answers {status}"
    # Without a code, the status may be a proxy's, which says nothing about the account.
    if status == _TOO_MANY or (status in _ACCOUNT_STATUSES and code):
        return refusal(status=status, code=code or f"http_{status}", message=message)
    if code and code in _REFUSED_FOR_GOOD:
        return refusal(status=400, code=code, message=message)
    # No room, storage trouble, or a proxy's page: the upload may succeed later.
    return NotSent(message=message)


def _multipart(boundary: str, name: str, content_type: str, data: bytes) -> bytes:
    """A form with one file and its folder (RFC 7578)."""
    fields = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="upload_path"\r\n\r\n{_FOLDER}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file_name"\r\n\r\n{name}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return fields.encode() + data + f"\r\n--{boundary}--\r\n".encode()
