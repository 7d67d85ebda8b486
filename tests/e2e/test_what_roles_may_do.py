"""Least privilege: each role tries every request, and most are refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest

from cutout.adapters.dynamodb.gate_and_claim_items import DynamoCallBodies
from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.job.job import Job
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.fetching import fetch
from tests.e2e.photos import Photos, Upload
from tests.e2e.roles import Connect, guest, is_denied, taken_on
from tests.e2e.stand_in import StandIn

_KEY = "roles/photo.jpg"
_CUT_OUT = "roles/photo.png"
_NOBODY = "0" * 32
_ROLE = "AWS::IAM::Role"
_DENY_ALL = {"Effect": "Deny", "Action": "*", "Resource": "*"}
_READ_JOBS = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
"""What `grant_read_jobs` gives, as `tests/infra/access/test_embedding_grants.py` shows."""
_PROBE = {"pk": {"S": "probe"}}


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Credentials of a role, and the names of the resources."""

    connect: Connect
    outputs: Mapping[str, str]
    photo: Upload
    photo_reader: str
    signing_key: str
    submit: str
    calls: str

    def s3(self, operation: str, bucket: str, **arguments: object) -> object:
        """Use the photo, or its cut-out."""
        name = self.outputs[f"{bucket}BucketName"]
        return getattr(self.connect("s3"), operation)(Bucket=name, **arguments)

    def table(self, operation: str, **arguments: object) -> object:
        """Use the jobs table."""
        name = self.outputs["JobsTableName"]
        return getattr(self.connect("dynamodb"), operation)(TableName=name, **arguments)

    def bodies(self, operation: str, **arguments: object) -> object:
        """Use the table of bodies of calls."""
        return getattr(self.connect("dynamodb"), operation)(TableName=self.calls, **arguments)

    def find(self, index: str, attribute: str) -> object:
        """Query an index of the jobs table."""
        return self.table(
            "query",
            IndexName=index,
            KeyConditionExpression="#p = :p",
            ExpressionAttributeNames={"#p": attribute},
            ExpressionAttributeValues={":p": {"S": "nothing"}},
        )

    def send(self, queue: str, body: Mapping[str, object]) -> object:
        """Send a message that changes nothing."""
        url = self.outputs[f"{queue}QueueUrl"]
        return self.connect("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))

    def receive(self, queue: str) -> object:
        """Receive messages from a queue, and return them at once."""
        url = self.outputs[f"{queue}QueueUrl"]
        return self.connect("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)

    def secret(self, name: str) -> object:
        """Read a secret."""
        return self.connect("secretsmanager").get_secret_value(SecretId=name)


_ACTIONS: dict[str, Callable[[_Place], object]] = {
    "read a photo": lambda it: it.s3("get_object", "Uploads", Key=_KEY),
    "read a version of a photo": lambda it: it.s3(
        "get_object", "Uploads", Key=_KEY, VersionId=it.photo.version_id
    ),
    "read a photo's tags": lambda it: it.s3("get_object_tagging", "Uploads", Key=_KEY),
    "tell a missing photo from a forbidden one": lambda it: it.s3("list_objects_v2", "Uploads"),
    "overwrite a photo": lambda it: it.s3("put_object", "Uploads", Key=_KEY, Body=b"x"),
    "delete a photo": lambda it: it.s3("delete_object", "Uploads", Key="roles/none.jpg"),
    "read a cut-out": lambda it: it.s3("get_object", "Results", Key=_CUT_OUT),
    "tell a missing cut-out from a forbidden one": lambda it: it.s3("list_objects_v2", "Results"),
    "write a cut-out": lambda it: it.s3("put_object", "Results", Key="roles/probe", Body=b"x"),
    "write a cut-out with tags": lambda it: it.s3(
        "put_object", "Results", Key="roles/probe", Body=b"x", Tagging="a=b"
    ),
    "delete a cut-out": lambda it: it.s3("delete_object", "Results", Key="roles/none.png"),
    "read an item": lambda it: it.table("get_item", Key=_PROBE),
    "read items in bulk": lambda it: it.connect("dynamodb").batch_get_item(
        RequestItems={it.outputs["JobsTableName"]: {"Keys": [_PROBE]}}
    ),
    "write an item": lambda it: it.table("put_item", Item=_PROBE),
    "change an item": lambda it: it.table(
        "update_item",
        Key=_PROBE,
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    ),
    "delete an item": lambda it: it.table("delete_item", Key=_PROBE),
    "read the whole table": lambda it: it.table("scan", Limit=1),
    "read a call's body": lambda it: it.bodies("get_item", Key=_PROBE),
    "write a call's body": lambda it: it.bodies("put_item", Item=_PROBE),
    "delete a call's body": lambda it: it.bodies("delete_item", Key=_PROBE),
    "read all bodies of calls": lambda it: it.bodies("scan", Limit=1),
    "find who waits": lambda it: it.find("lane", "lane"),
    "find what is due": lambda it: it.find("due", "due_shard"),
    "find a key's jobs": lambda it: it.find("source", "source_ref"),
    "find jobs by state": lambda it: it.find("state", "state"),
    "read the API key": lambda it: it.secret(it.outputs["ApiKeySecretName"]),
    "read the signing key": lambda it: it.secret(it.signing_key),
    "send a submission": lambda it: it.send("Submissions", {"job": _NOBODY}),
    "send a callback": lambda it: it.send("Callbacks", {"job": _NOBODY, "attempt": 1}),
    "take a submission": lambda it: it.receive("Submissions"),
    "take a callback": lambda it: it.receive("Callbacks"),
    "announce": lambda it: it.connect("events").put_events(
        Entries=[{"Source": "e2e.probe", "DetailType": "Probe", "Detail": "{}"}]
    ),
    "lend photos": lambda it: it.connect("sts").assume_role(
        RoleArn=it.photo_reader, RoleSessionName="probe"
    ),
    "start a function": lambda it: it.connect("lambda").invoke(FunctionName=it.submit),
}

_MAY: dict[str, set[str]] = {
    "SubmitRole": {
        "read a photo",
        "read a version of a photo",
        "tell a missing photo from a forbidden one",
        "tell a missing cut-out from a forbidden one",
        "read an item",
        "read items in bulk",
        "write an item",
        "change an item",
        "read a call's body",
        "write a call's body",
        "find who waits",
        "read the API key",
        "read the signing key",
        "send a submission",
        "send a callback",
        "take a submission",
        "announce",
        "lend photos",
    },
    "ReceiveCallbackRole": {"read the signing key", "send a callback"},
    "StoreResultRole": {
        "read a photo",
        "read a version of a photo",
        "read a photo's tags",
        "tell a missing photo from a forbidden one",
        "read a cut-out",
        "tell a missing cut-out from a forbidden one",
        "write a cut-out",
        "write a cut-out with tags",
        "read an item",
        "read items in bulk",
        "write an item",
        "change an item",
        "find who waits",
        "read the API key",
        "send a submission",
        # For itself: variants that wait for a copy of their photo.
        "send a callback",
        "take a callback",
        "announce",
    },
    "SweepRole": {
        "read items in bulk",
        "write an item",
        "change an item",
        "find who waits",
        "find what is due",
        "send a submission",
        "send a callback",
    },
    "PhotoReader": {"read a version of a photo"},
}


@pytest.fixture(scope="module")
def photo(photos: Photos) -> Upload:
    """A photo and its cut-out."""
    upload = photos.put(_KEY)
    photos.settled(upload)
    return upload


@pytest.mark.parametrize("role", _MAY)
def test_role_may_do_what_its_work_needs_and_nothing_else(
    role: str, photo: Upload, deployed: Deployed
) -> None:
    """Every action that is not in the role's list is refused; every action that is, works."""
    arn = deployed.client("iam").get_role(RoleName=deployed.resource(_ROLE, "PhotoReader"))
    with taken_on(deployed, role) as connect:
        place = _Place(
            connect=connect,
            outputs=deployed.cloud.outputs,
            photo=photo,
            photo_reader=arn["Role"]["Arn"],
            signing_key=deployed.signing_key_name,
            submit=deployed.function_name("Submit"),
            calls=deployed.resource("AWS::DynamoDB::Table", "Calls"),
        )
        done = {name for name, act in _ACTIONS.items() if not _is_denied(act, place)}
    assert done == _MAY[role]


def _is_denied(act: Callable[[_Place], object], place: _Place) -> bool:
    return is_denied(lambda: act(place))


@pytest.fixture(scope="module")
def unanswered(photos: Photos, stand_in: StandIn) -> Iterator[Job]:
    """A photo whose call was accepted and not answered, while its task runs."""
    key = "roles/lent.jpg"
    stand_in.commit("create:accept-then-500", key, times=1)
    stand_in.commit("task:slow", key, seconds=3600, times=1)
    upload = photos.put(key)
    yield photos.in_state(upload, State.UNCONFIRMED)
    stand_in.let_pass(seconds=3600)
    photos.settled(upload, is_swept=True)


@pytest.fixture(scope="module")
def call(unanswered: Job, deployed: Deployed) -> dict[str, Any]:
    """The stored body of that call."""
    calls = deployed.resource("AWS::DynamoDB::Table", "Calls")
    bodies = DynamoCallBodies(Table(deployed.client("dynamodb"), calls))
    assert unanswered.attempt is not None
    body = bodies.find_body(unanswered.id, unanswered.attempt.body_name or "")
    assert body is not None
    told: dict[str, Any] = json.loads(body)
    return told


@pytest.fixture(scope="module")
def lent(call: dict[str, Any]) -> str:
    """The link to a photo that was sent to the provider."""
    link: str = call["image_urls"][0]
    return link


def test_permission_to_read_jobs_gives_no_link_and_no_token(
    unanswered: Job, call: dict[str, Any], deployed: Deployed
) -> None:
    """Jobs, by id and by index, have neither; the table that does is refused."""
    tables: dict[str, str] = {
        name: deployed.resource("AWS::DynamoDB::Table", name) for name in ("Jobs", "Calls")
    }
    row = {"pk": {"S": f"job#{unanswered.id}"}}
    body = {"pk": {"S": f"{unanswered.id}.1"}}
    with guest(deployed, _READ_JOBS, _of_table(deployed, tables["Jobs"])) as connect:
        dynamodb = connect("dynamodb")
        read = [
            dynamodb.get_item(TableName=tables["Jobs"], Key=row)["Item"],
            dynamodb.query(
                TableName=tables["Jobs"],
                IndexName="state",
                KeyConditionExpression="#state = :state",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":state": {"S": "unconfirmed"}},
            )["Items"],
        ]
        attempts: list[Callable[[], object]] = [
            lambda: dynamodb.get_item(TableName=tables["Calls"], Key=body),
            lambda: dynamodb.batch_get_item(RequestItems={tables["Calls"]: {"Keys": [body]}}),
            lambda: dynamodb.scan(TableName=tables["Calls"]),
            lambda: dynamodb.scan(TableName=tables["Jobs"]),
        ]
        assert [is_denied(one) for one in attempts] == [True] * 4
    token = call["callback_url"].rpartition("/")[2]
    secrets = (token, "X-Amz-Signature", "X-Amz-Security-Token", call["image_urls"][0])
    assert [secret for secret in secrets if secret in str(read)] == []
    assert unanswered.id in str(read)


def _of_table(deployed: Deployed, name: str) -> list[str]:
    """The permissions of grant_read_jobs."""
    described = deployed.client("dynamodb").describe_table(TableName=name)["Table"]
    return [described["TableArn"], f"{described['TableArn']}/index/*"]


def test_link_of_the_provider_has_the_rights_of_the_photo_reader(
    lent: str, deployed: Deployed
) -> None:
    """When that role loses its rights, the link stops working."""
    iam: Any = deployed.client("iam")
    role = deployed.resource(_ROLE, "PhotoReader")
    deny = {"Version": "2012-10-17", "Statement": [_DENY_ALL]}
    assert fetch(deployed, lent) == HTTPStatus.OK
    iam.put_role_policy(RoleName=role, PolicyName="e2e", PolicyDocument=json.dumps(deny))
    try:
        assert fetch(deployed, lent) == HTTPStatus.FORBIDDEN
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="e2e")
    assert fetch(deployed, lent) == HTTPStatus.OK


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("PUT", ("", "")),
        ("DELETE", ("", "")),
        ("GET", ("lent.jpg", "photo.jpg")),
        ("GET", ("versionId=", "versionId=0")),
        ("GET", ("X-Amz-Expires=", "X-Amz-Expires=9")),
    ],
)
def test_link_of_the_provider_opens_one_photo_for_reading(
    method: str, change: tuple[str, str], lent: str, deployed: Deployed
) -> None:
    """Another method, photo, version or a longer life was not signed."""
    changed = lent.replace(*change)
    assert (changed == lent) == (change == ("", ""))
    assert fetch(deployed, changed, method=method) == HTTPStatus.FORBIDDEN
