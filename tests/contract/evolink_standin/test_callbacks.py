from pathlib import Path

import pytest
import trustme

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.peers import Client, PhotoHost, Receiver


def test_a_callback_has_the_same_document_as_a_read(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """One delivery, as JSON, with exactly the members of a read."""
    task = client.finish(photo, callback_url=callbacks.url)
    [attempt] = client.entries(photo, "callback", 1)

    assert (callbacks.documents(), callbacks.content_types) == ([task], ["application/json"])
    assert (attempt["attempt"], attempt["status"], attempt["delivered"]) == (1, 200, True)


def test_a_callback_is_sent_after_the_charge(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """So that the credits in it are final."""
    client.finish(photo, callback_url=callbacks.url)

    [charge] = client.entries(photo, "charge", 1)
    [attempt] = client.entries(photo, "callback", 1)
    assert charge["seq"] < attempt["seq"]


def test_a_failed_task_has_a_callback(
    client: Client, photos: PhotoHost, callbacks: Receiver, photo: str
) -> None:
    """With its error."""
    photos.special[photo] = (404, b"")
    task = client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 1)

    assert callbacks.documents() == [task]
    assert task["error"]["code"] == "image_processing_error"


def test_a_task_without_a_callback_url_has_no_callback(
    client: Client, callbacks: Receiver, photo: str
) -> None:
    """Another task's callback is the only one."""
    client.finish(photo)
    client.finish(f"{photo}-told", callback_url=callbacks.url)
    client.entries(f"{photo}-told", "callback", 1)

    assert len(callbacks.bodies) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_any_answer_but_2xx_is_retried(
    client: Client, callbacks: Receiver, photo: str, status: int
) -> None:
    """Redirects are not followed; a 2xx to the second attempt ends the retries."""
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
    """Four attempts, with pauses of 1, 2 and 4 seconds; the task stays completed."""
    callbacks.statuses[:] = [503] * 9
    task = client.finish(photo, callback_url=callbacks.url)
    client.entries(photo, "callback", 4)

    assert (len(callbacks.bodies), task["status"]) == (4, "completed")


def test_an_unreachable_receiver_is_recorded(client: Client, photo: str) -> None:
    """The entry has no status but the reason."""
    client.finish(photo, callback_url="https://localhost:1/callbacks/token")
    attempts = client.entries(photo, "callback", 4)

    assert [it["status"] for it in attempts] == [None] * 4
    assert all("refused" in it["failure"] for it in attempts)


def test_a_receiver_with_an_unknown_certificate_gets_nothing(
    standins: Standins, callbacks: Receiver, photo: str, tmp_path: Path
) -> None:
    """The certificate is verified with the bundle of the options."""
    bundle = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    with standins(ca_bundle=bundle) as client:
        client.finish(photo, callback_url=callbacks.url)
        attempts = client.entries(photo, "callback", 4)

    assert callbacks.bodies == []
    assert all("CERTIFICATE_VERIFY_FAILED" in it["failure"] for it in attempts)
