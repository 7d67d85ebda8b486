"""Places, ports, syntheses, provider servers and settings."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from infra.local import provider_server
from infra.local.deployment.synth_cache import (
    fingerprint,
    is_synthesized,
    mark_synthesized,
    synthesized_folder,
)
from infra.local.endpoint import Endpoint
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place, find_place, find_root, place_in, shipped_photos
from infra.local.processes.loopback import choose_ports
from infra.local.start import CloudRequest, local_settings


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The outline of the project."""
    for name in (
        "infra/app.py",
        "infra/cdk.json",
        "infra/cdk/node_modules/x/y.json",
        "functions/submit/handler.py",
        "functions/cutout/cli/entry.py",
        "infra/local/start.py",
        "requirements/runtime.txt",
        "README.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_project_is_found_from_any_of_its_folders(checkout: Path) -> None:
    """The state is in the project's root, wherever the command runs."""
    assert find_root(checkout / "functions" / "submit") == checkout
    assert find_place(checkout / "infra").state == checkout / ".cutout"


def test_no_project_is_found_outside_of_one(tmp_path: Path) -> None:
    """The error says where to go."""
    with pytest.raises(LocalCloudError) as caught:
        find_place(tmp_path)
    assert "Change into the project's folder" in caught.value.advice


def test_three_photos_ship_with_the_project() -> None:
    """The demo finds them."""
    assert [path.name for path in shipped_photos()] == [
        "astronaut.png",
        "chelsea.webp",
        "coffee.jpg",
    ]


def test_ports_are_free_and_the_same_as_the_last_time(tmp_path: Path) -> None:
    """The same ports make a new synthesis unnecessary."""
    memory = tmp_path / "cache" / "ports.json"
    first = choose_ports(("a", "b"), memory)
    assert first["a"] != first["b"]
    assert choose_ports(("a", "b"), memory) == first


def test_a_port_in_use_is_replaced(tmp_path: Path) -> None:
    """The other stays."""
    memory = tmp_path / "ports.json"
    first = choose_ports(("a", "b"), memory)
    with socket.create_server(("127.0.0.1", first["a"])):
        second = choose_ports(("a", "b"), memory)
    assert second["a"] != first["a"]
    assert second["b"] == first["b"]


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"a": "x"}', '{"a": 99999999}'])
def test_an_unusable_ports_file_is_replaced(tmp_path: Path, content: str) -> None:
    """Free ports are chosen as on the first start."""
    memory = tmp_path / "ports.json"
    memory.write_text(content)
    port = choose_ports(("a",), memory)["a"]
    assert 1024 <= port <= 65535
    assert json.loads(memory.read_text()) == {"a": port}


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("functions/submit/handler.py", True),
        ("functions/sweep/new.py", True),
        ("infra/app.py", True),
        ("infra/cdk.json", True),
        ("requirements/runtime.txt", True),
        ("functions/cutout/cli/entry.py", False),
        ("infra/local/start.py", False),
        ("infra/cdk/node_modules/x/y.json", False),
        ("README.md", False),
    ],
)
def test_fingerprint_of_a_synthesis_changes_with_the_files_that_it_reads(
    checkout: Path, name: str, *, matters: bool
) -> None:
    """Other files do not change it."""
    before = fingerprint(checkout, {})
    path = checkout / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("changed")
    assert (fingerprint(checkout, {}) != before) == matters


def test_fingerprint_of_a_synthesis_changes_with_its_settings(checkout: Path) -> None:
    """Their order does not matter."""
    one = fingerprint(checkout, {"a": "1", "b": "2"})
    assert fingerprint(checkout, {"b": "2", "a": "1"}) == one
    assert fingerprint(checkout, {"a": "1", "b": "3"}) != one


def test_fingerprint_of_a_synthesis_ignores_the_times_of_files(checkout: Path) -> None:
    """The content counts."""
    before = fingerprint(checkout, {})
    os.utime(checkout / "infra/app.py", (1, 1))
    assert fingerprint(checkout, {}) == before


def test_last_few_syntheses_are_kept(checkout: Path) -> None:
    """The last used ones; an interrupted one does not count as complete."""
    place = place_in(checkout)
    for age, name in enumerate(("newest", "new", "old", "oldest")):
        folder = synthesized_folder(place, name)
        folder.mkdir(parents=True)
        (folder / ".complete").touch()
        os.utime(folder / ".complete", ns=(0, 10**9 * (10 - age)))
    broken = synthesized_folder(place, "broken")
    broken.mkdir()

    mark_synthesized(synthesized_folder(place, "old"))

    left = sorted(path.name for path in (place.cache / "synth").iterdir())
    assert left == ["broken", "new", "newest", "old"]
    assert is_synthesized(synthesized_folder(place, "old"))
    assert not is_synthesized(broken)


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


def test_each_stand_in_has_its_own_key() -> None:
    """The key is not in the repr."""
    first, second = provider_server.stand_in(1), provider_server.stand_in(1)
    assert first.key != second.key
    assert first.key not in repr(first)


def test_real_api_is_polled_and_gets_photos_through_its_files_api() -> None:
    """No callback reaches a laptop; only this server needs the public certificate authorities."""
    live = provider_server.evolink("sk-1")
    assert live.stack_settings()["input_transport"] == "files"
    assert int(live.stack_settings()["first_poll_seconds"]) < 60
    assert live.reaches_outside
    assert not provider_server.stand_in(1).reaches_outside


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9", "http://127.0.0.1:9/", "http://[::1]:9", "https://api.example.com/v2/"],
)
def test_other_server_can_replace_the_api(url: str) -> None:
    """Plain http only on this machine; a trailing slash is removed."""
    assert provider_server.other_server(url, key="k").url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://localhost.example.com", "ftp://localhost", "localhost"]
)
def test_key_is_not_sent_unencrypted_to_another_machine(url: str) -> None:
    """Invalid URLs are refused, too."""
    with pytest.raises(LocalCloudError):
        provider_server.other_server(url, key="k")
