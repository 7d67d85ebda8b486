"""The whole stack on a local cloud of its own, once for all end-to-end tests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cutout.cli.photos import Photo, content_type
from cutout.cli.stack import Sent
from cutout.cli.stack_aws import AwsStack, Clients, connect
from cutout.cli.target import Target
from cutout.job import Job
from cutout.local.lifecycle import take_down
from cutout.local.place import Place, find_place
from cutout.local.processes import record
from cutout.local.progress import NoProgress
from cutout.local.start import LocalCloud, Wish, bring_up
from cutout.local.waiting import MachineClock, wait_until

_STACK = "Cutout"
_SETTINGS = {
    # So that what Sweep does when nothing else happens can be awaited.
    "first_poll_seconds": "4",
    "poll_interval_seconds": "4",
    "unconfirmed_grace_seconds": "10",
    "lease_seconds": "15",
}
_QUICK_TASKS = ("--seconds", "0.3:0.8")
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The deployed stack and what surrounds it.

    Attributes:
        cloud: Endpoint, the operator's credentials, the stack's outputs, `local.env`'s variables.
        stack: The stack as the command line sees it: upload, jobs, downloads.
        evolink_url: The stand-in's address; its control plane is there too.
        evolink_key: The bearer key that it accepts.
        logs: Folder of the processes' logs.
    """

    cloud: LocalCloud
    stack: AwsStack
    evolink_url: str
    evolink_key: str
    logs: Path

    def client(self, service: str) -> Any:
        """Return the operator's client of an AWS service."""
        return Clients(_target(self.cloud)).client(service)

    def upload(self, key: str, content: bytes | Path, folder: Path) -> Sent:
        """Put bytes, or a file's, under a key of the uploads bucket; `folder` is for scratch."""
        path = content if isinstance(content, Path) else folder / "upload"
        if isinstance(content, bytes):
            path.write_bytes(content)
        return self.stack.upload(Photo(path=path, key=key, content_type=content_type(key)))

    def settled(self, sent: Sent, timeout_seconds: float = _PATIENCE_SECONDS) -> Job:
        """Wait until an upload's job is over and announced, and return it."""

        def is_over() -> bool:
            job = self.stack.find([sent]).get(sent.key)
            return job is not None and job.state.is_settled and job.is_announced

        self.wait(is_over, f"{sent.key} to settle", timeout_seconds)
        return self.stack.find([sent])[sent.key]

    def wait(
        self,
        condition: Callable[[], bool],
        what: str,
        timeout_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """Wait for something that goes on outside; fail if it does not happen."""
        clock = MachineClock()
        if not wait_until(condition, clock, timeout_seconds=timeout_seconds, pause_seconds=0.2):
            pytest.fail(f"waited {timeout_seconds:g} s in vain for {what}; logs: {self.logs}")

    def function_name(self, name: str) -> str:
        """Return the name of Submit, ReceiveCallback, StoreResult or Sweep in the account."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        (found,) = {
            resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=_STACK)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::Function"
            and resource["LogicalResourceId"].removeprefix(_STACK).startswith(name)
        }
        return str(found)

    def invoke(self, name: str, event: object) -> Any:
        """Call a function at once, and return what it returns; fail if it raises."""
        answer = self.client("lambda").invoke(
            FunctionName=self.function_name(name), Payload=json.dumps(event)
        )
        payload = answer["Payload"].read()
        if "FunctionError" in answer:
            pytest.fail(f"{name} raised: {payload.decode()}")
        return json.loads(payload)

    def sweep(self) -> Any:
        """Have Sweep come now instead of within the minute."""
        return self.invoke("Sweep", {})


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The stack, deployed with the CDK; what was synthesized serves the next session too."""
    project = find_place(Path(__file__))
    place = Place(
        source=project.source,
        state=tmp_path_factory.mktemp("cloud"),
        cache=project.cache / "e2e",
    )
    clock = MachineClock()
    cloud = bring_up(
        place,
        Wish(stack=_STACK, settings=_SETTINGS, stand_in_arguments=_QUICK_TASKS),
        progress=NoProgress(),
        clock=clock,
        owner=record("pytest", os.getpid()),
        environment=os.environ,
        stays_up=False,
    )
    try:
        yield Deployed(
            cloud=cloud,
            stack=connect(_target(cloud)),
            evolink_url=cloud.api.url or "",
            evolink_key=cloud.api.key,
            logs=place.logs,
        )
    finally:
        take_down(place, clock)


def _target(cloud: LocalCloud) -> Target:
    return Target(stack=_STACK, variables=cloud.variables)
