"""Fetching results from untrusted addresses: which are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cutout.adapters.http_httpx.client import USER_AGENT
from cutout.adapters.http_httpx.deadline_network import resolve
from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.domain.errors import CutoutError, FetchRefusedError, NotSentError, ResponseLostError
from tests.support.scripted_server import Script, answer, serving

LOOPBACK = FetchLimits(allow_loopback=True, max_bytes=1000)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
PICTURE = answer(200, PNG, Content_Type="image/png")
PRIVATE = [
    "0.0.0.0",  # noqa: S104 - not bound to, refused
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::10.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
]
LOOPBACKS = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]


def refused(downloads: SafeDownloads, url: str, file: Path) -> CutoutError:
    """Return the error of a fetch."""
    with pytest.raises(CutoutError) as caught:
        downloads.fetch(url, file)
    return caught.value


def resolving(*addresses: str) -> Callable[[str, int], list[str]]:
    """Return a resolver that finds these addresses, whatever the host."""
    return lambda _host, _port: list(addresses)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the download."""
    return tmp_path / "result"


@pytest.mark.parametrize("address", [*PRIVATE, *LOOPBACKS])
def test_addresses_that_are_not_public_are_refused(address: str, file: Path) -> None:
    """Private, link-local, loopback, multicast, mapped, metadata: no connection is made."""
    error = refused(SafeDownloads(resolver=resolving(address)), "https://media.example/x.png", file)
    assert (type(error), str(error)) == (
        FetchRefusedError,
        "the link leads to an address that is not public",
    )
    assert not file.exists()


@pytest.mark.parametrize("address", PRIVATE)
def test_allowing_loopback_allows_nothing_else(address: str, file: Path) -> None:
    """Not even on the local cloud."""
    downloads = SafeDownloads(LOOPBACK, resolver=resolving(address))
    assert type(refused(downloads, "https://media.example/x.png", file)) is FetchRefusedError


@pytest.mark.parametrize(
    "addresses",
    [
        ["93.184.215.14", "10.0.0.1"],
        ["10.0.0.1", "93.184.215.14"],
        ["93.184.215.14", "127.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        [],
    ],
)
def test_host_with_one_address_that_is_not_public_is_refused(
    addresses: list[str], file: Path
) -> None:
    """A media host has only public addresses, and at least one."""
    for limits in (None, LOOPBACK):
        downloads = SafeDownloads(limits, resolver=resolving(*addresses))
        error = refused(downloads, "https://media.example/x.png", file)
        assert type(error) is FetchRefusedError


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:7f00:1]", "0"],
)
def test_disguised_loopback_addresses_are_refused(host: str, file: Path) -> None:
    """The system's resolver decodes each spelling."""
    error = refused(SafeDownloads(resolver=resolve), f"https://{host}/x.png", file)
    assert type(error) is FetchRefusedError


@pytest.mark.parametrize("url", ["http://media.example/x.png", "ftp://media.example/x.png"])
def test_only_https_links_are_fetched(url: str, file: Path) -> None:
    """Unencrypted links are refused."""
    downloads = SafeDownloads(resolver=resolving("93.184.215.14"))
    error = refused(downloads, url, file)
    assert (type(error), str(error)) == (FetchRefusedError, "the link is not https")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.png",
        "/x.png",
        "https://",
        "https:///x.png",
        "https://a:b/x",
        "https://[::1/x",
        "https://xn--/x",
        "https://media.exam\ud800ple/x",
        "https://media.example/\udcff.png",
        "https://media.example/\x00",
        "https://" + "a" * 70_000,
    ],
)
def test_malformed_links_are_refused(url: str, file: Path) -> None:
    """No resolver is asked."""
    downloads = SafeDownloads(resolver=lambda _host, _port: pytest.fail("asked"))
    assert type(refused(downloads, url, file)) is FetchRefusedError


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1"])
@pytest.mark.parametrize("limits", [FetchLimits(), LOOPBACK])
def test_public_address_is_connected_to_under_the_hosts_name(
    limits: FetchLimits, address: str, file: Path
) -> None:
    """To the first of the checked addresses; TLS and the Host header name the host."""
    requests: list[httpx.Request] = []
    asked: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [address, "93.184.215.15"]

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(PNG))

    downloads = SafeDownloads(limits, resolver=resolver, transport=httpx.MockTransport(respond))
    assert downloads.fetch("https://media.example/x.png?a=b", file) == len(PNG)
    (request,) = requests
    assert asked == [("media.example", 443)]
    assert (request.url.host, request.url.raw_path) == (address, b"/x.png?a=b")
    assert request.headers["host"] == "media.example"
    assert request.extensions["sni_hostname"] == "media.example"


def test_plain_http_is_fetched_only_from_an_allowed_loopback(file: Path) -> None:
    """Only the local cloud allows it; a stack on AWS cannot."""
    with serving(PICTURE) as server:
        assert type(refused(SafeDownloads(), server.url(), file)) is FetchRefusedError
        assert server.requests == []
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)
    assert file.read_bytes() == PNG


def test_connection_goes_to_the_checked_address(file: Path) -> None:
    """A name that changes between check and connection (DNS rebinding) has no effect."""
    asked: list[tuple[str, int]] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with serving(PICTURE) as server:
        downloads = SafeDownloads(LOOPBACK, resolver=rebinding)
        downloads.fetch(server.url(host="media.example"), file)
    assert asked == [("media.example", server.port)]
    assert server.headers()["host"] == f"media.example:{server.port}"


@pytest.mark.parametrize(
    "error", [OSError("no such host"), UnicodeError("label empty or too long")]
)
def test_link_whose_host_is_not_found_was_not_sent(error: Exception, file: Path) -> None:
    """The name may be found later; names that cannot be looked up end the same way."""

    def fail(_host: str, _port: int) -> list[str]:
        raise error

    got = refused(SafeDownloads(resolver=fail), "https://media.example/x.png", file)
    assert (type(got), str(got)) == (NotSentError, "the link's host is not found")


def test_name_that_no_resolver_takes_is_not_found(file: Path) -> None:
    """A label of 64 characters cannot be looked up."""
    error = refused(SafeDownloads(), f"https://{'a' * 64}.example/x.png", file)
    assert type(error) is NotSentError


def test_no_credentials_go_to_media_hosts(file: Path) -> None:
    """No key, no cookie, and no password from a link; the user agent is ours."""
    with serving(answer(200, PNG, Content_Type="image/png", Set_Cookie="a=b")) as server:
        downloads = SafeDownloads(LOOPBACK)
        url = server.url().replace("//", "//user:password@")
        for _ in range(2):
            downloads.fetch(url, file)
    for number in range(2):
        headers = server.headers(number)
        assert {"authorization", "cookie"} & set(headers) == set()
        assert headers["user-agent"] == USER_AGENT
        assert headers["accept-encoding"] == "identity"
        assert headers["host"] == f"127.0.0.1:{server.port}"


def to(location: str, status: int = 302) -> Script:
    """Return a redirect."""
    return answer(status, b"", Location=location)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status: int, file: Path) -> None:
    """The picture is fetched from the other path."""
    with serving(to("/y?z=1", status), PICTURE) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url("/x"), file) == len(PNG)
    assert [request.split()[1] for request in server.requests] == [b"/x", b"/y?z=1"]


def test_every_redirect_is_checked(file: Path) -> None:
    """A public link that leads to a private address is refused there."""
    known = {"127.0.0.1": "127.0.0.1", "inside.example": "169.254.169.254"}
    with serving(to("https://inside.example/latest/meta-data/")) as server:
        downloads = SafeDownloads(LOOPBACK, resolver=lambda host, _port: [known[host]])
        error = refused(downloads, server.url(), file)
    assert (type(error), str(error)) == (
        FetchRefusedError,
        "the link leads to an address that is not public",
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize("location", ["http://outside.example/x", "//outside.example/x"])
def test_redirect_to_plain_http_is_refused(location: str, file: Path) -> None:
    """A link that loses its encryption on the way is not followed."""
    known = {"127.0.0.1": "127.0.0.1", "outside.example": "93.184.215.14"}
    with serving(to(location)) as server:
        downloads = SafeDownloads(LOOPBACK, resolver=lambda host, _port: [known[host]])
        error = refused(downloads, server.url(), file)
    assert (type(error), str(error)) == (FetchRefusedError, "the link is not https")


@pytest.mark.parametrize("location", ["/x", "", "?again"])
def test_redirects_in_a_circle_are_given_up(location: str, file: Path) -> None:
    """Five redirects are followed, a sixth is not."""
    with serving(to(location)) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url("/x"), file)
    assert (type(error), str(error)) == (FetchRefusedError, "the link redirects too often")
    assert len(server.requests) == 6


def test_five_redirects_are_followed(file: Path) -> None:
    """The sixth request may bring the picture."""
    with serving(*[to("/x")] * 5, PICTURE) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("https://", FetchRefusedError),
        ("https://[::1", ResponseLostError),
        ("https://a:b/", ResponseLostError),
    ],
)
def test_redirect_to_an_invalid_link_is_not_followed(
    location: str, error: type[CutoutError], file: Path
) -> None:
    """No request is sent, and the task is read again later."""
    with serving(to(location)) as server:
        assert type(refused(SafeDownloads(LOOPBACK), server.url(), file)) is error
    assert len(server.requests) == 1
