"""The faults, and how likely each is in a run. Each run draws its own mix."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal

from cutout.adapters.evolink.error_codes import refusal
from cutout.domain.errors import (
    FetchRefusedError,
    NotSentError,
    ProviderBusyError,
    ResponseLostError,
    StoreBusyError,
    TaskUnknownError,
)
from cutout.domain.provider_outcomes import CreateOutcome, NotSent, OutcomeUnknown
from tests.support.fakes.evolink import CUT_OUT, PRICE, FakeEvolink

TASK_CODES = (
    "content_policy_violation",
    "image_processing_error",
    "request_cancelled",
    "generation_failed_no_content",
    "service_error",
    "generation_timeout",
    "resource_exhausted",
    "quota_exceeded",
    "a_code_nobody_documented",
)
ODD_RESULTS = (
    b"<html>sorry</html>",
    b"png 600 400 255 255",
    b"png 600 400 0 0",
    b"png 300 900 0 255",
    b"webp 600 400 0 255",
    b"jpeg 600 400 -1 -1",
)
ODD_PRICES = (None, Decimal(0), Decimal("0.1"), Decimal("54.321"), Decimal(9999))
ODD_BODIES = (
    "",
    "[]",
    "\x00",
    "\ufeff{}",
    "id=task-unified-000001&status=completed",
    '{"id": 1234567}',
    '{"id": null}',
    '{"id": ["task-unified-000001"]}',
    '{"data": {"data": {"id": "task-unified-000001"}}}',
    '{"id": "task-of-somebody-else"}',
)
_YOUNG = timedelta(minutes=8)
"""For so long after its creation a task may be unknown to the API, time and again."""

_HALF = 0.5
_NO_CALLS = frozenset({"start", "begun"})
_LIKELIER = {
    ("crash", "evolink.create done"): 10,
    ("crash", "results.put done"): 10,
    ("crash", "copier.copy"): 10,
    ("crash", "copies.put done"): 10,
    ("callback_swapped", "unconfirmed"): 8,
    ("stall", "downloads.fetch"): 12,
    ("stall", "results.current"): 12,
    ("stall", "results.put"): 12,
    ("stall", "purchases.save"): 40,
    ("stall", "copies.put"): 12,
    ("written_unanswered", "jobs.save done"): 3,
}
"""Where a fault is most instructive: around what cannot be undone, or what nobody else knows."""


@dataclass
class Mix:
    """Probabilities of one run, each between 0 and its default times 2."""

    crash: float = 0.004
    store_busy: float = 0.004
    answer_lost: float = 0.002
    written_unanswered: float = 0.004
    index_lags: float = 0.1
    delivered_twice: float = 0.05
    at_two_workers: float = 0.05
    queue_slow: float = 0.02
    redriven_late: float = 0.1
    sweeps_overlap: float = 0.05
    clock_differs: float = 0.3
    taken_back: float = 0.02
    keys_rotated: float = 0.02
    create_refused: float = 0.06
    create_paused: float = 0.03
    create_not_sent: float = 0.05
    create_untaken: float = 0.03
    create_unanswered: float = 0.08
    create_undecided: float = 0.03
    price_odd: float = 0.1
    link_read_late: float = 0.1
    task_failed: float = 0.1
    task_stuck: float = 0.01
    task_slow: float = 0.05
    result_odd: float = 0.05
    callback_lost: float = 0.15
    callback_twice: float = 0.1
    callback_late: float = 0.1
    callback_garbled: float = 0.05
    callback_swapped: float = 0.05
    read_fails: float = 0.05
    task_hidden: float = 0.1
    task_forgotten: float = 0.02
    download_fails: float = 0.1
    forged: float = 0.05
    stall: float = 0.01
    overwritten: float = 0.2
    deleted: float = 0.05
    version_deleted: float = 0.03
    event_lost: float = 0.05
    not_a_photo: float = 0.05
    needs_copy: float = 0.15
    undecodable: float = 0.1
    deadly: float = 0.1
    copy_lost: float = 0.05
    same_picture: float = 0.2
    uploaded_twice: float = 0.1
    fresh: float = 0.05
    kept_lost: float = 0.02
    retried: float = 0.03
    paused: float = 0.02
    limits_changed: float = 0.02
    rendered: float = 0.03
    decided: float = 0.2

    @classmethod
    def draw(cls, rng: random.Random) -> Mix:
        """Draw a mix: some faults off, some frequent."""
        scale = rng.choice((0.0, 0.5, 1.0, 2.0))
        drawn = {f.name: f.default * scale * rng.choice((0, 1, 1, 2)) for f in fields(cls)}  # type: ignore[operator]
        return cls(**drawn)

    @classmethod
    def none(cls) -> Mix:
        """A run without faults."""
        return cls(**dict.fromkeys((f.name for f in fields(cls)), 0.0))


@dataclass
class Faults:
    """Draws faults and counts those it injected, by kind."""

    mix: Mix
    rng: random.Random
    injected: Counter[str] = field(default_factory=Counter)
    is_quiet: bool = False

    def strikes(self, kind: str, at: str = "") -> bool:
        """Return whether a fault happens now; some steps draw certain faults more than others."""
        likely = getattr(self.mix, kind) * _LIKELIER.get((kind, at), 1)
        if self.is_quiet or self.rng.random() >= likely:
            return False
        self.injected[kind] += 1
        return True

    def on_create(self, evolink: FakeEvolink, body: str, key: str) -> CreateOutcome:
        """Draw how a create call ends."""
        untaken = self._untaken()
        if untaken is not None:
            return untaken
        if self.strikes("create_undecided"):
            # A call whose key is undecided is not accepted with another answer.
            if self.rng.random() < _HALF and not any(c.key == key for c in evolink.charges):
                evolink.take(body, key)
            return refusal(status=409, code="paid_outcome_unknown", message="not decided")
        outcome = evolink.take(body, key)
        if self.strikes("create_unanswered"):
            return OutcomeUnknown(message="ReadTimeout")
        return outcome

    def _untaken(self) -> CreateOutcome | None:
        """Draw why the provider refuses a call, if it does."""
        if self.strikes("create_not_sent"):
            return NotSent(message="ConnectError")
        if self.strikes("create_untaken"):
            return OutcomeUnknown(message="ReadError")
        if self.strikes("create_paused"):
            status, code = self.rng.choice(
                ((402, "insufficient_quota"), (429, "rate_limit_exceeded"), (401, "unauthorized")),
            )
            return refusal(status=status, code=code, message="no")
        if self.strikes("create_refused"):
            return refusal(status=400, code="invalid_request", message="no")
        return None

    def on_read(self, evolink: FakeEvolink) -> Exception | None:
        """Draw why a task cannot be read now."""
        task_id, now = evolink.reads[-1]
        age = next((now - one.at for one in evolink.charges if one.task_id == task_id), _YOUNG)
        if self.strikes("task_hidden" if age < _YOUNG else "task_forgotten"):
            return TaskUnknownError("404")
        if not self.strikes("read_fails"):
            return None
        return self.rng.choice(
            (
                NotSentError("ConnectTimeout"),
                ResponseLostError("ReadTimeout"),
                ProviderBusyError("the API answers 402", status=402),
                ProviderBusyError("the API answers 503", status=503),
            ),
        )

    def on_fetch(self) -> Exception | None:
        """Draw why a result cannot be fetched now."""
        if not self.strikes("download_fails"):
            return None
        return self.rng.choice(
            (
                FetchRefusedError("the link leads to an address that is not public"),
                ResponseLostError("RemoteProtocolError"),
                ProviderBusyError("the link answers 403", status=403),
            ),
        )

    def on_step(self, name: str) -> Exception | None:
        """Draw what happens to a worker that calls AWS at this step."""
        if name in _NO_CALLS or name.startswith(("evolink", "downloads", "copier")):
            return None
        if name.endswith("done"):
            is_lost = self.strikes("written_unanswered", name)
            return StoreBusyError("written; the answer was lost") if is_lost else None
        return StoreBusyError("throttled") if self.strikes("store_busy", name) else None

    def price(self) -> Decimal | None:
        """Draw the price that the provider reports."""
        return self.rng.choice(ODD_PRICES) if self.strikes("price_odd") else PRICE

    def result(self) -> bytes:
        """Draw what the link of a completed task serves."""
        return self.rng.choice(ODD_RESULTS) if self.strikes("result_odd") else CUT_OUT
