"""The floor: a handler that asks for a cut-out with nothing but the standard library.

It takes an upload from its queue, writes a row, sends the request, and writes the row again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import json
import os
import ssl
import sys
import urllib.parse
from typing import Any

_TABLE = os.environ["CUTOUT_JOBS_TABLE"]
_REGION = os.environ["AWS_REGION"]
_CONTEXT = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


def _connection(url: str) -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection(urllib.parse.urlsplit(url).netloc, context=_CONTEXT)


_AWS = _connection(os.environ["AWS_ENDPOINT_URL"])


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Ask for the cut-out of each upload."""
    for record in event["Records"]:
        uploaded = json.loads(record["body"])["detail"]
        place = f"{uploaded['bucket']['name']}/{uploaded['object']['key']}"
        row = {"pk": {"S": "floor#" + hashlib.sha256(place.encode()).hexdigest()}}
        _dynamodb("PutItem", Item=row, ConditionExpression="attribute_not_exists(pk)")
        task = _post({"image_urls": [_presigned(place)], "callback_url": "https://example.com/x"})
        _dynamodb("PutItem", Item=row | {"task_id": {"S": task["id"]}})
        sys.stdout.write(json.dumps({"message": "submitted", "task": task["id"]}) + "\n")
    return {"batchItemFailures": []}


def _post(body: dict[str, Any]) -> Any:
    base = os.environ["CUTOUT_EVOLINK_BASE_URL"]
    connection = _connection(base)
    connection.request(
        "POST",
        urllib.parse.urlsplit(base).path + "/v1/images/generations",
        json.dumps(body).encode(),
        {"Authorization": "Bearer key", "Content-Type": "application/json"},
    )
    with connection.getresponse() as response:
        return json.loads(response.read())


def _dynamodb(operation: str, **request: Any) -> None:
    body = json.dumps({"TableName": _TABLE, **request}).encode()
    now = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    host = f"{_AWS.host}:{_AWS.port}"
    target = f"DynamoDB_20120810.{operation}"
    signed = "content-type;host;x-amz-date;x-amz-target"
    headers = f"content-type:application/x-amz-json-1.0\nhost:{host}\nx-amz-date:{now}\n"
    digest = hashlib.sha256(body).hexdigest()
    request_text = f"POST\n/\n\n{headers}x-amz-target:{target}\n\n{signed}\n{digest}"
    scope, signature = _signed(request_text, now, "dynamodb")
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    _AWS.request(
        "POST",
        "/",
        body,
        {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Date": now,
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, "
            f"SignedHeaders={signed}, Signature={signature}",
        },
    )
    with _AWS.getresponse() as response:
        answer = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(answer)


def _presigned(place: str) -> str:
    now = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    path = "/" + urllib.parse.quote(place)
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={now}&X-Amz-Expires=3600"
    text = f"GET\n{path}\n{query}\nhost:{_AWS.host}\n\nhost\nUNSIGNED-PAYLOAD"
    _, signature = _signed(text, now, "s3")
    return f"https://{_AWS.host}{path}?{query}&X-Amz-Signature={signature}"


def _signed(request: str, now: str, service: str) -> tuple[str, str]:
    """Return the scope and the signature of a request: AWS Signature Version 4."""
    scope = f"{now[:8]}/{_REGION}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{digest}"
    return scope, hmac.digest(key, text.encode(), "sha256").hex()
