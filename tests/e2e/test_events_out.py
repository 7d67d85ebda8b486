"""Other programs receive events, set up as `events/README.md` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cutout.domain.states import State
from infra.local.place import shipped_photos
from tests.e2e.deployed import Deployed
from tests.e2e.page_commands import commands_with, run_commands
from tests.e2e.photos import Photos

_NAME = "cut-outs"
"""The page's name of the rule and of the queue behind it."""
_PHOTO = shipped_photos()[0]


@pytest.fixture(scope="module")
def queue(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The queue behind the rule, both made by the page's own commands; its URL."""
    folder: Path = tmp_path_factory.mktemp("events")
    run_commands(commands_with("events/README.md", "put-rule"), folder, deployed.cloud.variables)
    return str(deployed.client("sqs").get_queue_url(QueueName=_NAME)["QueueUrl"])


def test_queue_behind_a_rule_gets_only_the_cut_outs_of_its_prefix(
    queue: str, photos: Photos, deployed: Deployed
) -> None:
    """No photos with other prefixes, and none without a cut-out."""
    others = photos.all_settled(
        [
            photos.put("boots/one.jpg"),
            photos.put("shoes/letter.jpg", b"Dear photographer, please find enclosed\n" * 30),
        ]
    )
    assert [job.state for job in others] == [State.COMPLETED, State.REJECTED]
    job = photos.settled(photos.put(f"shoes/{_PHOTO.name}", _PHOTO.read_bytes()))
    bodies: list[str] = []

    def is_heard() -> bool:
        answer = deployed.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        bodies.extend(message["Body"] for message in answer.get("Messages", ()))
        return bool(bodies)

    deployed.wait(is_heard, "the event in the queue")
    (event,) = map(json.loads, bodies)
    assert (event["source"], event["detail-type"]) == ("cutout", "Cutout Completed")
    assert (event["detail"]["job"], event["detail"]["state"]) == (job.id, "completed")
    assert event["detail"]["result"]["key"] == f"shoes/{_PHOTO.stem}.png"


def test_only_the_rule_may_send_to_the_queue(queue: str, deployed: Deployed) -> None:
    """The page's policy has the ARNs of queue and rule."""
    sqs, events = deployed.client("sqs"), deployed.client("events")
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy", "QueueArn"])
    (statement,) = json.loads(told["Attributes"]["Policy"])["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": told["Attributes"]["QueueArn"],
        "Condition": {"ArnEquals": {"aws:SourceArn": events.describe_rule(Name=_NAME)["Arn"]}},
    }
