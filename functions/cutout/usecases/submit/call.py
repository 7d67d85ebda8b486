"""The text of a paid call."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from cutout.domain.callback_token import CallbackAddress, sign
from cutout.ports.provider import Signer


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every paid call has in common.

    Attributes:
        deployment: tells this deployment from every other of the same provider account. Two that
            watch one bucket make jobs of the same ids, which must not send the same keys: the
            provider would answer one with the other's task, or refuse it for hours.
        callback_life: how long after the call's start its callback is accepted.
    """

    deployment: str
    model: str
    callback_url: str
    signer: Signer
    callback_life: timedelta

    def idempotency_key(self, job_id: str, number: int) -> str:
        """The key of an attempt, at most 96 characters of `[A-Za-z0-9._-]`."""
        salt = hashlib.sha256(self.deployment.encode()).hexdigest()[:12]
        return f"cutout-{job_id}-{number}-{salt}"

    def body(self, job_id: str, number: int, photo_url: str, now: datetime) -> str:
        """The exact text of the call. Without a callback URL, results come by polling alone."""
        body: dict[str, object] = {"model": self.model, "image_urls": [photo_url]}
        if self.callback_url:
            address = CallbackAddress(job_id=job_id, attempt=number)
            token = sign(address, self.signer.signing_key(), now + self.callback_life)
            body["callback_url"] = f"{self.callback_url}/callbacks/{token}"
        return json.dumps(body)
