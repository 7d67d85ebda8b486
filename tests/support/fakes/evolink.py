from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from cutout.adapters.evolink.error_codes import (
    cause_of_task_failure,
    refusal,
    retry_of_task,
)
from cutout.adapters.evolink.promises_and_prices import TERMS
from cutout.adapters.evolink.task_api import call_body
from cutout.domain.errors import (
    FetchRefusedError,
    PictureError,
    ResponseLostError,
    TaskUnknownError,
)
from cutout.domain.photo.photo_and_result_checks import Picture
from cutout.domain.provider_outcomes import (
    Accepted,
    CreateOutcome,
    NotSent,
    OutcomeUnknown,
    PhotoAccess,
    Refused,
    Task,
    TaskStatus,
)
from cutout.domain.recipes import Recipe
from cutout.ports.telemetry import Clock
from tests.support.fakes.copier import size_of
from tests.support.fakes.steps import Step, no_step

PRICE = TERMS.usual_price
MODEL = "mj-v7-remove-bg"
CUT_OUT = b"png 600 400 0 255"
"""A result as the fakes write it: format, width, height, least and greatest alpha.

The task's id is added when it is served: two tasks never give the same bytes.
"""

Fault = Callable[["FakeEvolink", str, str], CreateOutcome]
"""What a create call does instead of the usual; it may take the call all the same."""


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One line of the provider's ledger."""

    task_id: str
    key: str
    image_url: str
    callback_url: str
    at: datetime


@dataclass
class FakeEvolink:
    """The provider: tasks, idempotency keys and a ledger of what it charged."""

    clock: Clock
    step: Step = no_step
    tasks: dict[str, Task] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    posts: list[tuple[str, str]] = field(default_factory=list)
    reads: list[tuple[str, datetime]] = field(default_factory=list)
    create_faults: deque[Fault] = field(default_factory=deque)
    read_faults: deque[Exception] = field(default_factory=deque)
    create_rule: Fault | None = None
    read_rule: Callable[[], Exception | None] = lambda: None
    price_rule: Callable[[], Decimal | None] = lambda: PRICE
    """What the provider says of a price, when it reserves credits and when it has used them."""
    honours_keys: bool = True
    unready: Exception | Refused | None = None
    _by_key: dict[str, tuple[str, str]] = field(default_factory=dict)

    def get_ready(self) -> Refused | None:
        if isinstance(self.unready, Exception):
            raise self.unready
        return self.unready

    def call_body(self, photo_url: str, callback_url: str | None) -> str:
        return call_body(MODEL, photo_url, callback_url)

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        self.step("evolink.create")
        self.posts.append((idempotency_key, body))
        fault = self.create_faults.popleft() if self.create_faults else self.create_rule
        outcome = fault(self, body, idempotency_key) if fault else self.take(body, idempotency_key)
        self.step("evolink.create done")
        return outcome

    def take(self, body: str, key: str) -> CreateOutcome:
        """Accept the call and charge it, or replay the one of the same key."""
        known = self._by_key.get(key) if self.honours_keys else None
        if known is not None:
            task_id, known_body = known
            if known_body != body:
                return refusal(status=409, code="idempotency_conflict", message="other body")
            return Accepted(task_id=task_id, credits_reserved=self.price_rule(), is_replay=True)
        task_id = f"task-unified-{len(self.tasks) + 1:06d}"
        told = json.loads(body)
        self.charges.append(
            Charge(
                task_id=task_id,
                key=key,
                image_url=told["image_urls"][0],
                callback_url=told["callback_url"],
                at=self.clock.now(),
            ),
        )
        self._by_key[key] = (task_id, body)
        self.tasks[task_id] = Task(id=task_id, status=TaskStatus.RUNNING)
        return Accepted(task_id=task_id, credits_reserved=self.price_rule())

    def read(self, task_id: str) -> Task:
        self.step("evolink.read")
        self.reads.append((task_id, self.clock.now()))
        fault = self.read_faults.popleft() if self.read_faults else self.read_rule()
        if fault:
            raise fault
        if task_id not in self.tasks:
            raise TaskUnknownError("the API knows no such task")
        return self.tasks[task_id]

    def complete(self, task_id: str, result: bytes = CUT_OUT) -> None:
        """Finish a task with a result."""
        url = f"https://media.example/{task_id}.png"
        self.results[url] = result + f" {task_id}".encode()
        self.tasks[task_id] = replace(
            self.tasks[task_id],
            status=TaskStatus.COMPLETED,
            result_url=url,
            credits_used=self.price_rule(),
        )

    def fail(self, task_id: str, code: str, message: str = "") -> None:
        """Finish a task without a result; the reservation is returned."""
        self.tasks[task_id] = replace(
            self.tasks[task_id],
            status=TaskStatus.FAILED,
            cause=cause_of_task_failure(code),
            retry=retry_of_task(code),
            code=code,
            message=message or None,
            credits_used=Decimal(0),
        )


@dataclass
class FakeFiles:
    """The Files API: copies by id, and which were deleted."""

    step: Step = no_step
    copies: dict[str, bytes] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    answers: deque[Refused | NotSent] = field(default_factory=deque)

    def upload(self, name: str, content_type: str, data: bytes) -> PhotoAccess | Refused | NotSent:
        assert content_type.startswith("image/")
        self.step("files.upload")
        if self.answers:
            return self.answers.popleft()
        self.copies[name] = data
        return PhotoAccess(file_id=name, url=f"https://files.example/{name}")

    def delete(self, file_id: str) -> None:
        self.step("files.delete")
        self.copies.pop(file_id, None)
        self.deleted.append(file_id)


def taken_but_unanswered(evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
    """Create and charge the task, but lose the answer."""
    evolink.take(body, key)
    return OutcomeUnknown(message="ReadTimeout")


def answering(outcome: CreateOutcome) -> Fault:
    """Refuse the call with this answer."""
    return lambda _evolink, _body, _key: outcome


@dataclass
class FakeDownloads:
    """Serves the provider's results."""

    evolink: FakeEvolink
    step: Step = no_step
    faults: deque[Exception] = field(default_factory=deque)
    rule: Callable[[], Exception | None] = lambda: None

    def fetch(self, url: str, file: Path) -> int:
        self.step("downloads.fetch")
        fault = self.faults.popleft() if self.faults else self.rule()
        if fault:
            raise fault
        if url not in self.evolink.results:
            raise FetchRefusedError("the link answers 404")
        return file.write_bytes(self.evolink.results[url])


@dataclass
class FakePictures:
    """Reads results as the fakes write them, and writes others alike.

    What it makes has one word more before the task: `upright`, `faithful`, or the recipe's name.
    """

    faults: dict[str, str] = field(default_factory=dict)
    """By what is asked for (`faithful_cut_out` or a recipe's name): why it cannot be."""

    def examine(self, file: Path) -> Picture | None:
        try:
            return _picture(file.read_text())
        except ValueError:
            return None

    def cut_out(
        self,
        result: Path,
        into: Path,
        *,
        size: tuple[int, int] | None = None,
    ) -> Picture:
        return self._write(result, into, "upright", format_="png", size=size)

    def faithful_cut_out(self, result: Path, photo: Path, into: Path) -> Picture:
        self._fail("faithful_cut_out")
        return self._write(result, into, "faithful", format_="png", size=size_of(photo))

    def render(self, cut_out: Path, recipe: Recipe, into: Path) -> Picture:
        self._fail(recipe.name)
        size = (recipe.fit.width, recipe.fit.height) if recipe.fit else None
        return self._write(cut_out, into, recipe.name, format_=recipe.format, size=size)

    def _fail(self, what: str) -> None:
        if what in self.faults:
            raise PictureError(self.faults[what])

    @staticmethod
    def _write(
        file: Path, into: Path, word: str, *, format_: str, size: tuple[int, int] | None = None
    ) -> Picture:
        _format, width, height, *rest, task = file.read_text().split()
        size_words = map(str, size) if size else (width, height)
        text = " ".join([format_, *size_words, *rest, word, task])
        into.write_text(text)
        return _picture(text)


def _picture(text: str) -> Picture:
    format_, width, height, low, high, *_rest = text.split()
    alpha = None if (low, high) == ("-1", "-1") else (int(low), int(high))
    return Picture(format=format_, width=int(width), height=int(height), alpha_range=alpha)


LOST = ResponseLostError("ReadTimeout")
