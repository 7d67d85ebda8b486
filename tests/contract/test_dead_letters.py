"""Dead letters in SQS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from cutout.cli.aws.dead_letter_queues import MoveResult, SqsLetters
from tests.support.aws_account import ACCOUNT, REGION, Account

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

WORK = f"arn:aws:sqs:{REGION}:{ACCOUNT}:work"
URL = "https://sqs.example/dead"


@pytest.fixture
def sqs(account: Account) -> Iterator[SQSClient]:
    """A queue of work and one of dead letters."""
    with account() as clients:
        client = clients.sqs
        for name in ("work", "dead"):
            client.create_queue(QueueName=name)
        yield client


def _url(sqs: SQSClient, name: str) -> str:
    return sqs.get_queue_url(QueueName=name)["QueueUrl"]


def _bodies(sqs: SQSClient, name: str) -> list[str]:
    found: list[str] = []
    while some := sqs.receive_message(QueueUrl=_url(sqs, name), MaxNumberOfMessages=10).get(
        "Messages"
    ):
        found += [one["Body"] for one in some]
    return sorted(found)


def _die(sqs: SQSClient, count: int) -> list[str]:
    bodies = [f"letter {number:02}" for number in range(count)]
    for body in bodies:
        sqs.send_message(QueueUrl=_url(sqs, "dead"), MessageBody=body)
    return bodies


def test_listing_dead_letters_leaves_them_in_their_queue(sqs: SQSClient) -> None:
    """They are visible at once, so that the next listing, or a return, finds all of them."""
    bodies = _die(sqs, 13)
    letters = SqsLetters(sqs)
    for _ in range(2):
        seen = letters.look(_url(sqs, "dead"), 100)
        assert sorted(letter.body for letter in seen) == bodies
    assert _bodies(sqs, "dead") == bodies


def test_listing_shows_no_more_dead_letters_than_requested(sqs: SQSClient) -> None:
    """Of very many, some are enough."""
    _die(sqs, 13)
    assert len(SqsLetters(sqs).look(_url(sqs, "dead"), 5)) == 5


def test_listed_letter_has_its_time_its_receives_and_its_attributes(
    sqs: SQSClient,
) -> None:
    """EventBridge adds an attribute with the reason why it could not deliver an event."""
    sqs.send_message(
        QueueUrl=_url(sqs, "dead"),
        MessageBody="{}",
        MessageAttributes={"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}},
    )
    [letter] = SqsLetters(sqs).look(_url(sqs, "dead"), 10)
    assert letter.attributes == {"ERROR_CODE": "NO_PERMISSIONS"}
    assert letter.received == 1
    assert letter.sent_at.tzinfo is not None


def test_letters_are_moved_in_batches_until_none_is_left(sqs: SQSClient) -> None:
    """Each is in one queue only, afterwards."""
    bodies = _die(sqs, 13)
    letters = SqsLetters(sqs)
    moved = []
    while count := letters.move(_url(sqs, "dead"), WORK, 10).taken:
        moved.append(count)
    assert sum(moved) == 13
    assert (_bodies(sqs, "work"), _bodies(sqs, "dead")) == (bodies, [])


def test_letters_are_deleted_permanently(sqs: SQSClient) -> None:
    """They are moved to no other queue."""
    _die(sqs, 3)
    assert SqsLetters(sqs).purge(_url(sqs, "dead"), 10).taken == 3
    assert (_bodies(sqs, "work"), _bodies(sqs, "dead")) == ([], [])
    assert SqsLetters(sqs).purge(_url(sqs, "dead"), 10).taken == 0


def _received(*numbers: int) -> dict[str, object]:
    messages = [
        {"MessageId": f"m{it}", "ReceiptHandle": f"r{it}", "Body": f"b{it}", "Attributes": {}}
        for it in numbers
    ]
    return {"Messages": messages}


def test_only_sent_letters_are_deleted_and_the_rest_has_a_reason(sqs: SQSClient) -> None:
    """Nothing is lost when SQS takes a batch in part. The rest is not received again at once."""
    failed = {"Id": "1", "SenderFault": False, "Code": "InternalError"}
    taken = {"Id": "0", "MessageId": "x", "MD5OfMessageBody": "x"}
    with Stubber(sqs) as stubber:
        stubber.add_response("receive_message", _received(1, 2))
        stubber.add_response("get_queue_url", {"QueueUrl": "https://sqs.example/work"})
        stubber.add_response("send_message_batch", {"Successful": [taken], "Failed": [failed]})
        stubber.add_response(
            "delete_message_batch",
            {"Successful": [], "Failed": []},
            {"QueueUrl": URL, "Entries": [{"Id": "0", "ReceiptHandle": "r1"}]},
        )
        moved = SqsLetters(sqs).move(URL, WORK, 10)
        assert moved == MoveResult(taken=1, refused=["InternalError"])
        stubber.assert_no_pending_responses()


def test_letter_is_sent_before_it_is_deleted(sqs: SQSClient) -> None:
    """A command that is interrupted in between leaves it in two places, never in none.

    What was not sent can be seen again at once: who runs it again need not wait for a minute.
    """
    let_go = [{"Id": "0", "ReceiptHandle": "r1", "VisibilityTimeout": 0}]
    with Stubber(sqs) as stubber:
        stubber.add_response("receive_message", _received(1))
        stubber.add_response("get_queue_url", {"QueueUrl": "https://sqs.example/work"})
        stubber.add_client_error(
            "send_message_batch",
            "ServiceUnavailable",
            expected_params={"QueueUrl": ANY, "Entries": ANY},
        )
        stubber.add_response(
            "change_message_visibility_batch",
            {"Successful": [], "Failed": []},
            {"QueueUrl": URL, "Entries": let_go},
        )
        with pytest.raises(Exception, match="ServiceUnavailable"):
            SqsLetters(sqs).move(URL, WORK, 10)
        stubber.assert_no_pending_responses()


def test_letters_that_are_too_long_together_are_sent_one_by_one(sqs: SQSClient) -> None:
    """A batch has the limit of a single message; dead letters of other programs may be long."""
    sizes: list[int] = []

    def refuse_pairs(params: dict[str, Any], **_told: object) -> None:
        sizes.append(len(params["Entries"]))
        if sizes[-1] > 1:
            told: Any = {"Error": {"Code": "AWS.SimpleQueueService.BatchRequestTooLong"}}
            raise ClientError(told, "SendMessageBatch")

    sqs.meta.events.register("before-parameter-build.sqs.SendMessageBatch", refuse_pairs)
    bodies = _die(sqs, 3)

    assert SqsLetters(sqs).move(_url(sqs, "dead"), WORK, 10) == MoveResult(taken=3, refused=[])

    assert sizes == [3, 1, 2, 1, 1]
    assert (_bodies(sqs, "work"), _bodies(sqs, "dead")) == (bodies, [])


def test_letter_that_is_too_long_alone_does_not_stop_the_others(sqs: SQSClient) -> None:
    """The target queue may take shorter messages than the queue of dead letters."""

    def refuse_long(params: dict[str, Any], **_told: object) -> None:
        if any(entry["MessageBody"] == "1" for entry in params["Entries"]):
            told: Any = {"Error": {"Code": "AWS.SimpleQueueService.BatchRequestTooLong"}}
            raise ClientError(told, "SendMessageBatch")

    sqs.meta.events.register("before-parameter-build.sqs.SendMessageBatch", refuse_long)
    for body in ("0", "1", "2"):
        sqs.send_message(QueueUrl=_url(sqs, "dead"), MessageBody=body)
    moved = SqsLetters(sqs).move(_url(sqs, "dead"), WORK, 10)
    assert (moved.taken, len(moved.refused)) == (2, 1)
    assert "BatchRequestTooLong" in moved.refused[0]
    assert _bodies(sqs, "work") == ["0", "2"]


def test_listing_stops_when_letters_become_visible_again(sqs: SQSClient) -> None:
    """Otherwise thousands of them would be read again and again."""
    with Stubber(sqs) as stubber:
        for numbers in ((1, 2), (3,), (1,)):
            stubber.add_response("receive_message", _received(*numbers))
        stubber.add_response("change_message_visibility_batch", {"Successful": [], "Failed": []})
        assert [letter.id for letter in SqsLetters(sqs).look(URL, 10)] == ["m1", "m2", "m3"]
