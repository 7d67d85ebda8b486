"""Callback tokens: they name a job and an attempt and prove that we wrote them.

`{job id}.{attempt}.{signature}`; the signature is HMAC-SHA256 over a version label, the job and the
attempt, base64url without padding (RFC 4648 section 5).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cutout.errors import CallbackRefusedError

_FORM = re.compile(r"([0-9a-f]{32})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})", re.ASCII)
_LABEL = "cutout-callback-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackAddress:
    """Which attempt of which job a callback URL names."""

    job_id: str
    attempt: int


def sign(address: CallbackAddress, key: bytes) -> str:
    """The token for an attempt."""
    return f"{address.job_id}.{address.attempt}.{_signature(address, key)}"


def verify(token: str, keys: Iterable[bytes]) -> CallbackAddress:
    """The attempt that a token names.

    Args:
        token: the last segment of the callback URL's path.
        keys: signing keys that are accepted: the current one and the previous.

    Raises:
        CallbackRefusedError: malformed, or signed with none of the keys.
    """
    match = _FORM.fullmatch(token)
    if match is None:
        raise CallbackRefusedError("not one of our callback URLs", is_malformed=True)
    address = CallbackAddress(job_id=match[1], attempt=int(match[2]))
    if not any(hmac.compare_digest(_signature(address, key), match[3]) for key in keys):
        raise CallbackRefusedError("the signature does not match", is_malformed=False)
    return address


def _signature(address: CallbackAddress, key: bytes) -> str:
    text = f"{_LABEL}|{address.job_id}|{address.attempt}"
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
