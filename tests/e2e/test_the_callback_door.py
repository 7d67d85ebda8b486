"""The callback address is public: requests without a valid token have no effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from cutout.adapters.dynamodb.job_item import milliseconds
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.door import Door
from tests.e2e.photos import Photos, Upload
from tests.e2e.queues import Queues
from tests.e2e.stand_in import StandIn

_KEY = "door/guarded.jpg"
_TOO_LARGE = json.dumps({"padding": "x" * 65536}).encode()


class _Knock(NamedTuple):
    """A request that must be refused, and its status."""

    status: int
    method: str = "POST"
    token: str = "{job}.1.{signature}"
    path: str = "/callbacks/"
    body: bytes = b'{"id": "task-of-somebody", "status": "completed"}'


_REFUSED = {
    "signed with another key": _Knock(403, token="{job}.1.{forged}"),
    "another attempt under the signature of the first": _Knock(403, token="{job}.2.{signature}"),
    "another job under the signature of this one": _Knock(403, token=f"{'0' * 32}.1.{{signature}}"),
    "a token that has expired": _Knock(403, token="{job}.1.{expired}"),
    "no token of ours": _Knock(404, token="completed"),
    "a token cut short": _Knock(404, token="{job}.1.abc"),
    "a token with an attempt 0": _Knock(404, token="{job}.0.{signature}"),
    "a path of nobody": _Knock(404, path="/webhooks/"),
    "a path below the token": _Knock(404, token="{job}.1.{signature}/again"),
    "GET": _Knock(405, method="GET", body=b""),
    "PUT": _Knock(405, method="PUT"),
    "DELETE": _Knock(405, method="DELETE"),
    "more than 64 KiB": _Knock(413, body=_TOO_LARGE),
}


@pytest.fixture(scope="module")
def busy(photos: Photos, stand_in: StandIn, queues: Queues) -> Iterator[Upload]:
    """A photo whose task runs until these tests are over."""
    queues.forget()
    stand_in.commit("task:slow", _KEY, seconds=3600, times=1)
    upload = photos.put(_KEY)
    photos.in_state(upload, State.PROCESSING)
    yield upload
    stand_in.let_pass(seconds=3600)
    photos.settled(upload, is_swept=True)


@pytest.fixture
def guarded(busy: Upload, photos: Photos, queues: Queues, deployed: Deployed) -> Upload:
    """The same photo, which Sweep does not poll: only a callback could cause a read."""
    table, row = deployed.cloud.outputs["JobsTableName"], {"pk": {"S": f"job#{busy.job_id}"}}
    later = datetime.now(UTC) + timedelta(hours=1)

    def is_left_alone() -> bool:
        photos.jobs.postpone(photos.in_state(busy, State.PROCESSING), later)
        # A worker that read the task meanwhile may write another time.
        queues.wait_until_empty()
        item = deployed.client("dynamodb").get_item(TableName=table, Key=row)["Item"]
        return int(item["due_at"]["N"]) == milliseconds(later)

    deployed.wait(is_left_alone, "the job to be left alone")
    return busy


@pytest.mark.parametrize("name", _REFUSED)
def test_callback_that_is_not_the_providers_is_refused_at_once(
    *,
    name: str,
    guarded: Upload,
    door: Door,
    photos: Photos,
    queues: Queues,
    stand_in: StandIn,
) -> None:
    """Forged, malformed, misdirected, oversized: nothing is queued, read or changed."""
    knock = _REFUSED[name]
    token = knock.token.format(
        job=guarded.job_id,
        signature=_signed(door.token(guarded.job_id, 1)),
        forged=_signed(door.token(guarded.job_id, 1, key="some other key")),
        expired=_signed(door.token(guarded.job_id, 1, life=-timedelta(seconds=1))),
    )
    before = photos.job(guarded)
    reads = len(stand_in.entries("read", _KEY))
    status = door.knock(knock.path + token, method=knock.method, body=knock.body)
    queues.wait_until_empty()
    assert status == knock.status
    assert len(stand_in.entries("read", _KEY)) == reads
    assert photos.job(guarded) == before


def _signed(token: str) -> str:
    """Return the token after job and attempt: the expiry and the signature."""
    return token.split(".", 2)[2]


def test_authentic_callback_only_causes_a_read_of_the_task(
    guarded: Upload, door: Door, photos: Photos, stand_in: StandIn
) -> None:
    """Its body says `completed`; the API's answer differs, and counts."""
    job = photos.job(guarded)
    assert job is not None
    assert job.attempt is not None
    reads = len(stand_in.entries("read", _KEY))
    body = {"id": job.attempt.task_id, "status": "completed", "results": ["https://evil.example/"]}
    status = door.knock(
        f"/callbacks/{door.token(guarded.job_id, 1)}", body=json.dumps(body).encode()
    )
    stand_in.awaited("read", _KEY, reads + 1)
    assert status == 202
    assert photos.in_state(guarded, State.PROCESSING).result is None
    assert photos.result_keys("door/") == []


def test_callback_for_a_missing_job_changes_nothing(
    door: Door, queues: Queues, photos: Photos
) -> None:
    """The signature proves that we signed it, not that the job still exists."""
    job_id = "f" * 32
    before = queues.dead_letters()
    status = door.knock(f"/callbacks/{door.token(job_id, 1)}")
    queues.wait_until_empty()
    assert (status, queues.dead_letters(), photos.jobs.find(job_id)) == (202, before, None)


def test_callbacks_signed_before_a_rotation_of_the_key_are_accepted(
    guarded: Upload, door: Door, deployed: Deployed
) -> None:
    """Tasks that run while the key is rotated can still call back, and new ones soon can."""
    secrets = deployed.client("secretsmanager")
    newer = secrets.get_random_password(PasswordLength=64, ExcludePunctuation=True)
    key = newer["RandomPassword"]
    old, new = door.token(guarded.job_id, 1), door.token(guarded.job_id, 1, key=key)
    try:
        secrets.put_secret_value(SecretId=deployed.signing_key_name, SecretString=key)
        deployed.wait(lambda: door.knock(f"/callbacks/{new}") == 202, "the new key to be taken")
        assert door.knock(f"/callbacks/{old}") == 202
    finally:
        secrets.put_secret_value(SecretId=deployed.signing_key_name, SecretString=door.signing_key)
