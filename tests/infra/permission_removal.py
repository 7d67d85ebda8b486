"""Removes each permission of a template in turn, and finds a request that needs it.

The requests are those that the functions send (`tests.functions.everything`), with the permissions
that AWS's documentation names for them (`tests.functions.needs`). What AWS itself does with a role
has its reason here, with the page that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.functions.needs import Need
from tests.infra.template_view import TemplateView, many

_LAMBDA: Final = "https://docs.aws.amazon.com/lambda/latest/dg"
_LOGS: Final = f"Lambda writes the function's log: {_LAMBDA}/monitoring-cloudwatchlogs.html"
_QUEUE: Final = f"Lambda works the queue off for it: {_LAMBDA}/services-sqs-configure.html"
_NETWORK: Final = f"Lambda joins it to the network: {_LAMBDA}/configuration-vpc.html"
BY_AWS: Final = {
    "logs:CreateLogStream": _LOGS,
    "logs:PutLogEvents": _LOGS,
    "sqs:ReceiveMessage": _QUEUE,
    "sqs:DeleteMessage": _QUEUE,
    "sqs:GetQueueAttributes": _QUEUE,
    "ec2:AssignPrivateIpAddresses": _NETWORK,
    "ec2:CreateNetworkInterface": _NETWORK,
    "ec2:DeleteNetworkInterface": _NETWORK,
    "ec2:DescribeNetworkInterfaces": _NETWORK,
    "ec2:DescribeSubnets": _NETWORK,
    "ec2:UnassignPrivateIpAddresses": _NETWORK,
    "lambda:InvokeFunction": (
        "Scheduler starts Sweep with it: "
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"
    ),
}
"""What AWS does with a function's role, and the page that says so."""


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One action on one resource that one statement of one role allows.

    Attributes:
        via: The service that the key of the data may be used through; empty for all else.
    """

    role: str
    sid: str
    action: str
    resource: str
    via: str = ""

    def allows(self, need: Need) -> bool:
        """Return whether this alone is enough: `*` is any text, `?` any character."""
        pattern = re.escape(self.resource).replace(r"\*", ".*").replace(r"\?", ".")
        return (
            (self.role, self.action) == (need.role, need.action)
            and re.fullmatch(pattern, need.resource, re.DOTALL) is not None
            and self.via == need.via
        )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What fails without a permission; `reason` is None if nothing does."""

    permission: Permission
    reason: str | None


def permissions(reading: TemplateView) -> list[Permission]:
    """List everything that the roles of a template are allowed."""
    return [
        Permission(
            role=role.strip("<>"),
            sid=statement.get("Sid", ""),
            action=action,
            resource=resource,
            via=service,
        )
        for policy in reading.of_type("AWS::IAM::Policy").values()
        for role in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in many(statement["Action"])
        for resource in many(statement["Resource"])
        for service in _services(statement)
    ]


def refused(granted: Iterable[Permission], needs: Iterable[Need]) -> list[Need]:
    """Return the needs that no permission allows."""
    by_role = _by_action(granted)
    return [
        need
        for need in needs
        if not any(one.allows(need) for one in by_role.get((need.role, need.action), ()))
    ]


def verdicts(granted: Sequence[Permission], needs: Sequence[Need]) -> Iterator[Verdict]:
    """Yield what fails without each permission."""
    by_role = _by_action(granted)
    for one in granted:
        others = [it for it in by_role[one.role, one.action] if it is not one]
        asked = (need for need in needs if one.allows(need))
        missed = (need for need in asked if not any(it.allows(need) for it in others))
        found = next(missed, None)
        reason = found.because if found else BY_AWS.get(one.action)
        yield Verdict(permission=one, reason=reason)


def _by_action(granted: Iterable[Permission]) -> dict[tuple[str, str], list[Permission]]:
    found: dict[tuple[str, str], list[Permission]] = {}
    for one in granted:
        found.setdefault((one.role, one.action), []).append(one)
    return found


def _services(statement: dict[str, Any]) -> list[str]:
    condition = statement.get("Condition", {}).get("StringEquals", {})
    return [one.partition(".")[0] for one in many(condition.get("kms:ViaService", ""))]
