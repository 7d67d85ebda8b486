"""One contract for the provider: the fake of the lower tiers, and the adapter over the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.adapters.evolink.task_api import EvolinkApi
from cutout.adapters.http_httpx import FetchLimits, HttpxHttp, SafeDownloads
from cutout.domain.errors import TaskUnknownError
from cutout.domain.provider_outcomes import Accepted, Cause, Refused, Retry, Task, TaskStatus
from cutout.ports.provider_api import Downloads, Provider
from infra.local.evolink.options import Options
from tests.contract.evolink_standin.peers import API_KEY, MODEL, Client, photo_host
from tests.support.drawing import SMALL
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.evolink import PRICE, FakeDownloads, FakeEvolink
from tests.support.provider_transport import Key
from tests.support.running_standin import running_standin

BODY_KEY = "cutout-0123456789abcdef-1"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The API and its media host, and how a task is brought to its end.

    Attributes:
        finish: brings a task to its end: a good one, unless it was told to fail.
        fail_next: has the next task fail with this error code.
    """

    api: Provider
    downloads: Downloads
    photo_url: str
    finish: Callable[[str], None]
    fail_next: Callable[[str], None]

    def body(self, photo: str = "a.png") -> str:
        """A call for a photo."""
        return self.api.call_body(f"{self.photo_url}/{photo}", CALLBACK_URL)


CALLBACK_URL = "https://127.0.0.1:9/callbacks/t"
"""No server listens there."""


def faked() -> Subject:
    """In memory."""
    evolink = FakeEvolink(FakeClock())
    codes: list[str] = []

    def finish(task_id: str) -> None:
        if codes:
            evolink.fail(task_id, codes.pop(), "The task failed.")
        else:
            evolink.complete(task_id)

    return Subject(
        api=evolink,
        downloads=FakeDownloads(evolink),
        photo_url="https://uploads.example",
        finish=finish,
        fail_next=codes.append,
    )


def served(client: Client) -> Subject:
    """Over a real socket."""

    def finish(_task_id: str) -> None:
        client.control("POST", "/_standin/clock", {"advance_seconds": 120})
        client.entries("", "end", 1)

    return Subject(
        api=EvolinkApi(HttpxHttp(), client.url, MODEL, Key(cached=API_KEY, fresh=API_KEY)),
        downloads=SafeDownloads(FetchLimits(allow_loopback=True)),
        photo_url=client.photos,
        finish=finish,
        fail_next=lambda code: client.commit("task", "failed", code=code),
    )


@pytest.fixture(params=["fake", "stand-in"])
def provider(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A provider without tasks; each task runs until it is told to end."""
    if request.param == "fake":
        yield faked()
        return
    options = Options(
        api_keys=(API_KEY,),
        seconds=(60.0, 60.0),
        side_limits=(1, 9000),
    )
    with photo_host(SMALL["png"]) as photos, running_standin(options) as standin:
        yield served(Client(url=standin.url, token=standin.control_token, photos=photos.url))


def created(provider: Subject) -> str:
    """The task of an accepted call."""
    outcome = provider.api.create(provider.body(), BODY_KEY)
    assert isinstance(outcome, Accepted)
    return outcome.task_id


def test_a_call_is_taken_and_reserves_credits(provider: Subject) -> None:
    """It says which task and how much."""
    outcome = provider.api.create(provider.body(), BODY_KEY)
    assert isinstance(outcome, Accepted)
    assert outcome.task_id.startswith("task-unified-")
    assert (outcome.credits_reserved, outcome.is_replay) == (PRICE, False)


def test_the_same_call_again_is_answered_with_the_first_ones_task(provider: Subject) -> None:
    """Same key, same body: no second task, and it says so."""
    task_id = created(provider)
    again = provider.api.create(provider.body(), BODY_KEY)
    assert again == Accepted(task_id=task_id, credits_reserved=PRICE, is_replay=True)


def test_the_same_key_with_another_body_is_refused(provider: Subject) -> None:
    """A new signature in the photo's link is another body."""
    created(provider)
    outcome = provider.api.create(provider.body("b.png"), BODY_KEY)
    assert isinstance(outcome, Refused)
    assert (outcome.cause, outcome.code) == (Cause.CALL_UNDECIDED, "idempotency_conflict")


def test_another_key_is_another_task(provider: Subject) -> None:
    """Each attempt is a paid call of its own."""
    first = created(provider)
    other = provider.api.create(provider.body(), BODY_KEY + "2")
    assert isinstance(other, Accepted)
    assert other.task_id != first


def test_a_task_runs_until_it_ends(provider: Subject) -> None:
    """Nothing is known of it but that it is there."""
    task_id = created(provider)
    assert provider.api.read(task_id) == Task(id=task_id, status=TaskStatus.RUNNING)


def test_a_completed_task_names_its_result_and_its_price(provider: Subject, file: Path) -> None:
    """And the result can be fetched from there."""
    task_id = created(provider)
    provider.finish(task_id)
    task = provider.api.read(task_id)
    assert task == Task(
        id=task_id,
        status=TaskStatus.COMPLETED,
        result_url=task.result_url,
        credits_used=PRICE,
    )
    assert task.result_url is not None
    assert provider.downloads.fetch(task.result_url, file) == file.stat().st_size > 0


def test_a_failed_task_names_its_code_and_costs_nothing(provider: Subject) -> None:
    """The reservation is returned."""
    provider.fail_next("resource_exhausted")
    task_id = created(provider)
    provider.finish(task_id)
    task = provider.api.read(task_id)
    assert task == Task(
        id=task_id,
        status=TaskStatus.FAILED,
        retry=Retry(delay=timedelta(minutes=3), most=3),
        code="resource_exhausted",
        message=task.message,
        credits_used=Decimal(0),
    )


def test_a_task_that_was_never_made_is_unknown(provider: Subject) -> None:
    """404, and nothing else."""
    with pytest.raises(TaskUnknownError):
        provider.api.read("task-unified-0-nobody")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a result goes."""
    return tmp_path / "result"
