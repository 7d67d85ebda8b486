"""The client of the stand-in's control routes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from infra.local.evolink.api.control_routes import CONTROL_TOKEN_HEADER
from infra.local.evolink.faults.fault_rules import parse_rule_text
from infra.local.local_cloud_error import LocalCloudError

_PATIENCE_SECONDS = 90


class ControlClient:
    """Asks a stand-in on loopback."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def faults(self) -> Mapping[str, Any]:
        """Return the `rules` in force, with their use, and all `faults`."""
        found: Mapping[str, Any] = json.loads(self.ask("GET", "/_standin/faults"))
        return found

    def add_faults(self, rules: Sequence[str]) -> None:
        """Add rules ``where:fault[,name=value]...``, all or none; LocalCloudError if one is bad."""
        try:
            documents = [parse_rule_text(rule).to_json() for rule in rules]
        except (ValueError, LookupError) as error:
            raise LocalCloudError(
                f"{error.args[0]}.", advice="`cutout faults --list` lists the faults."
            ) from error
        self.ask("POST", "/_standin/faults", documents)

    def clear_faults(self) -> None:
        """Remove all rules."""
        self.ask("DELETE", "/_standin/faults")

    def ask(self, method: str, path: str, document: object = None) -> bytes:
        """Return the body of the answer to a request; LocalCloudError if it is refused or lost."""
        try:
            # Requests to loopback must not go through the environment's proxies.
            answer = httpx.request(
                method,
                self._url + path,
                json=document,
                headers={CONTROL_TOKEN_HEADER: self._token},
                timeout=_PATIENCE_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise LocalCloudError(f"The stand-in does not answer: {error}.") from error
        if answer.is_error:
            raise LocalCloudError(f"The stand-in refused: {answer.text}")
        return answer.content
