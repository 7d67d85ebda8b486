"""Access to the console: each rule, and the response to a request that breaks it."""

from __future__ import annotations

import pytest

from cutout.cli.console.guard import CSRF_HEADER, HEADERS
from tests.support.cli.console import ADDRESS, ORIGIN, OWN, WRITES, Visitor

PAGES = [
    "/",
    "/drop",
    "/search?key=a",
    "/events",
    "/jobs/1",
    "/static/console.css",
    "/nothing",
]
POSTS = ["/gate/pause", "/gate/resume", "/jobs/1/retry", "/drop/plan", "/drop/photo"]


@pytest.fixture
def visitor() -> Visitor:
    """A visitor with the cookie."""
    return Visitor()


def test_the_token_of_the_printed_url_becomes_a_cookie_and_leaves_the_url(
    visitor: Visitor,
) -> None:
    """No script can read the cookie, and links of other sites do not send it."""
    answer = visitor.get(f"/?token={OWN.token}&state=failed", cookies={})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?state=failed"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert cookie.startswith("cutout-console-4711=")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("cookies", [{}, {"cutout-console-4711": "wrong"}], ids=["none", "wrong"])
def test_without_the_cookie_there_is_no_page(
    visitor: Visitor, path: str, cookies: dict[str, str]
) -> None:
    """Not even a style sheet: other users of this machine learn nothing."""
    answer = visitor.get(path, cookies=cookies)
    assert (answer.status_code, "cutout console" in answer.text) == (403, True)


def test_cookies_of_other_servers_on_this_machine_are_ignored(visitor: Visitor) -> None:
    """Browsers send them to every port, even those that the standard library cannot parse."""
    cookies = f'theirs={{"a": 1}}; cutout-console-4711={OWN.token}; b'
    assert visitor.get("/", cookies={}, headers={"Cookie": cookies}).status_code == 200


def test_a_wrong_token_is_refused(visitor: Visitor) -> None:
    """It is compared as a whole."""
    answer = visitor.get(f"/?token={OWN.token[:-1]}", cookies={})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize("host", ["evil.example", "localhost:4711", "127.0.0.1:80", ""])
def test_another_host_is_refused(visitor: Visitor, host: str) -> None:
    """A name that an attacker resolves to 127.0.0.1 is in the Host header."""
    assert visitor.get("/", headers={"Host": host}).status_code == 421


def test_the_token_is_not_accepted_under_another_host(visitor: Visitor) -> None:
    """No cookie is set for it."""
    answer = visitor.get(f"/?token={OWN.token}", headers={"Host": "evil.example"}, cookies={})
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_are_refused(visitor: Visitor, site: str) -> None:
    """`same-site` is another port of this machine, which gets the cookie, too."""
    assert visitor.get("/drop", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert visitor.get("/drop", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {CSRF_HEADER: OWN.csrf},
        {**WRITES, "Origin": "http://evil.example"},
        {**WRITES, "Origin": "http://127.0.0.1:4712"},
        {**WRITES, "Origin": "null"},
        {"Origin": ORIGIN},
        {**WRITES, CSRF_HEADER: "wrong"},
        {**WRITES, CSRF_HEADER: OWN.token},
    ],
    ids=["no-origin", "other", "other-port", "null", "no-csrf", "wrong-csrf", "token-as-csrf"],
)
def test_only_scripts_of_our_pages_can_write(
    visitor: Visitor, path: str, headers: dict[str, str]
) -> None:
    """Every write needs our origin and the CSRF token of this run."""
    assert visitor.send("POST", path, headers=headers).status_code == 403
    assert visitor.stack.table.gate is None


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_requests_change_nothing(visitor: Visitor, path: str, method: str) -> None:
    """The URLs of writes accept no GET."""
    assert visitor.send(method, path).status_code in {404, 405}


@pytest.mark.parametrize("path", [*PAGES, f"/?token={OWN.token}"])
@pytest.mark.parametrize("host", [ADDRESS, "evil.example"])
def test_every_response_has_the_headers(visitor: Visitor, path: str, host: str) -> None:
    """Including errors, redirects and refusals."""
    answer = visitor.get(path, headers={"Host": host})
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_policy_allows_no_inline_script_and_no_other_server() -> None:
    """Nothing may run or be loaded that is not a file of the console."""
    policy = HEADERS["Content-Security-Policy"]
    directives = dict(one.strip().split(" ", 1) for one in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert set(directives.values()) == {"'none'", "'self'"}
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    assert HEADERS["Cache-Control"] == "no-store"
