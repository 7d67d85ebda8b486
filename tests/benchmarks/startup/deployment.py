"""A deployment on MiniStack over TLS, whose events are collected for measured processes."""

from __future__ import annotations

import json
import socket
import ssl
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from cutout.adapters.sqs import written_request
from cutout.domain.job.source import Source
from cutout.domain.messages.message_parsing import read_callback
from cutout.domain.messages.preparation import CopyKind, PrepareRequest
from cutout.domain.states import State
from tests.functions.deployed import CALLBACK_URL, UPLOADS, deploy
from tests.functions.working import Working, photo
from tests.support.aws_account import REGION, Emulator
from tests.support.emulators import ministack
from tests.support.samples import sample
from tests.support.scripted_server import serving

Event = dict[str, Any]
_TAKEN: Event = {"batchItemFailures": []}
_ACCEPTED: Event = {"statusCode": 202}


@dataclass
class Deployment(Working):
    """Collects the events of each function instead of running it.

    Attributes:
        authority: The certificate that both servers are signed with.
        environment: Of the functions.
    """

    authority: Path = field(kw_only=True)
    environment: Mapping[str, str] = field(kw_only=True)
    _events_of: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _photos: int = 0

    def run(self, service: str, event: Event) -> Event:
        """Keep the event for a measured process."""
        self._events_of[service].append(event)
        return _ACCEPTED if service == "receive-callback" else _TAKEN

    def uploads(self, number: int) -> list[Event]:
        """Upload photos, none like another; the events for Submit."""
        return self.uploads_of(photo(self._photos + one) for one in range(number))

    def uploads_of(self, photos: Iterable[bytes]) -> list[Event]:
        """Upload these photos; the events for Submit."""
        for data in photos:
            self._photos += 1
            self.upload(f"shoes/{self._photos}", data)
        return self._events_of.pop("submit")

    def requests(self, number: int) -> list[Event]:
        """Upload photos that need a copy; the events for Prepare."""
        return self.requests_of(photo(self._photos + one, "TIFF") for one in range(number))

    def requests_of(self, photos: Iterable[bytes]) -> list[Event]:
        """Upload these photos; the events for Prepare."""
        for data in photos:
            self._photos += 1
            key = f"shoes/{self._photos}"
            version = self.stack.upload(key, data)
            source = Source(
                bucket=UPLOADS, key=key, version_id=version, etag="", sequencer="1", size=1
            )
            request = PrepareRequest(
                job_id=source.job_id, source=source, wanted=(CopyKind.FOR_MODEL,)
            )
            self.message("prepare", written_request(request))
        return self._events_of.pop("prepare")

    def callbacks(self) -> list[Event]:
        """The events for ReceiveCallback: one for each task that was created."""
        self.call_back()
        return self._events_of.pop("receive-callback")

    def checks(self) -> list[Event]:
        """The events for StoreResult: one for each callback that was received."""
        self.hand_over_once("store-result")
        return self._events_of.pop("store-result")

    def check_completed(self, checks: Iterable[Event]) -> None:
        """Check that StoreResult completed the jobs of its events.

        Raises:
            RuntimeError: A job is in another state: StoreResult reports no failure when it ends
                a job as rejected.
        """
        for event in checks:
            job_id = str(read_callback(event["Records"][0]["body"]).job_id)
            job = self.stack.jobs.find(job_id)
            if job is None or job.state is not State.COMPLETED:
                raise RuntimeError(f"{job_id} is not completed: {job}")

    def sweeps(self, number: int) -> list[Event]:
        """The events for Sweep."""
        return [sample("scheduler-sweep")] * number

    def _task(self, task_id: str) -> dict[str, Any]:
        results = [self.provider.url("/media/x.png", scheme="https")]
        return super()._task(task_id) | {"results": results}

    def _take(self, told: dict[str, Any]) -> None:
        if told["callback_url"].startswith(CALLBACK_URL):
            super()._take(told)


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """Deploy what the functions use, and serve the provider, both over TLS."""
    with ministack(folder) as emulator, emulator.account() as clients:
        authority = Path(emulator.variables["AWS_CA_BUNDLE"])
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(authority.with_name("server.pem"), authority.with_name("server.key"))
        stack = deploy(clients)
        _create_photo_reader(emulator)
        deployments: list[Deployment] = []

        def answers(connection: socket.socket) -> None:
            deployments[0].answers(connection)

        with serving(answers, tls=tls) as provider, pytest.MonkeyPatch.context() as patch:
            usual = stack.environment(provider.url("", scheme="https"))
            environment = {
                **{name: v for name, v in usual.items() if not name.startswith("AWS_ENDPOINT_")},
                "AWS_ENDPOINT_URL": emulator.variables["AWS_ENDPOINT_URL"],
                "AWS_ACCESS_KEY_ID": emulator.access_key_id,
                "AWS_SECRET_ACCESS_KEY": emulator.secret_access_key,
                "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
                "SSL_CERT_FILE": str(authority.with_name("ca-and-public.pem")),
                "CUTOUT_MIN_SIDE": "1",
                "CUTOUT_MAX_IN_FLIGHT": "1000000",
                "CUTOUT_DAILY_CREDIT_CAP": "100000000",
            }
            made = Deployment(
                stack=stack,
                provider=provider,
                patch=patch,
                authority=authority,
                environment=environment,
            )
            deployments.append(made)
            yield made


def _create_photo_reader(emulator: Emulator) -> None:
    """Create the role that Submit signs links with."""
    iam = boto3.client(
        "iam",
        region_name=REGION,
        aws_access_key_id=emulator.access_key_id,
        aws_secret_access_key=emulator.secret_access_key,
    )
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    iam.create_role(RoleName="PhotoReader", AssumeRolePolicyDocument=json.dumps(trust))
