from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import Client, call


def _link(client: Client, photo: str) -> str:
    return str(client.finish(photo)["results"][0])


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
