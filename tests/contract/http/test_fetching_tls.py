"""Encrypted downloads: from the checked address, under the host's own name."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
import trustme

from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.domain.errors import NotSentError
from tests.support.scripted_server import answer, serving

PICTURE = answer(200, b"picture", Content_Type="image/png")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A throw-away certificate authority."""
    return trustme.CA()


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return the TLS of a server with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def downloads(authority: trustme.CA) -> SafeDownloads:
    """Downloads that trust the authority, and find every host on loopback."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return SafeDownloads(
        FetchLimits(allow_loopback=True),
        resolver=lambda _host, _port: ["127.0.0.1"],
        verify=context,
    )


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("media.example", "media.example"),
        ("MEDIA.example", "media.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_server_gets_its_own_name_in_tls_and_host_header(
    authority: trustme.CA, tmp_path: Path, host: str, name: str
) -> None:
    """Though the connection goes to its address."""
    with serving(PICTURE, tls=server_context(authority, name)) as server:
        url = server.url(scheme="https", host=host)
        assert downloads(authority).fetch(url, tmp_path / "result") == len(b"picture")
    assert server.names == [name]
    assert server.headers()["host"] == f"{name}:{server.port}"


def test_certificate_must_be_the_hosts(authority: trustme.CA, tmp_path: Path) -> None:
    """One for the address, or for another host, is refused."""
    with serving(PICTURE, tls=server_context(authority, "127.0.0.1", "other.example")) as server:
        with pytest.raises(NotSentError, match=r"^ConnectError$"):
            downloads(authority).fetch(
                server.url(scheme="https", host="media.example"), tmp_path / "result"
            )
        assert server.requests == []


def test_certificate_must_be_trusted(authority: trustme.CA, tmp_path: Path) -> None:
    """One of an unknown authority is refused."""
    stranger = server_context(trustme.CA(), "media.example")
    with (
        serving(PICTURE, tls=stranger) as server,
        pytest.raises(NotSentError, match=r"^ConnectError$"),
    ):
        downloads(authority).fetch(
            server.url(scheme="https", host="media.example"), tmp_path / "result"
        )
    assert server.requests == []


def test_target_of_a_redirect_gets_its_own_name(authority: trustme.CA, tmp_path: Path) -> None:
    """Each server gets the name from its link."""
    context = server_context(authority, "media.example", "cdn.example")

    def redirect(connection: socket.socket) -> None:
        target = server.url(scheme="https", host="cdn.example")
        answer(302, b"", Location=target)(connection)

    with serving(redirect, PICTURE, tls=context) as server:
        url = server.url(scheme="https", host="media.example")
        downloads(authority).fetch(url, tmp_path / "result")
    assert server.names == ["media.example", "cdn.example"]
    assert server.headers(1)["host"] == f"cdn.example:{server.port}"
