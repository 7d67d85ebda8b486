"""Stand-ins for AWS give only answers that AWS gives: see `tests/support/service_models.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.support.aws_account import REGION
from tests.support.service_models import NotInTheModelError


def _answering(service: Any, parsed: Mapping[str, Any]) -> Any:
    """Return a client with a prepared answer."""
    client: Any = boto3.client(
        service, region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    answer = AWSResponse("https://made-up.example", 200, HTTPHeaders(), None)
    client.meta.events.register("before-call", lambda **_: (answer, dict(parsed)))
    return client


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"Successful": [], "Failed": [], "Lost": []}, "Lost"),
        ({"Successful": []}, "Failed"),
        ({"Successful": [], "Failed": [{"Id": "0"}]}, "SenderFault"),
        ({"Successful": "all", "Failed": []}, "Invalid type for parameter Successful"),
    ],
)
def test_answer_that_aws_does_not_give_fails(answer: Mapping[str, Any], problem: str) -> None:
    """With an unknown member, a missing one, at any depth, or another type."""
    client = _answering("sqs", answer)
    with pytest.raises(NotInTheModelError, match=problem):
        client.send_message_batch(
            QueueUrl="https://sqs.example/queue", Entries=[{"Id": "0", "MessageBody": "x"}]
        )
