"""The same tests for the provider's fake and for the adapter over the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cutout.adapters.evolink.task_api import EvolinkApi
from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.adapters.http_httpx.sending import HttpxHttp
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
    """The API and its media host, and how a task is ended.

    Attributes:
        finish: ends a task: successfully, unless it was told to fail.
        fail_next: has the next task fail with this error code.
    """

    api: Provider
    downloads: Downloads
    photo_url: str
    finish: Callable[[str], None]
    fail_next: Callable[[str], None]

    def body(self, photo: str = "a.png") -> str:
        """Return the body of a call for a photo."""
        return self.api.call_body(f"{self.photo_url}/{photo}", CALLBACK_URL)


CALLBACK_URL = "https://127.0.0.1:9/callbacks/t"
"""No server listens there."""


def faked() -> Subject:
    """Return the provider's fake."""
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
    """Return the adapters over the stand-in."""

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
    """Return the task of an accepted call."""
    outcome = provider.api.create(provider.body(), BODY_KEY)
    assert isinstance(outcome, Accepted)
    return outcome.task_id


def test_accepted_call_reserves_credits(provider: Subject) -> None:
    """The answer has the task and the credits."""
    outcome = provider.api.create(provider.body(), BODY_KEY)
    assert isinstance(outcome, Accepted)
    assert outcome.task_id.startswith("task-unified-")
    assert (outcome.credits_reserved, outcome.is_replay) == (PRICE, False)


def test_repeated_call_is_answered_with_the_first_task(provider: Subject) -> None:
    """With the same key and body: there is no second task, and the answer is marked as a replay."""
    task_id = created(provider)
    again = provider.api.create(provider.body(), BODY_KEY)
    assert again == Accepted(task_id=task_id, credits_reserved=PRICE, is_replay=True)


def test_same_key_with_another_body_is_refused(provider: Subject) -> None:
    """A new signature in the photo's link makes another body."""
    created(provider)
    outcome = provider.api.create(provider.body("b.png"), BODY_KEY)
    assert isinstance(outcome, Refused)
    assert (outcome.cause, outcome.code) == (Cause.CALL_UNDECIDED, "idempotency_conflict")


def test_another_key_creates_another_task(provider: Subject) -> None:
    """Each attempt is a paid call of its own."""
    first = created(provider)
    other = provider.api.create(provider.body(), BODY_KEY + "2")
    assert isinstance(other, Accepted)
    assert other.task_id != first


def test_task_runs_until_it_ends(provider: Subject) -> None:
    """Until then only its status is known."""
    task_id = created(provider)
    assert provider.api.read(task_id) == Task(id=task_id, status=TaskStatus.RUNNING)


def test_completed_task_has_its_result_and_price(provider: Subject, file: Path) -> None:
    """The result can be downloaded from its link."""
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


def test_failed_task_has_its_code_and_costs_nothing(provider: Subject) -> None:
    """The reserved credits are returned."""
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


def test_task_that_was_never_created_is_unknown(provider: Subject) -> None:
    """Only a 404 means that."""
    with pytest.raises(TaskUnknownError):
        provider.api.read("task-unified-0-nobody")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file for a downloaded result."""
    return tmp_path / "result"
