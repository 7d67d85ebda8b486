"""The deployed stack, as tests see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from infra.local.place import Place
from infra.local.processes.waiting import wait_until
from infra.local.start import StartedCloud
from tests.support.local_cloud import MachineClock

STACK = "Cutout"
_INSIDE = "Cutout"
"""What the logical id of every resource begins with."""
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The deployed stack and what surrounds it.

    Attributes:
        cloud: Endpoint, the operator's credentials, the stack's outputs, `local.env`'s variables.
        connect: Makes the operator's client of an AWS service, each once.
        evolink_url: The stand-in's address; its control plane is there too.
        evolink_keys: The bearer keys that it accepts; the functions use the first.
        evolink_arguments: What it was started with, besides.
        place: Where the local cloud lives; the processes' logs are there.
        stack: The stack's name.
        own_sweeps: One entry for each time that a test had Sweep come.
    """

    cloud: StartedCloud
    connect: Callable[[str], Any]
    evolink_url: str
    evolink_keys: tuple[str, ...]
    evolink_arguments: tuple[str, ...]
    place: Place
    stack: str = STACK
    own_sweeps: list[str] = field(default_factory=list)

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs."""
        return self.place.state

    @property
    def signing_key_name(self) -> str:
        """The name of the secret that signs callback URLs."""
        return f"{self.stack}/callback-signing-key"

    def client(self, service: str) -> Any:
        """Return the operator's client of an AWS service."""
        return self.connect(service)

    def wait(
        self,
        condition: Callable[[], bool],
        what: str,
        timeout_seconds: float = _PATIENCE_SECONDS,
        found: Callable[[], object] = str,
    ) -> None:
        """Wait for something outside; fail with what is found if it does not happen."""
        clock = MachineClock()
        if not wait_until(condition, clock, timeout_seconds=timeout_seconds, pause_seconds=0.5):
            waited = f"waited {timeout_seconds:g} s in vain for {what}; logs: {self.logs}"
            pytest.fail(f"{waited}\n{found()}")

    @cached_property
    def resources(self) -> Mapping[str, str]:
        """Physical ids of the stack's resources by type and logical id, as in `Type/LogicalId`."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            f"{resource['ResourceType']}/{resource['LogicalResourceId'].removeprefix(_INSIDE)}": (
                resource["PhysicalResourceId"]
            )
            for page in pages.paginate(StackName=self.stack)
            for resource in page["StackResourceSummaries"]
        }

    def resource(self, kind: str, logical_id: str) -> str:
        """Return the physical id of the one resource of a type whose logical id begins so."""
        prefix = f"{kind}/{logical_id}"
        (found,) = (one for name, one in self.resources.items() if name.startswith(prefix))
        return found

    def logical_ids(self, kind: str) -> list[str]:
        """Return the logical ids of the resources of a type."""
        return [name.rpartition("/")[2] for name in self.resources if name.startswith(f"{kind}/")]

    def function_name(self, name: str) -> str:
        """Return the name of Submit, ReceiveCallback, StoreResult or Sweep in the account."""
        return self.resource("AWS::Lambda::Function", name)

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
        """Start Sweep now instead of within the minute."""
        self.own_sweeps.append("Sweep")
        return self.invoke("Sweep", {})
