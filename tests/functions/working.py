"""All functions of a deployment at work in a made-up account, each request witnessed.

What Lambda, the queues, EventBridge and the provider do between them is done here: an upload's
event reaches Submit, messages reach their functions, and `call_back` sends the callbacks.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.s3.models import s3_backends
from PIL import Image

from tests.functions.deployed import HANDLERS, RESULTS, UPLOADS, WORK, Context, Stack, deploy
from tests.functions.wire import Sent, witnessed
from tests.support.aws_account import ACCOUNT, cloud
from tests.support.samples import sample
from tests.support.scripted_server import Loopback, answer, serving

_SIZE = (96, 64)
_LAMBDA_LINES_BYTES = 360
"""START, END and REPORT, which Lambda writes for each run."""


def photo(number: int, kind: str = "PNG", *, is_transparent: bool = False) -> bytes:
    """Return a photo that differs from those of other numbers."""
    shade = (number % 256, number // 256 % 256, 120)
    picture = Image.new("RGB", _SIZE, shade)
    if is_transparent:
        picture.putalpha(Image.linear_gradient("L").resize(_SIZE))
    return _saved(picture, kind)


def cut_out(*, is_opaque: bool = False) -> bytes:
    """The provider's result of each photo."""
    picture = Image.new("RGBA", _SIZE, (200, 10, 10, 255))
    if not is_opaque:
        picture.paste((0, 0, 0, 0), (0, 0, _SIZE[0] // 2, _SIZE[1]))
    return _saved(picture, "PNG")


def _saved(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@dataclass
class Working:
    """The functions, what they sent, how often they ran and how much they wrote to their logs.

    Attributes:
        links: The addresses of photos that the provider was given.
        result: What the provider gives back for each photo.
        refused: How many more calls the provider refuses.
        unanswered: How many more calls it takes without saying so.
        there: The objects of all buckets before each run, with how much had been sent until then.
    """

    stack: Stack
    provider: Loopback
    patch: pytest.MonkeyPatch
    sent: list[Sent] = field(default_factory=list)
    runs: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    links: list[str] = field(default_factory=list)
    result: bytes = b""
    refused: int = 0
    unanswered: int = 0
    there: list[tuple[int, frozenset[tuple[str, str]]]] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)
    _tasks: int = 0
    _events: int = 0
    _modules: dict[str, Any] = field(default_factory=dict)

    def forget(self) -> None:
        """Forget what was sent, run and written so far; functions stay warm."""
        for kept in (self.sent, self.runs, self.logged, self.links, self.there):
            kept.clear()

    def upload(
        self,
        key: str,
        data: bytes,
        *,
        is_versioned: bool = True,
        is_lost: bool = False,
        **options: Any,
    ) -> None:
        """Put a photo into the bucket, and have Submit hear of it.

        Args:
            key: Where.
            data: Its bytes.
            is_versioned: Whether the event names a version, as those of other buckets do not.
            is_lost: Whether it is gone for good before Submit hears of it.
            options: Of PutObject.
        """
        version = self.stack.upload(key, data, **options)
        event = sample("s3-object-created" if is_versioned else "s3-object-created-unversioned")
        event["time"] = datetime.now(UTC).isoformat()
        told = event["detail"]["object"]
        told |= {"key": key, "size": len(data), "sequencer": self._sequencer()}
        if is_versioned:
            told["version-id"] = version
        else:
            head = self.stack.clients.s3.head_object(Bucket=UPLOADS, Key=key)
            told["etag"] = head["ETag"].strip('"')
        if is_lost:
            self.lose(key)
        self.message("submit", event)

    def lose(self, key: str) -> None:
        """Delete a photo and all its versions before Submit gets its event."""
        versions = self.stack.clients.s3.list_object_versions(Bucket=UPLOADS, Prefix=key)
        for one in versions["Versions"]:
            self.stack.clients.s3.delete_object(Bucket=UPLOADS, Key=key, VersionId=one["VersionId"])

    def delete(self, key: str) -> None:
        """Delete a photo, and give Submit the event."""
        self.stack.clients.s3.delete_object(Bucket=UPLOADS, Key=key)
        event = sample("s3-object-deleted")
        event["detail"]["object"] |= {"key": key, "sequencer": self._sequencer()}
        self.message("submit", event)

    def message(self, service: str, body: object) -> None:
        """Give a function one message of its queue; it must succeed."""
        event = sample("sqs-submissions-upload")
        event["Records"][0]["body"] = json.dumps(body)
        told = self.run(service, event)
        assert told == {"batchItemFailures": []}, body

    def hand_over(self) -> None:
        """Give every message in the queues to its function, until there is none."""
        while sum(self.hand_over_once(service) for service in self._queues()):
            pass

    def hand_over_once(self, service: str) -> int:
        """Give a function the messages that are in its queue now; return how many."""
        bodies = self._taken(self._queues()[service])
        for body in bodies:
            self.message(service, body)
        return len(bodies)

    def call_back(self) -> None:
        """Have the provider call back for each accepted task, and process all that follows."""
        while self._open:
            task_id, token = self._open.pop(0)
            event = sample("http-api-callback-completed")
            event["pathParameters"]["token"] = token
            event["body"] = json.dumps({"id": task_id})
            assert self.run("receive-callback", event)["statusCode"] == 202
            self.hand_over()

    def through(self, key: str, data: bytes, **options: Any) -> None:
        """Process a photo from its upload to its end."""
        self.upload(key, data, **options)
        self.hand_over()
        self.call_back()

    def run(self, service: str, event: dict[str, Any]) -> Any:
        """Run a function once."""
        printed = io.StringIO()
        self.there.append((len(self.sent), self._objects()))
        with witnessed(service, self.sent), redirect_stdout(printed):
            told = self._module(service).handler(event, Context(service))
        self.runs[service] += 1
        lines = printed.getvalue() + self._log_lines(service)
        self.logged[service] += len(lines.encode()) + _LAMBDA_LINES_BYTES
        return told

    def answers(self, connection: socket.socket) -> None:
        """The provider: accepts every call, and answers that each task is completed."""
        request = self.provider.requests[-1]
        head, _, body = request.partition(b"\r\n\r\n")
        if head.startswith((b"POST /api/v1/files", b"DELETE")):
            data = {"file_id": "f-1", "file_url": self.provider.url("/files/f-1")}
            answer(200, json.dumps({"success": True, "code": 200, "data": data}).encode())(
                connection
            )
        elif head.startswith(b"POST") and self.refused:
            self.refused -= 1
            told = sample("evolink-error-400-invalid-request")
            answer(400, json.dumps(told).encode())(connection)
        elif head.startswith(b"POST") and self.unanswered:
            self.unanswered -= 1
            self._take(json.loads(body))
            told = sample("evolink-error-500-internal-error")
            answer(500, json.dumps(told).encode())(connection)
        elif head.startswith(b"POST"):
            self._take(json.loads(body))
            told = sample("evolink-create-200") | {"id": self._task_id()}
            answer(200, json.dumps(told).encode())(connection)
        elif head.startswith(b"GET /v1/tasks/"):
            task_id = head.split(b" ")[1].rpartition(b"/")[2].decode()
            answer(200, json.dumps(self._task(task_id)).encode())(connection)
        else:
            answer(200, self.result or cut_out(), Content_Type="image/png")(connection)

    def _sequencer(self) -> str:
        """What S3 orders its events about a key by."""
        self._events += 1
        return f"{0x00691ED95F3C4B2A11 + self._events:018X}"

    def _objects(self) -> frozenset[tuple[str, str]]:
        # Asked of moto itself: three requests before each run took a fifth of the time.
        s3 = s3_backends[ACCOUNT]["aws"]
        return frozenset(
            (bucket, one.name)
            for bucket in (UPLOADS, RESULTS, WORK)
            for one in s3.list_objects(s3.get_bucket(bucket), None, None, None, None)[0]
        )

    def _queues(self) -> dict[str, str]:
        return {
            "submit": self.stack.submissions_url,
            "prepare": self.stack.preparations_url,
            "store-result": self.stack.callbacks_url,
        }

    def _taken(self, url: str) -> list[Any]:
        """Receive the messages of a queue and delete them."""
        sqs = self.stack.clients.sqs
        bodies = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(json.loads(message["Body"]))
        return bodies

    def _take(self, told: dict[str, Any]) -> None:
        self._tasks += 1
        self._open.append((self._task_id(), told["callback_url"].rpartition("/")[2]))
        self.links += told["image_urls"]

    def _task_id(self) -> str:
        return f"task-unified-1795166131-{self._tasks:08x}"

    def _task(self, task_id: str) -> dict[str, Any]:
        results = [self.provider.url("/media/x.png")]
        return sample("evolink-task-completed") | {"id": task_id, "results": results}

    def _module(self, service: str) -> Any:
        """The function's module, imported afresh by its first run."""
        if service not in self._modules:
            self.patch.setenv("POWERTOOLS_SERVICE_NAME", service)
            self.patch.delitem(sys.modules, HANDLERS[service], raising=False)
            self._modules[service] = importlib.import_module(HANDLERS[service])
            for handler in self._handlers(service):
                handler.stream = io.StringIO()
        return self._modules[service]

    def _log_lines(self, service: str) -> str:
        """Return what the function's logger wrote since the last time."""
        written = ""
        for handler in self._handlers(service):
            written += handler.stream.getvalue()
            handler.stream = io.StringIO()
        return written

    def _handlers(self, service: str) -> list[Any]:
        return list(logging.getLogger(service).handlers)


@contextmanager
def working(**changes: str) -> Iterator[Working]:
    """A deployment with these changes to its environment, such as `CUTOUT_REUSE="false"`."""
    with cloud() as clients, pytest.MonkeyPatch.context() as patch:
        stack = deploy(clients)
        at_work: list[Working] = []

        def answers(connection: socket.socket) -> None:
            at_work[0].answers(connection)

        with serving(answers) as provider:
            usual = stack.environment(provider.url("")) | {"CUTOUT_MIN_SIDE": "1"}
            for name, value in (usual | changes).items():
                patch.setenv(name, value)
            at_work.append(Working(stack=stack, provider=provider, patch=patch))
            yield at_work[0]
