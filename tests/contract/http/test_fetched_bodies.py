"""What a link serves: too large, too slow, not a picture, not whole, not there."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from cutout.adapters.http_httpx import FetchLimits, SafeDownloads
from cutout.domain.errors import (
    CutoutError,
    FetchRefusedError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
)
from tests.support.scripted_server import Script, answer, drip, nobody, raw, serving

LOOPBACK = FetchLimits(allow_loopback=True, max_bytes=1000)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
PICTURE = answer(200, PNG, Content_Type="image/png")


def packed(data: bytes, wbits: int = 31) -> bytes:
    """The data compressed; 31 is gzip, 15 zlib."""
    packing = zlib.compressobj(wbits=wbits)
    return packing.compress(data) + packing.flush()


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
    "kind",
    ["image/png", "IMAGE/PNG", "binary/octet-stream", "text/plain", "text/html; charset=utf-8", ""],
)
def test_a_body_is_taken_whatever_its_type_says(kind: str, file: Path) -> None:
    """Stores call a picture all kinds of things; its own first bytes are looked at later."""
    with serving(answer(200, PNG, Content_Type=kind)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


def test_a_picture_without_a_type_is_taken(file: Path) -> None:
    """The bytes are looked at later."""
    with serving(answer(200, PNG)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("X-GZIP", 31), ("deflate", 15)])
def test_a_picture_that_the_server_compressed_unasked_is_unpacked(
    coding: str, wbits: int, file: Path
) -> None:
    """`identity` was asked for; some caches compress all the same."""
    with serving(answer(200, packed(PNG, wbits), Content_Encoding=coding)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)
    assert file.read_bytes() == PNG


def test_a_body_is_measured_as_it_is_when_unpacked(file: Path) -> None:
    """One kilobyte may hold a megabyte."""
    with serving(answer(200, packed(bytes(1001)), Content_Encoding="gzip")) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert (type(error), str(error)) == (FetchRefusedError, "the body is larger than 1,000 bytes")


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (packed(packed(PNG)), "gzip, gzip"),
        (PNG, "br"),
        (PNG, "gzip"),
        (packed(PNG)[:-9], "gzip"),
    ],
    ids=["twice", "unknown", "not at all", "not whole"],
)
def test_a_body_that_cannot_be_unpacked_is_lost(body: bytes, coding: str, file: Path) -> None:
    """It is read again later."""
    with serving(answer(200, body, Content_Encoding=coding)) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert (type(error), str(error)) == (ResponseLostError, "DecodingError")


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


@pytest.mark.parametrize(
    "status", [201, 202, 203, 204, 206, 304, 400, 403, 404, 410, 429, 500, 503]
)
def test_an_error_status_is_told(status: int, file: Path) -> None:
    """Only 200 brings a result. The link may have expired: the task is read again for another."""
    with serving(answer(status, PNG if status < 300 else b"<html>")) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert isinstance(error, ProviderBusyError)
    assert (error.status, str(error)) == (status, f"the link answers {status}")
    assert not file.exists()


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("script", "scheme"),
    [
        (drip(b"HTTP/1.1 200 OK\r\nX: "), "http"),
        (drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), "http"),
        (drip(HEAD + b"Content-Length: 1000\r\n\r\n"), "http"),
        (drip(b"\x16\x03\x03\x40\x00"), "https"),
    ],
    ids=["headers", "interim answers", "body", "hand-shake"],
)
def test_a_link_that_drips_is_given_up_in_time(script: Script, scheme: str, file: Path) -> None:
    """Each read brings something, and the whole is over when its time is."""
    limits = FetchLimits(allow_loopback=True, max_seconds=0.5)
    with serving(script) as server:
        error = refused(SafeDownloads(limits), server.url(scheme=scheme), file)
    assert str(error) in {"ReadTimeout", "ConnectTimeout", "the link is too slow"}


def test_a_look_up_that_does_not_end_is_given_up_in_time(file: Path) -> None:
    """The system's resolver takes no time-out of ours."""
    is_over = threading.Event()

    def resolver(_host: str, _port: int) -> list[str]:
        is_over.wait(10)
        return []

    limits = FetchLimits(max_seconds=0.05)
    error = refused(SafeDownloads(limits, resolver=resolver), "https://media.example/x", file)
    is_over.set()
    assert (type(error), str(error)) == (NotSentError, "the link's host is not found")


def test_nobody_listens(file: Path) -> None:
    """Refused connections are tried again later."""
    with nobody() as url:
        assert type(refused(SafeDownloads(LOOPBACK), url, file)) is NotSentError


def test_no_error_tells_the_link(file: Path) -> None:
    """A message is kept on the row and logged; the link grants access."""
    with serving(answer(404)) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url("/secret"), file)
    assert "secret" not in str(error)
    assert "127.0.0.1" not in str(error)
