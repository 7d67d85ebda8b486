"""The servers that a local cloud can use as its provider."""

from __future__ import annotations

import pytest

from infra.local import provider_server
from infra.local.local_cloud_error import LocalCloudError


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
