"""The text of a paid call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from cutout.callback_token import CallbackAddress, sign
from cutout.ports.provider import Signer


@dataclass(frozen=True, kw_only=True)
class Call:
    """What every paid call has in common.

    Attributes:
        callback_life: how long after the call's start its callback is accepted.
    """

    model: str
    callback_url: str
    signer: Signer
    callback_life: timedelta

    def body(self, job_id: str, number: int, photo_url: str, now: datetime) -> str:
        """The exact text of the call. Without a callback URL, results come by polling alone."""
        body: dict[str, object] = {"model": self.model, "image_urls": [photo_url]}
        if self.callback_url:
            address = CallbackAddress(job_id=job_id, attempt=number)
            token = sign(address, self.signer.signing_key(), now + self.callback_life)
            body["callback_url"] = f"{self.callback_url}/callbacks/{token}"
        return json.dumps(body)
