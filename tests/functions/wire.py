"""What a function sends to AWS, recorded at the HTTP level: each request once, as it was sent."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from moto.moto_api import recorder

_SERVICES = {
    # what begins X-Amz-Target: the service, as its permissions are called
    "DynamoDB_20120810": "dynamodb",
    "AmazonSQS": "sqs",
    "secretsmanager": "secretsmanager",
    "AWSEvents": "events",
}
_OF_OBJECTS = {
    # method, whether about tags: operation
    ("GET", False): "GetObject",
    ("HEAD", False): "HeadObject",
    ("PUT", False): "PutObject",
    ("DELETE", False): "DeleteObject",
    ("GET", True): "GetObjectTagging",
    ("PUT", True): "PutObjectTagging",
}
_RECORDING = "moto_recording"
"""The file that moto's recorder writes, in the folder that the process stands in."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request of a function.

    Attributes:
        function: Who sent it, by its service name.
        service: Whom it was sent to, as permissions are called.
        operation: What was asked for, as the API calls it.
        bucket: Of an object.
        key: The same.
        is_of_version: Whether a version of an object was named.
        headers: As sent, names in lower case.
        body: Of a request in JSON, or the fields of a form.
    """

    function: str
    service: str
    operation: str
    bucket: str = ""
    key: str = ""
    is_of_version: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return its name in tables: `dynamodb:PutItem`."""
        return f"{self.service}:{self.operation}"


@contextlib.contextmanager
def witnessed(function: str, requests: list[Sent]) -> Iterator[None]:
    """Add to the list what is sent meanwhile, in order."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        recorder.start_recording()
        try:
            yield
        finally:
            recorder.stop_recording()
        recording = Path(folder) / _RECORDING
        lines = recording.read_text().splitlines() if recording.exists() else []
        requests += [_read(function, json.loads(line)) for line in lines]


def _read(function: str, entry: Mapping[str, Any]) -> Sent:
    headers = {name.lower(): value for name, value in entry["headers"].items()}
    body = entry["body"] or ""
    content = base64.b64decode(body) if entry["body_encoded"] else body.encode()
    target = headers.get("x-amz-target")
    if target:
        service, _, operation = target.partition(".")
        told = json.loads(content)
        return Sent(
            function=function,
            service=_SERVICES[service],
            operation=operation,
            headers=headers,
            body=told,
        )
    url = urlsplit(entry["url"])
    if url.netloc.startswith("sts."):
        form = {name: values[0] for name, values in parse_qs(content.decode()).items()}
        return Sent(
            function=function, service="sts", operation=form["Action"], headers=headers, body=form
        )
    query = parse_qs(url.query, keep_blank_values=True)
    host, _, _ = url.netloc.partition(".s3.")
    path = unquote(url.path).removeprefix("/")
    bucket, _, key = (host, "", path) if host != url.netloc else path.partition("/")
    return Sent(
        function=function,
        service="s3",
        operation=_OF_OBJECTS[entry["method"], "tagging" in query],
        bucket=bucket,
        key=key,
        is_of_version="versionId" in query,
        headers=headers,
    )
