"""The settings that the stack of a local cloud gets."""

from __future__ import annotations

from pathlib import Path

from infra.local import provider_server
from infra.local.place import Place, place_in
from infra.local.sdk_access import Endpoint
from infra.local.start import CloudRequest, local_settings


def _endpoint(place: Place) -> Endpoint:
    return Endpoint(port=4711, authority=place.tls / "ca.pem")


def test_stack_gets_the_settings_of_a_local_cloud(checkout: Path) -> None:
    """The stand-in's address, and how callbacks come back."""
    settings = local_settings(
        _endpoint(place_in(checkout)), provider_server.stand_in(4712), CloudRequest()
    )
    assert settings == {
        "stack": "Cutout",
        "ephemeral": "true",
        "allow_loopback": "true",
        "asset_platform": "local",
        "callback_base_url": "https://localhost:4711/_aws/execute-api/{api_id}/$default",
        "evolink_base_url": "http://127.0.0.1:4712",
        "evolink_files_url": "http://127.0.0.1:4712",
    }


def test_persons_settings_override_those_of_the_local_cloud(checkout: Path) -> None:
    """A person's settings override the local cloud's."""
    request = CloudRequest(stack="Mine", settings={"ephemeral": "false", "model": "other"})
    settings = local_settings(
        _endpoint(place_in(checkout)), provider_server.stand_in(4712), request
    )
    assert (settings["stack"], settings["ephemeral"], settings["model"]) == (
        "Mine",
        "false",
        "other",
    )
