"""Whether a request was sent: the HTTP adapter is certain, or reports that it is unknown."""

from __future__ import annotations

import gzip
import inspect
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable

import httpx
import pytest

from cutout.adapters.http_httpx.client import USER_AGENT
from cutout.adapters.http_httpx.sending import HttpxHttp
from cutout.domain.errors import CutoutError, NotSentError, ResponseLostError
from tests.support.scripted_server import Script, answer, drip, hang, nobody, raw, serving

URL = "https://api.example/v1/tasks/1"
REQUEST = httpx.Request("GET", URL)
NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
MAYBE_SENT = {
    "CloseError",
    "DecodingError",
    "HTTPError",
    "HTTPStatusError",
    "LocalProtocolError",
    "NetworkError",
    "ProtocolError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "RequestError",
    "RequestNotRead",
    "ResponseNotRead",
    "StreamClosed",
    "StreamConsumed",
    "StreamError",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "WriteError",
    "WriteTimeout",
}
BEFORE_SENDING = {"InvalidURL"}
NEVER_RAISED_BY_SENDING = {"CookieConflict"}
KINDS: dict[str, type[Exception]] = {
    name: kind
    for name, kind in vars(httpx).items()
    if inspect.isclass(kind) and issubclass(kind, Exception)
}


def error_named(name: str) -> Exception:
    """An instance of one of httpx's errors."""
    if name == "HTTPStatusError":
        return httpx.HTTPStatusError("x", request=REQUEST, response=httpx.Response(500))
    kind = KINDS[name]
    parameters = inspect.signature(kind).parameters
    return kind("the message") if "message" in parameters else kind()


def sending(transport: Callable[[httpx.Request], httpx.Response]) -> HttpxHttp:
    """Return the adapter with a function in the network's place."""
    return HttpxHttp(transport=httpx.MockTransport(transport))


def raised_by(http: HttpxHttp, url: str = URL, **headers: str) -> CutoutError:
    """Return our error for a failure."""
    with pytest.raises(CutoutError) as caught:
        http.send("POST", url, headers=headers, body=b"{}")
    return caught.value


def test_every_error_of_httpx_is_mapped() -> None:
    """A new class in httpx's tree fails this test until it is mapped."""
    assert set(KINDS) == NOT_SENT | MAYBE_SENT | BEFORE_SENDING | NEVER_RAISED_BY_SENDING


@pytest.mark.parametrize("name", sorted(NOT_SENT))
def test_errors_before_the_request_was_sent_cost_nothing(name: str) -> None:
    """Name look-up, connection and TLS failed: the call was certainly not paid for."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise error_named(name)

    error = raised_by(sending(fail))
    assert (type(error), str(error)) == (NotSentError, name)


@pytest.mark.parametrize("name", sorted(MAYBE_SENT))
def test_errors_after_the_request_was_sent_may_have_been_paid(name: str) -> None:
    """The request may have reached the server: it must not be sent again."""

    def fail(_request: httpx.Request) -> httpx.Response:
        raise error_named(name)

    error = raised_by(sending(fail))
    assert (type(error), str(error)) == (ResponseLostError, name)


@pytest.mark.parametrize("name", sorted(MAYBE_SENT - {"HTTPStatusError"}))
def test_errors_within_the_answer_may_have_been_paid(name: str) -> None:
    """Also after the status was received."""

    class Broken(httpx.SyncByteStream):
        def __iter__(self) -> None:  # type: ignore[override]
            raise error_named(name)

    error = raised_by(sending(lambda _: httpx.Response(200, stream=Broken())))
    assert (type(error), str(error)) == (ResponseLostError, name)


@pytest.mark.parametrize(
    "url", ["https://api.example:port/", "https://[::1/", "https://" + "a" * 70000]
)
def test_malformed_url_was_not_sent(url: str) -> None:
    """No request can be made of it."""
    error = raised_by(HttpxHttp(), url)
    assert (type(error), str(error)) == (NotSentError, "InvalidURL")


@pytest.mark.parametrize("url", ["ftp://api.example/", "api.example/v1", "/v1"])
def test_url_of_another_scheme_was_not_sent(url: str) -> None:
    """Neither http nor https."""
    assert type(raised_by(HttpxHttp(), url)) is NotSentError


def test_request_with_an_unsendable_header_was_not_sent() -> None:
    """Such as a key with a character that no header takes."""
    error = raised_by(HttpxHttp(), Authorization="Bearer sk-\N{EN DASH}1")
    assert (type(error), str(error)) == (NotSentError, "UnicodeEncodeError")


def test_answer_that_is_too_large_is_lost() -> None:
    """The API's answers have less than a megabyte; the call may have been accepted."""
    huge = sending(lambda _: httpx.Response(200, content=b" " * (1024 * 1024 + 1)))
    error = raised_by(huge)
    assert (type(error), str(error)) == (
        ResponseLostError,
        "the body is larger than 1,048,576 bytes",
    )


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 404, 429, 500, 503])
def test_every_status_is_an_answer(status: int) -> None:
    """The caller decides what a status means; redirects are not followed."""
    headers = {"Retry-After": "7", "Location": "https://elsewhere.example/"}
    http = sending(lambda _: httpx.Response(status, headers=headers, content=b"body"))
    got = http.send("GET", URL, headers={})
    assert (got.status, got.headers["retry-after"], got.body) == (status, "7", b"body")


def test_no_error_contains_the_url() -> None:
    """A message may be logged; the URL may hold a signature."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError(f"reading {request.url}", request=request)

    assert "api.example" not in str(raised_by(sending(fail)))


def test_request_is_sent_as_it_was_given() -> None:
    """Method, path, headers and the exact body; the user agent is ours."""
    body = b'{"image_urls": ["https://x/?a=b&c=d"]}'
    with serving(answer(200, b"{}", Content_Type="application/json")) as server:
        HttpxHttp().send("POST", server.url("/v1/a?b=c"), headers={"X-One": "1"}, body=body)
    (request,) = server.requests
    assert request.startswith(b"POST /v1/a?b=c HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n" + body)
    headers = server.headers()
    assert (headers["x-one"], headers["user-agent"]) == ("1", USER_AGENT)
    assert headers["content-length"] == str(len(body))


def test_request_without_a_body_declares_none() -> None:
    """It has only the headers that we set."""
    with serving(answer(200)) as server:
        HttpxHttp().send("GET", server.url(), headers={"X-One": "1"})
    names = {"accept", "accept-encoding", "connection", "host", "user-agent", "x-one"}
    assert set(server.headers()) == names


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nhere",
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nhere",
        b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 4\r\n\r\nhere",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 50_000 + b"\r\nY: " + b"y" * 60_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX: cut",
    ],
    ids=["two lengths", "negative", "no header", "too long", "cut"],
)
def test_answer_with_a_malformed_head_is_lost(head: bytes) -> None:
    """Its body cannot be found, so the outcome is unknown."""
    with serving(raw(head)) as server:
        error = raised_by(HttpxHttp(), server.url())
    assert (type(error), str(error)) == (ResponseLostError, "RemoteProtocolError")


def test_interim_answers_are_skipped() -> None:
    """Also several in one packet with the final one."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with serving(raw(interim + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere")) as server:
        got = HttpxHttp().send("GET", server.url(), headers={})
    assert (got.status, got.body, "link" in got.headers) == (200, b"here", False)


def test_refused_connection_was_not_sent() -> None:
    """Connection refused: nothing left."""
    with nobody() as url:
        error = raised_by(HttpxHttp(), url)
    assert (type(error), str(error)) == (NotSentError, "ConnectError")


def test_request_to_a_server_without_tls_was_not_sent() -> None:
    """The handshake failed."""
    with serving(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = raised_by(HttpxHttp(), server.url(scheme="https"))
    assert type(error) is NotSentError
    assert b"POST" not in b"".join(server.requests)


@pytest.mark.parametrize(
    ("script", "name"),
    [
        (raw(b""), "RemoteProtocolError"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "RemoteProtocolError"),
        (
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
            "RemoteProtocolError",
        ),
        (raw(b"HTTP/1.1 200 OK\r\nContent-"), "RemoteProtocolError"),
        (raw(b"this is not HTTP\r\n\r\n"), "RemoteProtocolError"),
        (
            answer(200, b"not gzip", Content_Encoding="gzip"),
            "DecodingError",
        ),
    ],
)
def test_answer_of_a_server_that_closes_the_connection_is_lost(script: Script, name: str) -> None:
    """Before, within or instead of an answer: the outcome is unknown."""
    with serving(script) as server:
        error = raised_by(HttpxHttp(), server.url())
    assert (type(error), str(error)) == (ResponseLostError, name)
    assert len(server.requests) == 1


def test_answer_of_a_server_that_resets_the_connection_is_lost() -> None:
    """The request was read before."""

    def reset(connection: socket.socket) -> None:
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()

    with serving(reset) as server:
        error = raised_by(HttpxHttp(), server.url())
    assert type(error) is ResponseLostError


def test_answer_of_a_server_that_hangs_is_lost() -> None:
    """The time-out ends the wait; the outcome is unknown."""
    with serving(hang) as server:
        error = raised_by(HttpxHttp(timeout_seconds=0.5), server.url())
    assert (type(error), str(error)) == (ResponseLostError, "ReadTimeout")


@pytest.mark.parametrize(
    "script",
    [
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
    ],
    ids=["headers", "interim answers", "body"],
)
def test_server_that_answers_byte_by_byte_is_given_up_in_time(script: Script) -> None:
    """The limit is for the whole exchange: no worker waits for single bytes."""
    with serving(script) as server:
        error = raised_by(HttpxHttp(timeout_seconds=0.5), server.url())
    assert (type(error), str(error)) == (ResponseLostError, "ReadTimeout")


def test_request_was_not_sent_if_the_handshake_takes_too_long() -> None:
    """The time is over before the request could be sent."""
    with serving(drip(b"\x16\x03\x03\x40\x00")) as server:
        error = raised_by(HttpxHttp(timeout_seconds=0.5), server.url(scheme="https"))
    assert (type(error), str(error)) == (NotSentError, "ConnectTimeout")


def test_answer_of_a_server_that_reads_slowly_is_lost() -> None:
    """Sending a large body has a time limit, too."""
    is_over = threading.Event()

    def sip(connection: socket.socket) -> None:
        while connection.recv(1) and not is_over.wait(0.01):
            pass

    with serving(sip, reads=False) as server:
        http = HttpxHttp(timeout_seconds=0.5)
        with pytest.raises(ResponseLostError) as lost:
            http.send("POST", server.url(), headers={}, body=bytes(10**8))
        is_over.set()
    assert str(lost.value) == "WriteTimeout"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_answer_that_the_server_compressed_unasked_is_decompressed(coding: str) -> None:
    """`identity` was requested; some proxies compress all the same."""
    packing = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    body = packing.compress(b"x" * 200_000) + packing.flush()
    with serving(answer(200, body, Content_Encoding=coding)) as server:
        got = HttpxHttp().send("GET", server.url(), headers={})
    assert (got.body, server.headers()["accept-encoding"]) == (b"x" * 200_000, "identity")


@pytest.mark.parametrize("times", [1, 2])
def test_answer_that_decompresses_to_gigabytes_takes_no_memory(times: int) -> None:
    """Above a megabyte it is refused; compressed twice, it is not decompressed at all."""
    body = bytes(50 * 1024 * 1024)
    for _ in range(times):
        body = gzip.compress(body, 1)
    tracemalloc.start()
    with serving(answer(200, body, Content_Encoding=", ".join(["gzip"] * times))) as server:
        error = raised_by(HttpxHttp(), server.url())
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert type(error) is ResponseLostError
    assert peak < 10 * 1024 * 1024


@pytest.mark.parametrize("location", ["https://xn--/", "https://[::1"])
def test_answer_that_redirects_to_an_invalid_url_is_lost(location: str) -> None:
    """Redirects are not followed, but httpx reads their targets."""
    with serving(answer(302, Location=location)) as server:
        assert type(raised_by(HttpxHttp(), server.url())) is ResponseLostError


def test_request_is_never_repeated() -> None:
    """One call is one request."""
    with serving(raw(b""), answer(200)) as server:
        raised_by(HttpxHttp(), server.url())
    assert len(server.requests) == 1


def test_connections_are_not_reused() -> None:
    """A function may freeze between two calls; each call opens its own connection."""

    def stay(connection: socket.socket) -> None:
        answer(200, b"here")(connection)
        hang(connection)

    http = HttpxHttp()
    with serving(stay) as server:
        bodies = [http.send("GET", server.url(), headers={}).body for _ in range(2)]
    assert bodies == [b"here", b"here"]
    assert len(server.requests) == 2


def test_no_cookie_is_stored() -> None:
    """Nothing of one call is sent with the next."""
    http = HttpxHttp()
    with serving(answer(200, Set_Cookie="a=b; Path=/"), answer(200)) as server:
        for _ in range(2):
            http.send("GET", server.url(), headers={})
    assert "cookie" not in server.headers(1)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"])
def test_proxies_of_the_environment_are_ignored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to the API alone."""
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(answer(200, b"direct")) as server:
        got = HttpxHttp().send("GET", server.url(), headers={})
    assert got.body == b"direct"
