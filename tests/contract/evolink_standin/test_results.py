import http.client
from collections.abc import Callable
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from PIL import Image

from infra.local.evolink.faults.result_faults import RESULT_FAULTS
from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import Client, Reply, call

Claim = Callable[[Reply], bool]


def _picture(reply: Reply) -> Image.Image:
    with Image.open(BytesIO(reply.body)) as picture:
        picture.load()
        return picture


def _alpha(reply: Reply) -> tuple[int, int]:
    low, high = _picture(reply).getchannel("A").getextrema()
    return int(str(low)), int(str(high))


def _location(reply: Reply) -> str:
    assert reply.status == 302
    return reply.headers["location"]


def _is_bomb(reply: Reply) -> bool:
    Image.MAX_IMAGE_PIXELS, usual = None, Image.MAX_IMAGE_PIXELS
    try:
        with Image.open(BytesIO(reply.body)) as picture:
            return picture.size == (30000, 30000) and len(reply.body) < 2**20
    finally:
        Image.MAX_IMAGE_PIXELS = usual


ANSWERS: dict[str, Claim] = {
    "403": lambda reply: reply.status == 403,
    "404": lambda reply: reply.status == 404 and b"NoSuchKey" in reply.body,
    "expired": lambda reply: reply.status == 404,
    "500": lambda reply: reply.status == 500,
    "html": lambda reply: reply.status == 200 and b"<html>" in reply.body,
    "cut-short": lambda reply: (
        len(reply.body) == int(reply.headers["content-length"])
        and reply.body[:4] == b"\x89PNG"
        and b"IEND" not in reply.body
    ),
    "redirect": lambda reply: _location(reply).endswith(".png?moved=1"),
    "redirect-loop": lambda reply: _location(reply).endswith(".png"),
    "redirect-private": lambda reply: _location(reply) == "https://10.0.0.1/result.png",
    "redirect-http": lambda reply: _location(reply).startswith("http://media."),
    "bomb": _is_bomb,
    "opaque": lambda reply: _alpha(reply) == (255, 255),
    "empty": lambda reply: _alpha(reply) == (0, 0),
    "no-alpha": lambda reply: _picture(reply).mode == "RGB",
    "other-shape": lambda reply: _picture(reply).size == (48, 18),
    "other-size": lambda reply: _picture(reply).size == (24, 18),
    "webp": lambda reply: (
        _picture(reply).format == "WEBP" and reply.headers["content-type"] == "image/png"
    ),
    "not-image": lambda reply: reply.body.startswith(b"this is not a picture"),
    "no-bytes": lambda reply: (reply.status, reply.body) == (200, b""),
    "202": lambda reply: (reply.status, reply.body) == (202, b""),
    "gzip": lambda reply: (
        reply.headers["content-encoding"] == "gzip" and reply.body[:2] == b"\x1f\x8b"
    ),
    "slow": lambda reply: _picture(reply).size == (48, 36),
    "drip": lambda reply: _picture(reply).size == (48, 36),
}
ALONE = {
    "truncated",
    "declares-huge",
    "streams-huge",
}


def _link(client: Client, photo: str) -> str:
    return str(client.finish(photo)["results"][0])


def test_every_fault_of_a_result_has_a_test() -> None:
    """Each declared fault is in a table above or has its own test."""
    assert RESULT_FAULTS.keys() == ANSWERS.keys() | ALONE


@pytest.mark.parametrize("fault", ANSWERS)
def test_one_download_is_as_its_fault_describes(client: Client, photo: str, fault: str) -> None:
    """Only one answer is changed, not the stored result."""
    client.commit("result", fault, times=1)
    link = _link(client, photo)

    broken, good = call(link), call(link)

    assert ANSWERS[fault](broken), (broken.status, broken.headers)
    assert (good.status, _alpha(good)) == (200, (0, 255))


def test_a_redirected_result_is_found_where_it_moved(client: Client, photo: str) -> None:
    """A harmless redirect has to be followed."""
    client.commit("result", "redirect")
    link = _link(client, photo)

    assert _alpha(call(_location(call(link)))) == (0, 255)


def test_a_truncated_result_ends_before_its_declared_length(client: Client, photo: str) -> None:
    """The client notices it by the declared length."""
    client.commit("result", "truncated")

    with pytest.raises(http.client.IncompleteRead) as broken:
        call(_link(client, photo))

    assert len(broken.value.partial) in {broken.value.expected, (broken.value.expected or 0) - 1}


@pytest.mark.parametrize(
    ("label", "declared"), [("declares-huge", str(5 * 2**30)), ("streams-huge", None)]
)
def test_a_huge_result_goes_on_until_the_client_hangs_up(
    client: Client, photo: str, label: str, declared: str | None
) -> None:
    """With and without a declared length."""
    client.commit("result", label)
    link = urlsplit(_link(client, photo))
    connection = http.client.HTTPConnection(link.hostname or "", link.port, timeout=10)
    try:
        connection.request("GET", link.path)
        with connection.getresponse() as response:
            assert response.getheader("content-length") == declared
            assert len(response.read(2**20)) == 2**20
    finally:
        connection.close()

    client.entries(photo, "download", 1)


def test_a_link_expires_after_24_hours(standins: Standins, photo: str) -> None:
    """On the stand-in's clock; reads still show the expired link."""
    with standins(speed=1) as client:
        link = _link(client, photo)
        client.control("POST", "/_standin/clock", {"advance_seconds": 23.9 * 3600})
        alive = call(link)
        client.control("POST", "/_standin/clock", {"advance_seconds": 3600})
        dead = call(link)

    assert (alive.status, dead.status) == (200, 404)


def test_an_unknown_link_is_not_found(client: Client) -> None:
    """404, like an expired one."""
    assert call(f"{client.url}/results/standin/images/2026/01/01/nothing.png").status == 404


def test_urllib_s_own_user_agent_is_forbidden(client: Client, photo: str) -> None:
    """The real media host's firewall answers 403 and error 1010."""
    reply = call(_link(client, photo), headers={"user-agent": "Python-urllib/3.13"})

    assert (reply.status, reply.body) == (403, b"error code: 1010")


def test_the_ledger_records_user_agent_and_credentials_of_downloads(
    client: Client, photo: str
) -> None:
    """No client may send its key to the media host."""
    link = _link(client, photo)
    call(link, headers={"user-agent": "cutout/1"})
    call(link, headers={"authorization": "Bearer sk-leaked"})

    downloads = client.entries(photo, "download", 2)
    assert [(it["status"], it["user_agent"], it["authorization"]) for it in downloads] == [
        (200, "cutout/1", False),
        (200, None, True),
    ]
