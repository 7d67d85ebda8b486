from pathlib import Path

import pytest
import trustme

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.neighbours import Client, PhotoHost, Receiver


def test_a_callback_has_the_task_as_a_read_has_it(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """JSON, once, and no word more or less."""
    task = client.finish(photo, callback_url=callbacks.url)
    [attempt] = client.entries(photo, "callback", 1)

    assert (callbacks.documents(), callbacks.content_types) == ([task], ["application/json"])
    assert (attempt["attempt"], attempt["status"], attempt["delivered"]) == (1, 200, True)


def test_a_callback_is_sent_after_the_bill(client: Client, callbacks: Receiver, photo: str) -> None:
    """So the credits it shows are final."""
    client.finish(photo, callback_url=callbacks.url)

    [charge] = client.entries(photo, "charge", 1)
    [attempt] = client.entries(photo, "callback", 1)
    assert charge["seq"] < attempt["seq"]


def test_a_failed_task_is_told_too(
    client: Client, photos: PhotoHost, callbacks: Receiver, photo: str
) -> None:
    """With its error."""
    photos.special[photo] = (404, b"")
    task = client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 1)

    assert callbacks.documents() == [task]
    assert task["error"]["code"] == "image_processing_error"


def test_a_task_without_a_callback_url_is_not_told(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """Nothing is sent for it, while another's callback comes."""
    client.finish(photo)
    client.finish(f"{photo}-told", callback_url=callbacks.url)
    client.entries(f"{photo}-told", "callback", 1)

    assert len(callbacks.bodies) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_any_answer_but_2xx_is_tried_again(
    client: Client, callbacks: Receiver, photo: str, status: int
) -> None:
    """A redirect is an answer like any other; the second attempt is the last when it is taken."""
    callbacks.statuses[:] = [status, 204]
    client.finish(photo, callback_url=callbacks.url)

    attempts = client.entries(photo, "callback", 2)
    assert [(it["attempt"], it["status"], it["delivered"]) for it in attempts] == [
        (1, status, False),
        (2, 204, True),
    ]


def test_a_callback_is_given_up_after_three_retries(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """Four attempts in all, after 1, 2 and 4 seconds; the task stays as it is."""
    callbacks.statuses[:] = [503] * 9
    task = client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 4)

    assert (len(callbacks.bodies), task["status"]) == (4, "completed")


def test_a_receiver_that_is_not_there_is_noted(client: Client, photo: str) -> None:
    """No status, but the reason."""
    client.finish(photo, callback_url="https://localhost:1/callbacks/token")
    attempts = client.entries(photo, "callback", 4)

    assert [it["status"] for it in attempts] == [None] * 4
    assert all("refused" in it["failure"] for it in attempts)


def test_a_receiver_with_an_unknown_certificate_gets_nothing(
    standins: Standins, callbacks: Receiver, photo: str, tmp_path: Path
) -> None:
    """The certificate is verified with the bundle that was chosen."""
    bundle = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    with standins(ca_bundle=bundle) as client:
        client.finish(photo, callback_url=callbacks.url)
        attempts = client.entries(photo, "callback", 4)

    assert callbacks.bodies == []
    assert all("CERTIFICATE_VERIFY_FAILED" in it["failure"] for it in attempts)
