"""Fixtures: each set of settings is synthesized once."""

import json
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.node import use_own_node

use_own_node()

from aws_cdk import App, Stack  # noqa: E402 # the line above chooses its Node
from aws_cdk.assertions import Template  # noqa: E402 # the same

from infra.assets import AssetBuilder  # noqa: E402 # the same
from infra.constructs.cutout import Cutout  # noqa: E402 # the same
from infra.deployed_functions import SHAPES, Asset, FunctionName  # noqa: E402 # the same
from infra.settings.settings import Settings  # noqa: E402 # the same
from infra.stack import CutoutStack  # noqa: E402 # the same
from tests.infra.embedding_stack import Make  # noqa: E402 # the same
from tests.infra.template_view import Synthesize, TemplateView  # noqa: E402 # the same

INFRA = Path(__file__).resolve().parents[2] / "infra"


@pytest.fixture(scope="session")
def feature_flags() -> dict[str, Any]:
    """Return the context that `cdk.json` sets."""
    flags: dict[str, Any] = json.loads((INFRA / "cdk.json").read_text())["context"]
    return flags


@pytest.fixture(scope="session")
def stand_in_assets(tmp_path_factory: pytest.TempPathFactory) -> dict[FunctionName, Asset]:
    """Return empty assets; other tests are about the real ones."""
    zipped = tmp_path_factory.mktemp("assets") / "asset.zip"
    zipped.write_bytes(b"PK\x05\x06" + bytes(18))
    return {name: Asset(path=zipped, digest=f"{number:064x}") for number, name in enumerate(SHAPES)}


@pytest.fixture(scope="session")
def synthesize(
    stand_in_assets: dict[FunctionName, Asset], feature_flags: dict[str, Any]
) -> Synthesize:
    """Return a function that makes the template for settings."""

    @cache
    def make(settings: Settings) -> TemplateView:
        app = App(context=feature_flags, analytics_reporting=False)
        stack: Stack = CutoutStack(app, settings=settings, assets=stand_in_assets)
        return TemplateView(Template.from_stack(stack).to_json())

    return make


@pytest.fixture(scope="session")
def template(synthesize: Synthesize) -> TemplateView:
    """Return the template with all defaults."""
    return synthesize(Settings())


@pytest.fixture(scope="session")
def ephemeral(synthesize: Synthesize) -> TemplateView:
    """Return the template of a deployment to a local cloud."""
    return synthesize(
        Settings(
            ephemeral=True,
            allow_loopback=True,
            evolink_base_url="http://127.0.0.1:8080",
            evolink_files_url="http://127.0.0.1:8080",
            callback_base_url="https://localhost:4566/_aws/execute-api/{api_id}/$default",
            asset_platform="local",
        )
    )


@pytest.fixture
def stack(feature_flags: dict[str, Any]) -> Stack:
    """Return an embedding stack."""
    return Stack(App(context=feature_flags, analytics_reporting=False), "Elsewhere")


@pytest.fixture
def make(stack: Stack, stand_in_assets: dict[FunctionName, Asset]) -> Make:
    """Return a function that embeds a Cutout in that stack."""

    def put(construct_id: str = "Cutout", **properties: Any) -> Cutout:
        return Cutout(stack, construct_id, assets=stand_in_assets, **properties)

    return put


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Mapping[FunctionName, Path]:
    """Return each function's real asset, built for this interpreter and unzipped."""
    builder = AssetBuilder("local")
    folders = {}
    for name in FunctionName:
        folders[name] = tmp_path_factory.mktemp(name)
        with zipfile.ZipFile(builder.build(SHAPES[name]).path) as archive:
            archive.extractall(folders[name])
    return folders
