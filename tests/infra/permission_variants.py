"""Two deployments whose permissions are tested: the default, and everything switched on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.node import use_own_node

use_own_node()

from aws_cdk import App, Stack  # noqa: E402 # the line above chooses its Node
from aws_cdk import aws_kms as kms  # noqa: E402 # the same
from aws_cdk.assertions import Template  # noqa: E402 # the same

from infra.constructs.cutout import Cutout  # noqa: E402 # the same
from infra.deployed_functions import Asset, FunctionName  # noqa: E402 # the same
from infra.settings.settings import Settings  # noqa: E402 # the same
from tests.functions.everything import see_everything  # noqa: E402 # the same
from tests.functions.needs import Need, needs_of  # noqa: E402 # the same
from tests.infra.static_checks import network_in  # noqa: E402 # the same
from tests.infra.template_view import TemplateView  # noqa: E402 # the same


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One deployment.

    Attributes:
        settings: Its settings.
        prefix: What the keys of its photos begin with.
        environment: Variables of its functions that differ from the default.
        is_guarded: Whether it has a key and a network of its own.
    """

    settings: Settings
    prefix: str = ""
    environment: Mapping[str, str]
    is_guarded: bool = False

    def synthesize(
        self, assets: Mapping[FunctionName, Asset], flags: dict[str, Any]
    ) -> TemplateView:
        """Make its template."""
        stack = Stack(App(context=flags, analytics_reporting=False), "Elsewhere")
        guards: dict[str, Any] = {}
        if self.is_guarded:
            guards = {"kms_key": kms.Key(stack, "Key"), "network": network_in(stack)}
        Cutout(stack, "Cutout", name="Cutout", settings=self.settings, assets=assets, **guards)
        return TemplateView({"Outputs": {}, **Template.from_stack(stack).to_json()})

    def needs(self) -> list[Need]:
        """Run everything, and return the needs of all requests."""
        return list(self._needs())

    def _needs(self) -> Iterator[Need]:
        for at_work in see_everything(self.prefix, **self.environment):
            for need in needs_of(at_work):
                if self.is_guarded or not need.via:
                    yield need


VARIANTS = {
    "as it comes": Variant(settings=Settings(), environment={}),
    "everything on": Variant(
        settings=Settings(
            upload_prefix="photos/",
            result_prefix="cut-outs/",
            tag_source=True,
            delete_with_source=True,
        ),
        prefix="photos/",
        environment={
            "CUTOUT_UPLOAD_PREFIX": "photos/",
            "CUTOUT_RESULT_PREFIX": "cut-outs/",
            "CUTOUT_TAG_SOURCE": "true",
            "CUTOUT_DELETE_WITH_SOURCE": "true",
        },
        is_guarded=True,
    ),
}
