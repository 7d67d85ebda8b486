"""A view of a synthesized template: names without hashes, values without intrinsic functions."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.settings.settings import Settings

_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "here", "AWS::AccountId": "mine"}


class TemplateView:
    """A template with its resources by construct id, and with plain values.

    A reference to a resource reads `<Jobs>`, an attribute of one `<Jobs.Arn>`.
    """

    def __init__(self, template: Mapping[str, Any]) -> None:
        self.outputs = {
            name: self._plain(one["Value"]) for name, one in template["Outputs"].items()
        }
        self.resources: dict[str, dict[str, Any]] = {
            _short(name): self._plain(one) for name, one in template["Resources"].items()
        }
        if len(self.resources) != len(template["Resources"]):
            raise ValueError("two resources differ by their hashes only")

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of a type, by name."""
        return {
            name: one.get("Properties", {})
            for name, one in self.resources.items()
            if one["Type"] == kind
        }

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of the resource of that name."""
        found: dict[str, Any] = self.resources[name]["Properties"]
        return found

    def dashboard(self) -> str:
        """Return the body of the dashboard, as JSON."""
        body = self.properties("MonitoringDashboard")["DashboardBody"]
        return json.dumps(json.loads(body))

    def types(self) -> set[str]:
        """Return the types of all resources."""
        return {one["Type"] for one in self.resources.values()}

    def granted(self, role: str) -> set[tuple[str, str]]:
        """Return every action with its resource that the policies of a role allow."""
        return {
            (action, resource)
            for policy in self.of_type("AWS::IAM::Policy").values()
            if f"<{role}>" in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
            for action in many(statement["Action"])
            for resource in many(statement["Resource"])
        }

    def statements_about(self, kind: str, subject: str) -> list[dict[str, Any]]:
        """Return the statements of the resource policies attached to a queue, bucket or topic."""
        fields = ("Queues", "Bucket", "Topics")
        return [
            statement
            for policy in self.of_type(kind).values()
            if subject in [one for field in fields for one in many(policy.get(field, []))]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._plain(one) for one in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(key, inside)] = value.items()
            if key == "Ref":
                return _PSEUDO.get(inside) or f"<{_short(inside)}>"
            if key == "Fn::GetAtt":
                return f"<{_short(inside[0])}.{inside[1]}>"
            if key == "Fn::Join":
                return inside[0].join(self._plain(one) for one in inside[1])
        return {key: self._plain(one) for key, one in value.items()}


def many(value: Any) -> list[Any]:
    """Return a list, also for a single value, which CloudFormation accepts in its place."""
    return value if isinstance(value, list) else [value]


def refuses_plain_http(statements: Iterable[dict[str, Any]]) -> bool:
    """Return whether a statement denies every request without TLS."""
    return any(
        one["Effect"] == "Deny"
        and one["Principal"] == {"AWS": "*"}
        and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for one in statements
    )


def _short(logical_id: str) -> str:
    return re.sub(r"^Cutout(?=[A-Z])", "", re.sub(r"[0-9A-F]{8}$", "", logical_id))


Synthesize = Callable[[Settings], TemplateView]
"""Makes the template of a deployment with some settings."""
