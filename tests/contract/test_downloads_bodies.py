"""What a link serves: too large, too slow, not a picture, not whole, not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from cutout.adapters.http_httpx import FetchLimits, SafeDownloads
from cutout.errors import (
    CutoutError,
    FetchRefusedError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
)
from tests.contract.loopback import Script, answer, hang, raw, serving

LOOPBACK = FetchLimits(allow_loopback=True, max_bytes=1000)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
PICTURE = answer(200, PNG, Content_Type="image/png")


def refused(downloads: SafeDownloads, url: str, file: Path) -> CutoutError:
    """What a fetch that brings nothing ends with."""
    with pytest.raises(CutoutError) as caught:
        downloads.fetch(url, file)
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the download goes."""
    return tmp_path / "result"


@pytest.mark.parametrize(
    "script",
    [
        answer(200, bytes(1001), Content_Type="image/png"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + bytes(1001)),
        raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3e9\r\n" + bytes(1001) + b"\r\n0\r\n\r\n"
        ),
    ],
)
def test_a_body_that_is_too_large_is_refused(script: Script, file: Path) -> None:
    """Whether or not its size was announced."""
    with serving(script) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert (type(error), str(error)) == (
        FetchRefusedError,
        "the body is larger than 1,000 bytes",
    )


def test_a_body_of_the_limit_is_taken(file: Path) -> None:
    """The limit itself is allowed."""
    with serving(answer(200, bytes(1000), Content_Type="image/png")) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == 1000
    assert file.read_bytes() == bytes(1000)


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so much at each look."""
    steps: Iterator[int] = count()
    return lambda: next(steps) * seconds


@pytest.mark.parametrize("script", [PICTURE, answer(302, Location="/x")])
def test_a_link_that_is_too_slow_is_given_up(script: Script, file: Path) -> None:
    """A minute for everything, redirects included; a trickle does not keep a worker for ever."""
    with serving(script) as server:
        downloads = SafeDownloads(LOOPBACK, monotonic=ticking(61))
        error = refused(downloads, server.url(), file)
    assert (type(error), str(error)) == (FetchRefusedError, "the link is too slow")
    assert len(server.requests) <= 1


@pytest.mark.parametrize(
    "kind", ["text/html; charset=utf-8", "TEXT/HTML", "application/json", "text/plain"]
)
def test_a_page_instead_of_a_picture_is_refused(kind: str, file: Path) -> None:
    """An error page with status 200 is never stored as a cut-out."""
    with serving(answer(200, b"<html>", Content_Type=kind)) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert type(error) is FetchRefusedError
    assert str(error) == f"the link serves {kind.partition(';')[0].lower()}, not a picture"
    assert not file.exists()


@pytest.mark.parametrize(
    "kind",
    ["image/png", "IMAGE/PNG", "image/webp", "application/octet-stream", "binary/octet-stream"],
)
def test_whatever_may_be_a_picture_is_taken(kind: str, file: Path) -> None:
    """Stores often call everything an octet stream; the bytes are looked at later."""
    with serving(answer(200, PNG, Content_Type=kind)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


def test_a_picture_without_a_type_is_taken(file: Path) -> None:
    """The bytes are looked at later."""
    with serving(answer(200, PNG)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


@pytest.mark.parametrize(
    "script",
    [
        answer(200, PNG, length=len(PNG) + 1, Content_Type="image/png"),
        raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"ff\r\n" + PNG
        ),
        raw(b""),
    ],
)
def test_a_body_that_breaks_off_is_lost(script: Script, file: Path) -> None:
    """It is read again later, never taken for the whole."""
    with serving(script) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert (type(error), str(error)) == (ResponseLostError, "RemoteProtocolError")


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429, 500, 503])
def test_an_error_status_is_told(status: int, file: Path) -> None:
    """The link may have expired: the task is read again for a current one."""
    with serving(answer(status, b"<html>", Content_Type="text/html")) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert isinstance(error, ProviderBusyError)
    assert (error.status, str(error)) == (status, f"the link answers {status}")
    assert not file.exists()


def test_nobody_listens(file: Path) -> None:
    """Refused connections are tried again later."""
    with serving(hang) as server:
        url = server.url()
    assert type(refused(SafeDownloads(LOOPBACK), url, file)) is NotSentError


def test_no_error_tells_the_link(file: Path) -> None:
    """A message is kept on the row and logged; the link grants access."""
    with serving(answer(404)) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url("/secret"), file)
    assert "secret" not in str(error)
    assert "127.0.0.1" not in str(error)
