"""Callback URLs and their tokens: signed, expiring names of a job and an attempt.

`{job id}.{attempt}.{expiry}.{signature}`. The expiry counts seconds since 1970; the signature is
HMAC-SHA256 over a version label and everything before it, base64url without padding (RFC 4648
section 5).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from cutout.domain.dataclass import dataclass
from cutout.domain.errors import CallbackRefusedError

_FORM = re.compile(
    r"([0-9a-f]{32})\.([1-9][0-9]{0,8})\.([1-9][0-9]{9})\.([A-Za-z0-9_-]{43})", re.ASCII
)
CALLBACK_ROUTE = "/callbacks/{token}"
"""Path of a callback URL, in the notation of API Gateway; `callback/receive.py` reads the token."""
FORGED_TOKEN = f"{'0' * 32}.1.{'9' * 10}.{'A' * 43}"
"""A token of the right form with a wrong signature, to check that callbacks are authenticated."""
_LABEL = "cutout-callback-2"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackAddress:
    """Which attempt of which job a callback URL names."""

    job_id: str
    attempt: int


def sign(address: CallbackAddress, key: bytes, expires_at: datetime) -> str:
    """The token of an attempt, valid until `expires_at` (in whole seconds)."""
    expiry = int(expires_at.timestamp())
    signature = _signature(address, key, str(expiry))
    return f"{address.job_id}.{address.attempt}.{expiry}.{signature}"


def verify(token: str, keys: Iterable[bytes], now: datetime) -> CallbackAddress:
    """The attempt that a token names, which one of these keys has signed.

    Raises:
        CallbackRefusedError: malformed, signed with none of the keys, or expired.
    """
    match = _FORM.fullmatch(token)
    if match is None:
        raise CallbackRefusedError("not one of our callback URLs", is_malformed=True)
    job_id, attempt, expiry, signature = match.groups()
    address = CallbackAddress(job_id=job_id, attempt=int(attempt))
    # In constant time: how long a comparison takes must not tell how much of it is right.
    if not any(hmac.compare_digest(_signature(address, key, expiry), signature) for key in keys):
        raise CallbackRefusedError("the signature does not match", is_malformed=False)
    if now >= datetime.fromtimestamp(int(expiry), UTC):
        raise CallbackRefusedError("the token has expired", is_malformed=False)
    return address


def _signature(address: CallbackAddress, key: bytes, expiry: str) -> str:
    text = f"{_LABEL}|{address.job_id}|{address.attempt}|{expiry}"
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
