from pathlib import Path
from typing import Any

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.neighbours import Receiver, call

_KEY = "cutout-state-0000001"


def _options(state: Path, **more: Any) -> dict[str, Any]:
    return {"state": state, "speed": 1, "balance": 100.0, **more}


def test_a_stand_in_that_starts_again_remembers_tasks_and_charges(
    standins: Standins, tmp_path: Path, photo: str
) -> None:
    """The balance, the result, and what an idempotency key stands for."""
    options = _options(tmp_path / "state.db")
    with standins(**options) as client:
        order = client.order(photo)
        task_id = client.create(order, idempotency_key=_KEY).json()["id"]
        client.entries(photo, "end", 1)
        before = client.read(task_id).json()
    with standins(**options) as client:
        after = client.read(task_id).json()
        replay = client.create(order, idempotency_key=_KEY)
        ledger = client.control("GET", "/_standin/ledger").json()
        result = call(after["results"][0])

    assert (after["usage"], result.status) == (before["usage"], 200)
    assert (replay.json()["id"], replay.headers["idempotency-replayed"]) == (task_id, "true")
    assert (ledger["balance"], ledger["photos"][photo]["charges"]) == (94.6, 1)


def test_a_task_that_was_interrupted_goes_on_and_is_paid_once(
    standins: Standins, tmp_path: Path, photo: str
) -> None:
    """Its time is the one it was given at first."""
    options = _options(tmp_path / "state.db", seconds=(3600, 3600))
    with standins(**options) as client:
        task_id = client.create(client.order(photo)).json()["id"]
    with standins(**options) as client:
        waiting = client.read(task_id).json()["status"]
        client.control("POST", "/_standin/clock", {"advance_seconds": 3600})
        client.entries(photo, "end", 1)
        task = client.read(task_id).json()
        charges = client.entries(photo, "charge", 1)

    assert (waiting, task["status"], len(charges)) == ("pending", "completed", 1)


def test_a_callback_that_was_due_is_sent_after_the_start(
    standins: Standins, callbacks: Receiver, tmp_path: Path, photo: str
) -> None:
    """A task that has ended is not billed again for it."""
    options = _options(tmp_path / "state.db")
    with standins(**options) as client:
        client.commit("callback", "late", seconds=3600)
        task = client.finish(photo, callback_url=callbacks.url)
    with standins(**options) as client:
        client.control("POST", "/_standin/clock", {"advance_seconds": 3600})
        client.entries(photo, "callback", 1)
        charges = client.entries(photo, "charge", 1)

    assert [told["id"] for told in callbacks.documents()] == [task["id"]]
    assert len(charges) == 1


def test_time_goes_on_from_where_it_was(standins: Standins, tmp_path: Path, photo: str) -> None:
    """A link that had died does not live again."""
    options = _options(tmp_path / "state.db")
    with standins(**options) as client:
        task_id = client.finish(photo)["id"]
        client.control("POST", "/_standin/clock", {"advance_seconds": 25 * 3600})
        client.read(task_id)
    with standins(**options) as client:
        link = client.read(task_id).json()["results"][0]

        assert call(link).status == 404
