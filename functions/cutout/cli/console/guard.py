"""Who may use the console: the browser of the person who started it, from its own pages only.

Other programs and web pages can also send requests to a port of this machine. The guard is outside
of all pages, so that no page can be reached without it.
"""

import secrets
from dataclasses import field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cutout.domain.dataclass import dataclass

TOKEN_PARAMETER = "token"  # noqa: S105 - a parameter's name
CSRF_HEADER = "X-CSRF-Token"
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OWN_FETCHES = frozenset({None, "same-origin", "none"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response."""


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Random values of one run: `token` opens the pages, `csrf` is needed for every write."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))


class Guard:
    """Lets requests through that come from the console's own pages in the person's browser.

    `address` is host and port of the server, as in the printed URL.
    """

    def __init__(self, app: ASGIApp, own: Secrets, address: str) -> None:
        self._app = app
        self._own = own
        self._address = address
        # Ports share their cookies: a second console would replace the cookie of the first.
        self._cookie = f"cutout-console-{address.rpartition(':')[2]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request itself, or pass it on; set the headers of the response."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the response to a request that is not let through."""
        # A web page whose name resolves to 127.0.0.1 (DNS rebinding) sends its own name.
        if headers.get("host") != self._address:
            return _refused(421, f"This console is at http://{self._address}.")
        if redirect := self._opened(scope):
            return redirect
        if not self._has_cookie(headers):
            return _refused(403, "Open the URL that `cutout console` printed.")
        # Cookies do not differ by port: a page of another server on this machine would send ours.
        if headers.get("sec-fetch-site") not in _OWN_FETCHES:
            return _refused(403, "This request comes from another site.")
        if scope["method"] not in _SAFE_METHODS:
            return self._write_refusal(headers)
        return None

    def _opened(self, scope: Scope) -> Response | None:
        """Return the redirect that turns the token of the printed URL into a cookie."""
        parameters = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(parameters).get(TOKEN_PARAMETER)
        if given is None or not secrets.compare_digest(given.encode(), self._own.token.encode()):
            return None
        rest = urlencode([one for one in parameters if one[0] != TOKEN_PARAMETER])
        answer = RedirectResponse(f"{scope['path']}{'?' if rest else ''}{rest}", status_code=303)
        answer.set_cookie(self._cookie, self._own.token, httponly=True, samesite="strict", path="/")
        return answer

    def _has_cookie(self, headers: Headers) -> bool:
        # The parser of the standard library stops at the first cookie that it cannot read, and
        # other servers of this machine may have set such ones.
        given = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return secrets.compare_digest(given.encode(), self._own.token.encode())

    def _write_refusal(self, headers: Headers) -> Response | None:
        # Scripts of a page always send Origin with a write; so only scripts of our pages can write.
        if headers.get("origin") != f"http://{self._address}":
            return _refused(403, "This request comes from another site.")
        given = headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(given.encode(), self._own.csrf.encode()):
            return _refused(403, "This page is of an earlier run of the console: reload it.")
        return None


def _refused(status: int, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status_code=status)
