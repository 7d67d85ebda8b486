"""Clients of one session, each with what botocore does for its service."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.target import Target


class _Body:
    """An answer without content."""

    @staticmethod
    def stream(**_: object) -> list[bytes]:
        return [b"<CopyObjectResult/>"]


def test_what_botocore_does_for_s3_is_there_when_its_client_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It writes a source of a copy into a header, and asks a bucket at a host of its own.

    CloudTrail shows which requests were a command's.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    clients = TargetClients(Target(stack="Cutout", region="eu-central-1"))
    assert clients.client("sqs").meta.region_name == "eu-central-1"
    s3, sent = clients.client("s3"), list[Any]()

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body())

    s3.meta.events.register("before-send.s3", answer)
    s3.copy_object(Bucket="uploads", Key="b.jpg", CopySource={"Bucket": "old", "Key": "a b.jpg"})
    [request] = sent
    assert request.url == "https://uploads.s3.eu-central-1.amazonaws.com/b.jpg"
    assert request.headers["x-amz-copy-source"] == b"old/a%20b.jpg"
    assert request.headers["user-agent"] == b"cutout"
