from concurrent.futures import ThreadPoolExecutor

from tests.contract.evolink_standin.conftest import Standins
from tests.contract.evolink_standin.neighbours import Receiver

_TASKS = 200


def test_two_hundred_tasks_at_once_all_end_and_are_all_told(
    standins: Standins, callbacks: Receiver
) -> None:
    """Each is paid once and told once; equal photos are cut out once."""
    with standins(seconds=(60, 600)) as client, ThreadPoolExecutor(16) as people:
        replies = list(
            people.map(
                lambda number: client.create(
                    client.order(f"/load/{number}.png", callback_url=callbacks.url)
                ),
                range(_TASKS),
            )
        )
        client.entries("/load/", "callback", _TASKS)
        ledger = client.control("GET", "/_standin/ledger").json()

    once = {"posts": 1, "tasks": 1, "charges": 1}
    assert {reply.status for reply in replies} == {200}
    assert ledger["photos"] == {f"/load/{number}.png": once for number in range(_TASKS)}
    assert ledger["peak_running"] > 1
    assert {told["id"] for told in callbacks.documents()} == {
        reply.json()["id"] for reply in replies
    }
    assert len(callbacks.bodies) == _TASKS
