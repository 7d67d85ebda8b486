"""Requests to the local cloud without credentials, by a link only."""

from __future__ import annotations

import ssl
import urllib.request
from urllib.error import HTTPError

from tests.e2e.deployed import Deployed

_TIMEOUT_SECONDS = 30


def fetch(deployed: Deployed, url: str, *, method: str = "GET") -> int:
    """Send a request to a URL, and return the answer's status."""
    trust = ssl.create_default_context(cafile=deployed.cloud.variables["AWS_CA_BUNDLE"])
    body = b"x" if method == "PUT" else None
    request = urllib.request.Request(url, body, method=method)  # noqa: S310 - https, of the cloud
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=trust) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code
