"""What a link serves: a body that is too large, too slow, not a picture, incomplete or missing."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
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
    """Return the error of a fetch."""
    with pytest.raises(CutoutError) as caught:
        downloads.fetch(url, file)
    return caught.value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the download."""
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
def test_body_above_the_limit_is_refused(script: Script, file: Path) -> None:
    """Whether or not its size was announced."""
    with serving(script) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert (type(error), str(error)) == (
        FetchRefusedError,
        "the body is larger than 1,000 bytes",
    )


def test_body_of_exactly_the_limit_is_fetched(file: Path) -> None:
    """The limit itself is allowed."""
    with serving(answer(200, bytes(1000), Content_Type="image/png")) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == 1000
    assert file.read_bytes() == bytes(1000)


def ticking(seconds: float) -> Callable[[], float]:
    """Return a clock that advances by so much at each look."""
    steps: Iterator[int] = count()
    return lambda: next(steps) * seconds


@pytest.mark.parametrize("script", [PICTURE, answer(302, Location="/x")])
def test_slow_link_is_given_up(script: Script, file: Path) -> None:
    """After a minute in all, redirects included: a slow body must not occupy a worker for ever."""
    with serving(script) as server:
        downloads = SafeDownloads(LOOPBACK, monotonic=ticking(61))
        error = refused(downloads, server.url(), file)
    assert (type(error), str(error)) == (FetchRefusedError, "the link is too slow")
    assert len(server.requests) <= 1


@pytest.mark.parametrize(
    "kind",
    ["image/png", "IMAGE/PNG", "binary/octet-stream", "text/plain", "text/html; charset=utf-8", ""],
)
def test_body_is_fetched_whatever_its_content_type(kind: str, file: Path) -> None:
    """Servers declare pictures in many ways; the first bytes are checked later."""
    with serving(answer(200, PNG, Content_Type=kind)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


def test_picture_without_a_content_type_is_fetched(file: Path) -> None:
    """The bytes are looked at later."""
    with serving(answer(200, PNG)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("X-GZIP", 31), ("deflate", 15)])
def test_picture_that_the_server_compressed_unasked_is_decompressed(
    coding: str, wbits: int, file: Path
) -> None:
    """`identity` was requested; some caches compress all the same."""
    with serving(answer(200, packed(PNG, wbits), Content_Encoding=coding)) as server:
        assert SafeDownloads(LOOPBACK).fetch(server.url(), file) == len(PNG)
    assert file.read_bytes() == PNG


def test_limit_holds_for_the_decompressed_body(file: Path) -> None:
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
def test_body_that_cannot_be_decompressed_is_a_lost_answer(
    body: bytes, coding: str, file: Path
) -> None:
    """It is fetched again later."""
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
def test_incomplete_body_is_a_lost_answer(script: Script, file: Path) -> None:
    """It is fetched again later, and never taken for the whole."""
    with serving(script) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url(), file)
    assert (type(error), str(error)) == (ResponseLostError, "RemoteProtocolError")


@pytest.mark.parametrize(
    "status", [201, 202, 203, 204, 206, 304, 400, 403, 404, 410, 429, 500, 503]
)
def test_error_status_is_reported(status: int, file: Path) -> None:
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
def test_link_that_sends_byte_by_byte_is_given_up_in_time(
    script: Script, scheme: str, file: Path
) -> None:
    """Each read brings something, but the whole has a time limit."""
    limits = FetchLimits(allow_loopback=True, max_seconds=0.5)
    with serving(script) as server:
        error = refused(SafeDownloads(limits), server.url(scheme=scheme), file)
    assert str(error) in {"ReadTimeout", "ConnectTimeout", "the link is too slow"}


def test_look_up_without_an_answer_is_given_up_in_time(file: Path) -> None:
    """The system's resolver takes no time-out of ours."""
    is_over = threading.Event()

    def resolver(_host: str, _port: int) -> list[str]:
        is_over.wait(10)
        return []

    limits = FetchLimits(max_seconds=0.05)
    error = refused(SafeDownloads(limits, resolver=resolver), "https://media.example/x", file)
    is_over.set()
    assert (type(error), str(error)) == (NotSentError, "the link's host is not found")


def test_refused_connection_was_not_sent(file: Path) -> None:
    """The download is repeated later."""
    with nobody() as url:
        assert type(refused(SafeDownloads(LOOPBACK), url, file)) is NotSentError


def test_no_error_contains_the_link(file: Path) -> None:
    """A message is stored with the job and logged; the link grants access."""
    with serving(answer(404)) as server:
        error = refused(SafeDownloads(LOOPBACK), server.url("/secret"), file)
    assert "secret" not in str(error)
    assert "127.0.0.1" not in str(error)
