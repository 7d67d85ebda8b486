from typing import Any

import pytest

from infra.local.evolink.faults.fault_rules import ALL_FAULTS
from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import Client, call


def test_every_fault_is_listed_with_its_occasion_and_what_happens(client: Client) -> None:
    """Faults can be found without reading the source."""
    faults = client.control("GET", "/_standin/faults").json()["faults"]

    assert len(faults) == len(ALL_FAULTS)
    assert faults[0] == {
        "where": "create",
        "fault": "400",
        "occasion": "a request to create a task",
        "what": "Refused as an invalid request.",
    }


def test_rules_can_be_added_listed_with_their_use_and_cleared(client: Client, photo: str) -> None:
    """A list of rules is added with one request."""
    rules: list[dict[str, Any]] = [
        {"where": "create", "fault": "503", "times": 1, "match": "photo"},
        {"where": "task", "fault": "slow", "seconds": 2.5},
    ]
    added = client.control("POST", "/_standin/faults", rules)
    client.create(client.create_body(photo))
    listed = client.control("GET", "/_standin/faults").json()["rules"]
    client.control("DELETE", "/_standin/faults")

    usual = {"after": 0, "match": "", "each": False, "used": 0}
    assert added.status == 201
    assert listed == [usual | rules[0] | {"used": 1}, usual | rules[1]]
    assert client.control("GET", "/_standin/faults").json()["rules"] == []


@pytest.mark.parametrize(
    "rule",
    [
        {},
        [7],
        {"where": "create"},
        {"where": "create", "fault": "no-such"},
        {"where": "nowhere", "fault": "400"},
        {"where": "create", "fault": "400", "times": "often"},
        {"where": "create", "fault": "400", "often": 1},
        [{"where": "create", "fault": "400"}, {"where": "create", "fault": "no-such"}],
    ],
)
def test_an_invalid_rule_is_refused_with_its_whole_list(client: Client, rule: object) -> None:
    """Otherwise a test with a misspelt fault would pass."""
    reply = client.control("POST", "/_standin/faults", rule)

    assert (reply.status, "error" in reply.json()) == (400, True)
    assert client.control("GET", "/_standin/faults").json()["rules"] == []


def test_the_ledger_waits_no_longer_than_the_given_seconds(client: Client) -> None:
    """The answer says that the entries are not complete."""
    ledger = client.control(
        "GET", "/_standin/ledger?kind=charge&photo=never-ordered&count=1&seconds=0.05"
    ).json()

    assert (ledger["complete"], ledger["entries"]) == (False, [])


def test_the_ledger_sums_up_by_photo(standins: Standins, photo: str) -> None:
    """So that double payments show."""
    with standins(balance=100.0) as client:
        client.finish(f"{photo}-1")
        client.finish(f"{photo}-2")
        ledger = client.control("GET", "/_standin/ledger").json()

    once = {"posts": 1, "tasks": 1, "charges": 1}
    assert ledger["photos"] == {f"{photo}-1": once, f"{photo}-2": once}
    assert (ledger["balance"], ledger["credits_used"]) == (89.2, 10.8)
    assert (ledger["tasks"], ledger["running"]) == ({"completed": 2}, 0)
    kinds = [entry["kind"] for entry in ledger["entries"]]
    assert kinds == ["reserve", "post", "fetch", "charge", "end", "read"] * 2


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/_standin/account", {"balance": "much"}),
        ("/_standin/account", {"api_keys": 7}),
        ("/_standin/clock", {}),
        ("/_standin/clock", {"advance_seconds": "long"}),
    ],
)
def test_a_control_request_of_another_shape_is_refused(
    client: Client, path: str, document: object
) -> None:
    """400 with the reason."""
    reply = client.control("POST", path, document)

    assert (reply.status, "error" in reply.json()) == (400, True)


CONTROL = [
    ("GET", "/_standin/ledger"),
    ("GET", "/_standin/faults"),
    ("POST", "/_standin/faults"),
    ("DELETE", "/_standin/faults"),
    ("POST", "/_standin/account"),
    ("POST", "/_standin/clock"),
]


@pytest.mark.parametrize(("method", "path"), CONTROL)
@pytest.mark.parametrize("token", [None, "", "guessed", "gu\xe9ssed"])
def test_control_requests_need_the_token(
    client: Client, method: str, path: str, token: str | None
) -> None:
    """This holds for every route; the API key is not accepted instead."""
    headers = {"authorization": f"Bearer {client.key}"}
    headers |= {} if token is None else {"x-control-token": token}
    reply = call(client.url + path, method, body=b"{}", headers=headers)
    assert (reply.status, list(reply.json())) == (401, ["error"])


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "evil.example:8800"},
        {"host": "[::1"},
        {"origin": "https://evil.example", "content-type": "text/plain"},
        {"origin": "null", "content-type": "text/plain"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_web_pages_are_refused_even_with_token_and_key(
    client: Client, headers: dict[str, str]
) -> None:
    """DNS rebinding, form posts and other origins are refused before routing."""
    secrets = {"x-control-token": client.token, "authorization": f"Bearer {client.key}"}
    for path in ("/_standin/account", "/v1/images/generations", "/results/none.png"):
        reply = call(client.url + path, "POST", body=b'{"balance": 0}', headers=secrets | headers)
        assert (reply.status, reply.body) == (403, b"")
    assert client.control("GET", "/_standin/ledger").json()["balance"] > 0


def test_programs_of_this_machine_are_served_by_every_name_of_loopback(client: Client) -> None:
    """Its own origin is allowed, too."""
    port = client.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "a.localhost"):
        headers = {"x-control-token": client.token, "host": host, "origin": f"http://{host}"}
        assert call(client.url + "/_standin/ledger", headers=headers).status == 200
