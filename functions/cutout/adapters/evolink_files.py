"""The provider's Files API over HTTP: copies of photos that it can always read.

Its envelope is its own: `{"success": …, "code": 200 or 4xxxx, "msg": …, "data": {…}}`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from cutout.errors import CutoutError, NotSentError, ResponseLostError
from cutout.provider import NotSent, Refused, Uploaded, words

_FOLDER = "cutout"
_REFUSED_FOR_GOOD = (40001, 40002)
"""Too large, and not a type it takes."""
_KEY_REFUSED = 401
_ACCOUNT_STATUSES = frozenset({401, 402, 403, 429})


class _Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class _Http(Protocol):
    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> _Answer: ...


class _Secret(Protocol):
    def text(self, *, is_fresh: bool = False) -> str | None: ...


class EvolinkFiles:
    """Uploads copies and deletes them.

    Args:
        http: sends one request.
        base_url: of the Files API.
        api_key: the key; the same as the API's.
    """

    def __init__(self, http: _Http, base_url: str, api_key: _Secret) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key

    def upload(self, name: str, content_type: str, data: bytes) -> Uploaded | Refused | NotSent:
        """Hand over a copy; every way it can end is a value, and none of them costs anything."""
        boundary = secrets.token_hex(16)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        body = _multipart(boundary, name, content_type, data)
        try:
            answer = self._send("POST", "/api/v1/files/upload/stream", headers, body)
        except (NotSentError, ResponseLostError) as exc:
            return NotSent(message=f"the photo could not be handed over: {exc}")
        told = _json(answer.body)
        found = told.get("data")
        if isinstance(found, dict) and found.get("file_id") and found.get("file_url"):
            return Uploaded(file_id=str(found["file_id"]), url=str(found["file_url"]))
        return _refusal(answer.status, told)

    def delete(self, file_id: str) -> None:
        """Delete a copy, or leave it to expire after 72 hours."""
        try:
            self._send("DELETE", f"/api/v1/files/{quote(file_id, safe='')}", {})
        except CutoutError:
            return

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> _Answer:
        """One request; once more if the key was refused and a newer one is there."""
        key = self._api_key.text()
        answer = self._send_with(key, method, path, headers, body)
        if answer.status == _KEY_REFUSED:
            newer = self._api_key.text(is_fresh=True)
            if newer != key:
                return self._send_with(newer, method, path, headers, body)
        return answer

    def _send_with(
        self,
        key: str | None,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> _Answer:
        known = {"Authorization": f"Bearer {key or ''}"}
        url = self._base_url + path
        return self._http.send(method, url, headers=known | dict(headers), body=body)


def _refusal(status: int, told: Mapping[str, Any]) -> Refused | NotSent:
    code = told.get("code")
    message = words(told.get("msg")) or f"the Files API answers {status}"
    if status in _ACCOUNT_STATUSES:
        return Refused(status=status, code=str(code or f"http_{status}"), message=message)
    if code in _REFUSED_FOR_GOOD:
        return Refused(status=400, code=str(code), message=message)
    # No room (40003), storage trouble, a proxy's page: later, without blame.
    return NotSent(message=message)


def _multipart(boundary: str, name: str, content_type: str, data: bytes) -> bytes:
    """A form of one file and its folder (RFC 7578)."""
    fields = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="upload_path"\r\n\r\n{_FOLDER}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file_name"\r\n\r\n{name}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return fields.encode() + data + f"\r\n--{boundary}--\r\n".encode()


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
