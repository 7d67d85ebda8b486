"""Two keys, two pictures, one slot: Hypothesis tries any order of steps and shrinks failures."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cutout.domain.errors import NewerRowError, TransientError
from cutout.domain.gate.gate import Limits
from cutout.domain.job.job import Job
from cutout.domain.provider_outcomes import OutcomeUnknown, TaskStatus
from cutout.domain.states import TRANSITIONS, Move
from cutout.ports.jobs_table import JobMovedError
from tests.simulation import events, functions
from tests.simulation.actors import Actor, Killed
from tests.simulation.faults import TASK_CODES, Mix
from tests.simulation.inputs import is_taken, led_to
from tests.simulation.promises import Promises
from tests.simulation.queue import Message, SimQueue
from tests.simulation.scene import Scene
from tests.support.fakes.clock import START
from tests.support.fakes.evolink import Charge, taken_but_unanswered
from tests.support.fakes.world import png

KEYS = st.sampled_from(("a.jpg", "a.png"))
"""They want the same result key."""
PICTURES = st.integers(min_value=1, max_value=2)
STEPS = st.integers(min_value=1, max_value=25)
"""How many steps a worker takes before something else happens: few messages take more."""
WHICH = st.integers(min_value=0, max_value=7)
_ONE_SLOT = Limits(max_in_flight=1, daily_credit_cap=Decimal(5000))
_LONGEST = timedelta(days=2)


_UNDER_WAY = timedelta(seconds=2)
"""So long a message takes at most."""
_TO_THE_END = 1000
"""No message takes as many steps."""
_Thing = TypeVar("_Thing")
Worker = tuple[Actor, SimQueue, Message]


def _one_of(things: Sequence[_Thing], which: int) -> _Thing:
    """Choose one; the latest is chosen by a small number, since it is the likeliest to matter."""
    return things[-1 - which % len(things)]


class SmallScope(RuleBasedStateMachine):
    """Everything that can happen to two keys, a step at a time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self._workers: list[Worker] = []

    @initialize(is_versioned=st.booleans(), reuse=st.booleans(), honours_keys=st.booleans())
    def deploy(self, *, is_versioned: bool, reuse: bool, honours_keys: bool) -> None:
        scene = Scene("a small scope", random.Random(0), Mix.none(), START)  # noqa: S311
        scene.furnish(is_versioned=is_versioned, reuse=reuse, limits=_ONE_SLOT)
        self.scene, self.world, self.evidence = scene, scene.world, scene.evidence
        self.world.evolink.honours_keys = honours_keys
        self.queues = (scene.submissions, scene.callbacks, scene.preparations)
        self.promises = Promises(scene.evidence)
        self._stack.enter_context(functions.quiet())

    # Users and operators

    @rule(key=KEYS, picture=PICTURES)
    def upload(self, key: str, picture: int) -> None:
        now = self.scene.clock.now()
        source = self.world.uploads.add(key, png(salt=picture))
        self.evidence.uploaded(source, png(salt=picture), at=now)
        self.scene.submissions.put(events.created(source, now))

    @precondition(lambda self: self.evidence.newest)
    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        if key in self.evidence.newest:
            self.evidence.newest[key] = self.world.uploads.remove(key)
            event = events.deleted(self.evidence.newest[key], self.scene.clock.now())
            self.scene.submissions.put(event)

    @precondition(lambda self: self._retryable())
    @rule(which=WHICH)
    def retry(self, which: int) -> None:
        job = _one_of(self._retryable(), which)
        self.evidence.retries.setdefault(job.id, []).append(self.scene.clock.now())
        with suppress(JobMovedError):
            self.world.operate.retry(job)

    # Workers

    @precondition(lambda self: self._deliverable())
    @rule(which=WHICH)
    def deliver(self, which: int) -> None:
        self._go_on(self._begin(*_one_of(self._deliverable(), which)), _TO_THE_END)

    @precondition(lambda self: len(self._workers) < 2 and self._deliverable())
    @rule(which=WHICH, steps=STEPS)
    def deliver_and_stop(self, which: int, steps: int) -> None:
        """Start a worker and let it take so many steps."""
        self._go_on(self._begin(*_one_of(self._deliverable(), which)), steps)

    @precondition(lambda self: self._workers)
    @rule(which=WHICH, steps=STEPS)
    def go_on(self, which: int, steps: int) -> None:
        self._go_on(_one_of(self._workers, which), steps)

    @precondition(lambda self: self._workers)
    @rule(which=WHICH)
    def crash(self, which: int) -> None:
        worker = _one_of(self._workers, which)
        worker[0].resume(Killed("crashed"))
        self._end(worker)

    @rule()
    def sweep(self) -> None:
        self.world.sweep.sweep()

    # The provider

    @rule(is_taken=st.booleans())
    def lose_the_next_answer(self, *, is_taken: bool) -> None:
        lost = OutcomeUnknown(message="ReadError")
        fault = taken_but_unanswered if is_taken else lambda _evolink, _body, _key: lost
        self.world.evolink.create_faults.append(fault)

    @precondition(lambda self: self._running())
    @rule(which=WHICH)
    def read_photo(self, which: int) -> None:
        self._read(_one_of(self._running(), which))

    @precondition(lambda self: self._running())
    @rule(which=WHICH, calls_back=st.booleans())
    def complete(self, which: int, *, calls_back: bool) -> None:
        charge = _one_of(self._running(), which)
        self._complete(charge)
        if calls_back:
            self._call_back(charge)

    @precondition(lambda self: self._running())
    @rule(which=WHICH, code=st.sampled_from(TASK_CODES), calls_back=st.booleans())
    def fail(self, which: int, code: str, *, calls_back: bool) -> None:
        charge = _one_of(self._running(), which)
        self.world.evolink.fail(charge.task_id, code)
        if calls_back:
            self._call_back(charge)

    @precondition(lambda self: self._has_begun and self.world.evolink.charges)
    @rule(which=WHICH)
    def call_back(self, which: int) -> None:
        self._call_back(_one_of(self.world.evolink.charges, which))

    @rule(minutes=st.sampled_from((1, 3, 25, 400)))
    def pass_time(self, minutes: int) -> None:
        """Let more time pass than workers live."""
        for worker in list(self._workers):
            worker[0].resume(Killed("timed out"))
            self._end(worker)
        self.scene.clock.advance(timedelta(minutes=minutes))

    # The promises

    @invariant()
    def promises_hold(self) -> None:
        if self._has_begun:
            self.promises.check_always()

    def teardown(self) -> None:
        """Let everything come to its end, and check the promises."""
        try:
            if self._has_begun:
                self._finish()
                self.promises.check_at_end()
        finally:
            self._stack.close()

    def _finish(self) -> None:
        self.world.evolink.create_faults.clear()
        ends_at = self.scene.clock.now() + _LONGEST
        while not self._is_idle():
            assert self.scene.clock.now() < ends_at, "still busy"
            for worker in list(self._workers):
                self._go_on(worker, _TO_THE_END)
            for charge in self._running():
                self._complete(charge)
            self._deliver_all()
            self.scene.clock.advance(timedelta(minutes=1))
            self.world.sweep.sweep()
            self.promises.check_always()

    def _deliver_all(self) -> None:
        for queue in self.queues:
            queue.redrive()
            for message in queue.visible():
                self._go_on(self._begin(queue, message), _TO_THE_END)

    def _is_idle(self) -> bool:
        jobs = self.world.jobs.jobs.values()
        is_working = self._workers or any(queue.messages for queue in self.queues)
        return not is_working and all(job.is_announced for job in jobs)

    @property
    def _has_begun(self) -> bool:
        return hasattr(self, "promises")

    def _retryable(self) -> list[Job]:
        jobs = self.world.jobs.jobs.values() if self._has_begun else []
        return [job for job in jobs if job.state in TRANSITIONS[Move.RETRY][0]]

    def _deliverable(self) -> list[tuple[SimQueue, Message]]:
        """Return the messages that are there, or will be in a moment."""
        if not self._has_begun:
            return []
        soon = self.scene.clock.now() + _UNDER_WAY
        messages = [(queue, message) for queue in self.queues for message in queue.messages]
        return [(queue, message) for queue, message in messages if message.visible_at <= soon]

    def _running(self) -> list[Charge]:
        if not self._has_begun:
            return []
        tasks = self.world.evolink.tasks
        charges = self.world.evolink.charges
        return [one for one in charges if tasks[one.task_id].status is TaskStatus.RUNNING]

    def _read(self, charge: Charge) -> bytes | None:
        """Follow the link, once."""
        if charge.task_id not in self.evidence.inputs:
            now = self.scene.clock.now()
            self.evidence.inputs[charge.task_id] = led_to(self.world, charge.image_url, now)
        return self.evidence.inputs[charge.task_id]

    def _complete(self, charge: Charge) -> None:
        if is_taken(self._read(charge)):
            self.world.evolink.complete(charge.task_id)
        else:
            self.world.evolink.fail(charge.task_id, "image_processing_error")

    def _call_back(self, charge: Charge) -> None:
        token = charge.callback_url.rpartition("/")[2]
        assert functions.receive(self.world, token, json.dumps({"id": charge.task_id})) == 202

    def _begin(self, queue: SimQueue, message: Message) -> Worker:
        self.scene.clock.advance_to(message.visible_at)
        queue.receive(message)
        actor = Actor(queue.name, partial(functions.work, self.world, queue.name, message.body))
        self._workers.append((actor, queue, message))
        return self._workers[-1]

    def _go_on(self, worker: Worker, steps: int) -> None:
        actor = worker[0]
        for _ in range(steps):
            actor.resume()
            if actor.is_done:
                self._end(worker)
                return

    def _end(self, worker: Worker) -> None:
        actor, queue, message = worker
        self._workers.remove(worker)
        error = actor.error
        if error is None:
            queue.finish(message)
        elif isinstance(error, Killed | TransientError | NewerRowError):
            queue.give_back(message)
        else:
            raise AssertionError(f"a worker broke at {actor.at}") from error


def _settings(examples: int, *, is_repeatable: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        database=None,
        derandomize=is_repeatable,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def test_promises_hold_in_a_small_scope() -> None:
    """The same examples each time."""
    run_state_machine_as_test(SmallScope, settings=_settings(150, is_repeatable=True))


@pytest.mark.soak
def test_promises_hold_in_a_small_scope_with_random_examples() -> None:
    """Other examples each time."""
    run_state_machine_as_test(SmallScope, settings=_settings(10_000, is_repeatable=False))
