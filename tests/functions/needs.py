"""What a request asks IAM for: the actions and resources that AWS's documentation names.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.contract.dynamodb.table import CALLS, TABLE
from tests.functions.deployed import RESULTS, UPLOADS, WORK
from tests.functions.wire import Sent
from tests.functions.working import Working

_ROLES = {
    "submit": "SubmitRole",
    "prepare": "PrepareRole",
    "receive-callback": "ReceiveCallbackRole",
    "store-result": "StoreResultRole",
    "sweep": "SweepRole",
}
_BUCKETS = {UPLOADS: "<Uploads.Arn>", RESULTS: "<Results.Arn>", WORK: "<Work.Arn>"}
_OBJECT_ACTIONS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "GetObjectTagging": "GetObjectTagging",
    "PutObjectTagging": "PutObjectTagging",
    "PutObject": "PutObject",
    "DeleteObject": "DeleteObject",
}
_OF_VERSION = {
    "GetObject": "GetObjectVersion",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
}
_TABLES = {TABLE: "<Jobs.Arn>", CALLS: "<Calls.Arn>"}
_HERE = "arn:aws:{}:here:mine:{}"
KEY = "<Key.Arn>"
_USES_OF_KEY = {
    # what a request makes the service do with the key of the data, on behalf of who asked
    "s3:GetObject": ("Decrypt",),
    "s3:GetObjectVersion": ("Decrypt",),
    "s3:PutObject": ("GenerateDataKey",),
    "sqs:SendMessage": ("Decrypt", "GenerateDataKey"),
    "sqs:ReceiveMessage": ("Decrypt",),
    "secretsmanager:GetSecretValue": ("Decrypt",),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
"""
_TABLE_USES_KEY = (
    *("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"),
)
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""


@dataclass(frozen=True, kw_only=True)
class Need:
    """The permissions that a request needs.

    Attributes:
        role: Who asks.
        action: What for.
        resource: Of what.
        via: The service that uses the key of the data; empty for all else.
        because: The request, in a few words.
    """

    role: str
    action: str
    resource: str
    via: str = ""
    because: str


def needs_of(at_work: Working) -> Iterator[Need]:
    """Return the permissions that all the requests of a working deployment need."""
    for sent, is_there in _with_objects(at_work):
        for action, resource, because in _asked(sent, is_there=is_there):
            yield from _with_key(_ROLES[sent.function], action, resource, because)
    for link in at_work.links:
        url = urlsplit(link)
        if url.path.startswith("/files/"):
            continue
        bucket, _, key = unquote(url.path).removeprefix("/").partition("/")
        action = "GetObjectVersion" if "versionId" in parse_qs(url.query) else "GetObject"
        because = "the provider reads by the link that it was given"
        yield from _with_key("PhotoReader", f"s3:{action}", f"{_BUCKETS[bucket]}/{key}", because)


def _with_objects(at_work: Working) -> Iterator[tuple[Sent, bool]]:
    """Each request, and whether its object existed."""
    there: set[tuple[str, str]] = set()
    runs = dict(at_work.there)
    for number, sent in enumerate(at_work.sent):
        if number in runs:
            there = set(runs[number])
        place = (sent.bucket, sent.key)
        yield sent, place in there
        if sent.operation == "PutObject":
            there.add(place)
        if sent.operation == "DeleteObject":
            there.discard(place)


def _asked(sent: Sent, *, is_there: bool) -> Iterator[tuple[str, str, str]]:
    """Actions and resources, each with the reason."""
    match sent.service:
        case "s3":
            yield from _of_object(sent, is_there=is_there)
        case "dynamodb":
            yield from _of_table(sent)
        case "sqs":
            name = sent.body["QueueUrl"].rpartition("-")[2]
            yield "sqs:SendMessage", f"<{name}Queue.Arn>", "a message to the others"
        case "secretsmanager":
            name = _HERE.format("secretsmanager", f"secret:{sent.body['SecretId']}-AbCdEf")
            yield sent.name, name, "a key is read"
        case "events":
            bus = sent.body["Entries"][0]["EventBusName"]
            yield sent.name, _HERE.format("events", f"event-bus/{bus}"), "word of a photo's end"
        case "sts":
            yield sent.name, "<PhotoReader.Arn>", "a link to a photo is signed"


def _of_object(sent: Sent, *, is_there: bool) -> Iterator[tuple[str, str, str]]:
    bucket = _BUCKETS[sent.bucket]
    place = f"{bucket}/{sent.key}"
    action = _OBJECT_ACTIONS[sent.operation]
    if sent.is_of_version:
        action = _OF_VERSION[action]
    yield f"s3:{action}", place, f"{sent.operation} of {sent.key}"
    if sent.headers.get("x-amz-tagging"):
        yield "s3:PutObjectTagging", place, f"{sent.operation} with tags of {sent.key}"
    if "if-match" in sent.headers and sent.operation in {"PutObject", "DeleteObject"}:
        yield "s3:GetObject", place, f"{sent.operation} on condition of {sent.key}"
    if not is_there and sent.operation not in {"PutObject", "DeleteObject"}:
        because = f"{sent.operation} of {sent.key}, which is not there: 404 instead of 403"
        yield "s3:ListBucket", bucket, because


def _of_table(sent: Sent) -> Iterator[tuple[str, str, str]]:
    match sent.operation:
        case "Query":
            index = sent.body["IndexName"]
            table = _TABLES[sent.body["TableName"]]
            yield sent.name, f"{table}/index/{index}", f"a query of the index {index}"
        case "TransactWriteItems":
            for one in sent.body["TransactItems"]:
                ((write, told),) = one.items()
                table = _TABLES[told["TableName"]]
                yield f"dynamodb:{write}Item", table, f"{write} of {_whose(told)} with a job"
        case "BatchGetItem":
            for name in sent.body["RequestItems"]:
                yield sent.name, _TABLES[name], f"{sent.operation} of several items"
        case _:
            table = _TABLES[sent.body["TableName"]]
            yield sent.name, table, f"{sent.operation} of {_whose(sent.body)}"


def _whose(body: Any) -> str:
    pk = (body.get("Item") or body.get("Key"))["pk"]["S"]
    return str(pk).partition("#")[0]


def _with_key(role: str, action: str, resource: str, because: str) -> Iterator[Need]:
    """Return the need, and how the key of the data is used for it, if there is one."""
    yield Need(role=role, action=action, resource=resource, because=because)
    service = action.partition(":")[0]
    uses = _TABLE_USES_KEY if service == "dynamodb" else _USES_OF_KEY.get(action, ())
    for use in uses:
        yield Need(role=role, action=f"kms:{use}", resource=KEY, via=service, because=because)
