"""What identifies a paid call: its idempotency key and its callback URL."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from cutout.domain.callback_token import CallbackAddress, callback_url, sign
from cutout.domain.dataclass import dataclass
from cutout.ports.provider_api import Signer


@dataclass(frozen=True, kw_only=True)
class CallIdentity:
    """Names each attempt in the calls of this deployment.

    Attributes:
        deployment: different for each deployment that uses the same provider account. Two that
            watch one bucket have jobs with the same ids; with equal keys, the provider would answer
            one with the other's task, or refuse its calls.
        base_url: of callbacks; empty if the provider cannot reach us.
        callback_life: how long after the call's start its callback is accepted.
    """

    deployment: str
    base_url: str
    signer: Signer
    callback_life: timedelta

    def idempotency_key(self, job_id: str, number: int) -> str:
        """The key of an attempt, at most 96 characters of `[A-Za-z0-9._-]`."""
        salt = hashlib.sha256(self.deployment.encode()).hexdigest()[:12]
        return f"cutout-{job_id}-{number}-{salt}"

    def callback_url(self, job_id: str, number: int, now: datetime) -> str | None:
        """The signed URL of an attempt's callback; None if results come by polling alone."""
        if not self.base_url:
            return None
        address = CallbackAddress(job_id=job_id, attempt=number)
        token = sign(address, self.signer.signing_key(), now + self.callback_life)
        return callback_url(self.base_url, token)
