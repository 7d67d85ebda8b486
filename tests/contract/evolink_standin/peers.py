"""The other sides of the stand-in: a host of photos, a receiver of callbacks, and a client."""

import http.client
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from infra.local.evolink.api.control_routes import CONTROL_TOKEN_HEADER

API_KEY = "sk-evo-test"
MODEL = "mj-v7-remove-bg"
_BOUNDARY = "----cutout"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


def call(
    url: str,
    method: str = "GET",
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 20.0,
) -> Reply:
    """Send one request on its own connection, without following redirects."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        return Reply(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=response.read(),
        )
    finally:
        connection.close()


def form(**parts: bytes) -> bytes:
    """Return a form as browsers and HTTP libraries write it."""
    sections = [
        (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
            + ('; filename="my photo.png"\r\nContent-Type: image/png' if name == "file" else "")
            + "\r\n\r\n"
        ).encode()
        + content
        + b"\r\n"
        for name, content in parts.items()
    ]
    return b"".join(sections) + f"--{_BOUNDARY}--\r\n".encode()


def patience(error: type[Exception]) -> float:
    """Return the client's time-out in seconds, short only for a test that waits for it."""
    return 0.3 if error is TimeoutError else 20.0


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client of the API and of the stand-in's control routes."""

    url: str
    photos: str
    token: str
    key: str = API_KEY

    def create_body(self, photo: str, **fields: object) -> dict[str, object]:
        """Return a create request's body for a photo of the photo host."""
        return {"model": MODEL, "image_urls": [f"{self.photos}{quote(photo)}?signed=yes"], **fields}

    def create(self, body: object, *, seconds: float = 20.0, **headers: str) -> Reply:
        """Post a create request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", "/v1/images/generations", body, headers=named, seconds=seconds)

    def read(self, task_id: str, *, seconds: float = 20.0) -> Reply:
        """Read a task."""
        return self.send("GET", f"/v1/tasks/{task_id}", seconds=seconds)

    def upload(self, content: bytes, *, seconds: float = 20.0, **fields: str) -> Reply:
        """Upload a file to the Files API, as `my photo.png`."""
        body = form(file=content, **{name: text.encode() for name, text in fields.items()})
        headers = {
            "authorization": f"Bearer {self.key}",
            "content-type": f"multipart/form-data; boundary={_BOUNDARY}",
        }
        url = f"{self.url}/api/v1/files/upload/stream"
        return call(url, "POST", body=body, headers=headers, seconds=seconds)

    def send(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = 20.0,
    ) -> Reply:
        """Send a request with the key."""
        body = None if document is None else json.dumps(document).encode()
        named = {"authorization": f"Bearer {self.key}", **(headers or {})}
        return call(self.url + path, method, body=body, headers=named, seconds=seconds)

    def finish(self, photo: str, **fields: object) -> dict[str, Any]:
        """Create a task for the photo, wait until it is charged, and read it."""
        task_id = self.create(self.create_body(photo, **fields)).json()["id"]
        self.entries(photo, "end", 1)
        return dict(self.read(task_id).json())

    def entries(self, photo: str, kind: str, count: int) -> list[dict[str, Any]]:
        """Wait for that many entries of a kind and return all of them."""
        query = urlencode({"photo": photo, "kind": kind, "count": count, "seconds": 20})
        ledger = self.control("GET", f"/_standin/ledger?{query}").json()
        assert ledger["complete"], f"not {count} x {kind} for {photo}: {ledger['entries']}"
        return list(ledger["entries"])

    def commit(self, where: str, fault: str, **settings: object) -> None:
        """Add a fault rule."""
        rule = {"where": where, "fault": fault, **settings}
        assert self.control("POST", "/_standin/faults", rule).status == 201

    def control(self, method: str, path: str, document: object = None) -> Reply:
        """Send a control request."""
        body = None if document is None else json.dumps(document).encode()
        headers = {CONTROL_TOKEN_HEADER: self.token}
        return call(self.url + path, method, body=body, headers=headers, seconds=30)


@dataclass(kw_only=True)
class PhotoHost:
    """A server with a photo at every path, and with the special answers that a test sets."""

    url: str
    default: bytes
    special: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    user_agents: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        """Return status and body for a path."""
        return self.special.get(unquote(urlsplit(path).path), (200, self.default))


@contextmanager
def photo_host(default: bytes) -> Iterator[PhotoHost]:
    """Serve photos over plain http."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.user_agents.append(self.headers["user-agent"])
            status, content = host.answer(self.path)
            self.send_response(status)
            if status in {301, 302}:
                self.send_header("location", content.decode())
                content = b""
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with _serving(Handler) as server:
        host = PhotoHost(url=f"http://127.0.0.1:{server.server_port}", default=default)
        yield host


@dataclass(kw_only=True)
class Receiver:
    """A receiver of callbacks, which answers with the next of ``statuses``, then with 200."""

    url: str
    statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    content_types: list[str] = field(default_factory=list)

    def documents(self) -> list[Any]:
        """Return the bodies as JSON."""
        return [json.loads(body) for body in self.bodies]


@contextmanager
def receiver(context: ssl.SSLContext) -> Iterator[Receiver]:
    """Receive callbacks over https."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                taker.bodies.append(body)
                taker.content_types.append(self.headers["content-type"])
                status = taker.statuses.pop(0) if taker.statuses else 200
            self.send_response(status)
            if status == 302:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with _serving(Handler, context) as server:
        taker = Receiver(url=f"https://localhost:{server.server_port}/callbacks/token")
        yield taker


@contextmanager
def _serving(
    handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None
) -> Iterator[ThreadingHTTPServer]:
    server = _Server(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect; some tests make them."""
