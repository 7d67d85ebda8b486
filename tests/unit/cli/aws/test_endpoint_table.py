"""Commands reach the same endpoints, signed for the same regions, as with botocore's own table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.loaders import Loader
from botocore.regions import EndpointResolver
from botocore.session import Session

import cutout.cli
from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.endpoint_table import ModelsAndTable
from cutout.cli.aws.target import Target

_DATA = Path(Loader.BUILTIN_DATA_PATH)
_TEXT = (_DATA / "endpoints.json").read_bytes()
_PARTITIONS = json.loads((_DATA / "partitions.json").read_bytes())["partitions"]
_CONFIG = Config(signature_version="s3v4")
_USED = {
    name
    for module in Path(cutout.cli.__file__).parent.rglob("*.py")
    for name in re.findall(r'\.client\("([a-z0-9-]+)"\)', module.read_text())
}


def _regions() -> set[str]:
    """All that botocore's two files name, also for single services."""
    found = {region for one in _PARTITIONS for region in one["regions"]}
    for one in json.loads(_TEXT)["partitions"]:
        found.update(one["regions"])
        found.update(*(service["endpoints"] for service in one["services"].values()))
    return found


_NAMED = [one for one in _regions() if any(re.match(it["regionRegex"], one) for it in _PARTITIONS)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's configuration, which is empty."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    return tmp_path


def _models(region: str | None = "eu-central-1") -> ModelsAndTable:
    session = Session()
    if region:
        session.set_config_variable("region", region)
    return ModelsAndTable(session)


def _partitions(models: ModelsAndTable, service: str) -> Any:
    with models.making(service):
        return models.load_file(str(_DATA / "endpoints"))["partitions"]


def _endpoint(partitions: Any, service: str, region: str) -> Mapping[str, object]:
    resolver = EndpointResolver({"partitions": partitions})
    found: Any = resolver.construct_endpoint(service, region)
    same = ("hostname", "partition", "endpointName", "dnsSuffix", "signatureVersions")
    return {name: found[name] for name in same} | {
        "signing region": found.get("credentialScope", {}).get("region", region),
        "signing name": found.get("credentialScope", {}).get("service"),
        "has https": "https" in found["protocols"],
    }


@pytest.mark.parametrize("service", ["cloudformation", "dynamodb"])
def test_the_list_of_partitions_says_the_same_of_every_region(service: str) -> None:
    """In all partitions; also of regions that only one of botocore's two files names."""
    assert len(_NAMED) > 40
    short, whole = _partitions(_models(), service), json.loads(_TEXT)["partitions"]
    assert len(short) == len(whole)
    assert not any(one["services"] for one in short)
    for region in _NAMED:
        assert _endpoint(short, service, region) == _endpoint(whole, service, region)


@pytest.mark.parametrize("service", sorted(_USED - {"cloudformation", "dynamodb"}))
def test_other_services_get_the_table_itself(service: str) -> None:
    """And afterwards, whoever asks: botocore makes clients of its own for credentials."""
    assert len(_USED) > 8
    models, whole = _models(), json.loads(_TEXT)["partitions"]
    assert _partitions(models, service) == whole
    assert _partitions(models, "dynamodb") != whole
    assert models.load_file(str(_DATA / "endpoints"))["partitions"] == whole


@pytest.mark.parametrize(
    ("region", "variables"),
    [
        (None, {}),
        ("aws-global", {}),
        ("us-east-1-fips", {}),
        ("local", {}),
        ("eu-central-1", {"AWS_USE_FIPS_ENDPOINT": "true"}),
        ("eu-central-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}),
    ],
)
def test_special_endpoints_need_the_table_itself(
    monkeypatch: pytest.MonkeyPatch, region: str | None, variables: Mapping[str, str]
) -> None:
    """No region, one that is not a place, and endpoints of another kind."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _partitions(_models(region), "dynamodb") == json.loads(_TEXT)["partitions"]


@pytest.mark.parametrize("region", ["cn-north-1", "us-east-1", "us-gov-west-1", "eusc-de-east-1"])
@pytest.mark.parametrize("service", sorted(_USED))
def test_a_client_is_that_of_botocore(service: str, region: str) -> None:
    """Its address, and the region and the name for which it signs, in several partitions."""
    clients, session = TargetClients(Target(stack="Cutout", region=region)), Session()
    clients.client("cloudformation").meta  # noqa: B018 - makes it, as for every command
    own = clients.client(service)
    plain = session.create_client(service, region_name=region, config=_CONFIG)
    assert _facts(own) == _facts(plain)


def _facts(client: Any) -> Mapping[str, object]:
    meta, signer = client.meta, client._request_signer  # noqa: SLF001 - botocore shows it nowhere
    signed = ("region_name", "signing_name", "signature_version")
    return {name: getattr(signer, name) for name in signed} | {
        "address": meta.endpoint_url,
        "region": meta.region_name,
        "partition": meta.partition,
    }


def test_a_table_of_a_persons_own_counts(home: Path) -> None:
    """As botocore documents it for `~/.aws/models`."""
    (home / "endpoints.json").write_text('{"partitions": []}')
    loader = Loader(extra_search_paths=[str(home)], file_loader=_models())
    assert loader.load_data("endpoints") == {"partitions": []}
