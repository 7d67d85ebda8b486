"""What CloudFormation says that a stack consists of, and the clients to look at it with."""

from __future__ import annotations

import re
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cutout.cli.aws.clients import Clients
from cutout.cli.aws.deployment import Description, Part
from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cutout.cli.options.target import Target
    from cutout.cli.progress.clock import Clock


class Parts:
    """One stack, looked at by several threads at once.

    Args:
        target: where it is.
        clock: the time here.
    """

    def __init__(self, target: Target, clock: Clock) -> None:
        self._target = target
        self._connection = Clients(target, is_impatient=True)
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    @property
    def where(self) -> str:
        """Where it is, in words."""
        return self._connection.where

    @property
    def name(self) -> str:
        """The stack's name."""
        return self._target.stack

    def description(self) -> Description | None:
        """Return what CloudFormation says; None if there is no such stack."""
        with self._lock:
            return self._described

    @cached_property
    def _described(self) -> Description | None:
        client = self._made("cloudformation")
        try:
            stack = client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        return Description(
            status=stack["StackStatus"],
            outputs={one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())},
            parts=tuple(_parts_of(client, self.name)),
        )

    def _parts(self, kind: str) -> list[Part]:
        described = self.description()
        if described is None:
            raise Problem(f"There is no stack {self.name} on {self.where}.")
        return described.of(kind)

    def _client(self, service: str) -> Any:  # noqa: ANN401 - the name decides on the type
        """Return the client of a service; the session that makes them is one thread's at a time."""
        with self._lock:
            return self._made(service)

    def _made(self, service: str) -> Any:  # noqa: ANN401 - as above
        if service not in self._clients:
            self._clients[service] = self._connection.client(service)
        return self._clients[service]


def title_of(logical_id: str) -> str:
    """Return what people call a part: its name in the template, without what all have in common."""
    return re.sub(r"^Cutout(?=[A-Z])|(Queue)?[0-9A-F]{8}$", "", logical_id)


def name_in(arn: str) -> str:
    """Return a function's name of its ARN."""
    return arn.rsplit(":function:", maxsplit=1)[-1].partition(":")[0]


def _parts_of(client: Any, stack: str) -> Iterator[Part]:  # noqa: ANN401 - an SDK's client
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for one in page["StackResourceSummaries"]:
            yield Part(
                kind=one["ResourceType"],
                logical_id=one["LogicalResourceId"],
                physical_id=one.get("PhysicalResourceId", ""),
            )
