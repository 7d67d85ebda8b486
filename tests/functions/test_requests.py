"""The requests that a photo sends to AWS, counted at the HTTP level."""

from __future__ import annotations

import pytest

from tests.benchmarks.counting import JOURNEYS, Count, counted, recorded
from tests.functions.wire import Sent, witnessed
from tests.support.aws_account import cloud

_HOW = (
    "\nIf that is meant: `python -m tests.benchmarks.counting` writes the new count down, and "
    "`python -m tests.benchmarks.costs` prints the tables that `infra/README.md` shall have then."
)


@pytest.fixture(scope="module")
def now() -> dict[str, Count]:
    """The requests of every journey."""
    return counted()


@pytest.mark.parametrize("journey", JOURNEYS)
def test_journey_sends_as_many_requests_as_recorded(journey: str, now: dict[str, Count]) -> None:
    """A change that makes a photo dearer must be made on purpose."""
    before, after = recorded()[journey], now[journey]
    more = {
        name: f"{before.requests.get(name, 0)} -> {after.requests.get(name, 0)}"
        for name in {*before.requests, *after.requests}
        if before.requests.get(name, 0) != after.requests.get(name, 0)
    }
    assert not more, f"{journey} takes another number of requests: {more}{_HOW}"
    assert after.runs == before.runs, f"{journey} takes other runs{_HOW}"
    assert after.gate_writes == before.gate_writes, f"{journey} writes the gate's item{_HOW}"


@pytest.mark.parametrize("journey", JOURNEYS)
def test_journey_takes_about_as_many_units_and_bytes_as_recorded(
    journey: str, now: dict[str, Count]
) -> None:
    """Items and log lines grow by a field now and then; a tenth more is noticed."""
    before, after = recorded()[journey], now[journey]
    told = f"{journey}: {before} -> {after}{_HOW}"
    for kind in ("units", "log_bytes", "index_writes"):
        then, since = getattr(before, kind), getattr(after, kind)
        assert since == pytest.approx(then, rel=0.1), told


def test_every_request_is_recorded_once_and_nothing_else() -> None:
    """Requests before and after are not recorded."""
    seen: list[Sent] = []
    with cloud() as clients:
        s3, sqs = clients.s3, clients.sqs
        s3.create_bucket(
            Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        url = sqs.create_queue(QueueName="work")["QueueUrl"]
        with witnessed("submit", seen):
            s3.put_object(Bucket="photos", Key="a b/ü.jpg", Body=b"x", Tagging="a=b")
            sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "{}"}])
        s3.head_object(Bucket="photos", Key="a b/ü.jpg")
    assert [(one.function, one.name, one.bucket, one.key) for one in seen] == [
        ("submit", "s3:PutObject", "photos", "a b/ü.jpg"),
        ("submit", "sqs:SendMessageBatch", "", ""),
    ]
    assert seen[0].headers["x-amz-tagging"] == "a=b"
    assert seen[1].body["QueueUrl"] == url
