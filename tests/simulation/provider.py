"""The provider: what becomes of each task, and who is told."""

from __future__ import annotations

import json
from functools import partial

from tests.simulation.faults import TASK_CODES
from tests.simulation.inputs import is_taken, led_to
from tests.simulation.scene import Scene


class Provider:
    """Finishes tasks and calls back, if no fault keeps it from that."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = scene.world
        self.faults = scene.faults
        self.rng = scene.rng
        self.inputs: dict[str, bytes | None] = {}
        self._charges_seen = 0

    def provide(self) -> None:
        """Give every new task a fate."""
        for charge in self.world.evolink.charges[self._charges_seen :]:
            self._charges_seen += 1
            self.inputs[charge.task_id] = led_to(self.world, charge.image_url)
            seconds = self.rng.uniform(0.1, 10 if self.scene.is_contended else 90)
            if self.faults.strikes("task_slow"):
                seconds = self.rng.uniform(300, 2400)
            if not self.faults.strikes("task_stuck"):
                self.scene.agenda.plan(
                    seconds, partial(self._finish, charge.task_id, charge.callback_url)
                )

    def _finish(self, task_id: str, callback_url: str) -> None:
        if not is_taken(self.inputs[task_id]):
            self.world.evolink.fail(task_id, "image_processing_error")
        elif self.faults.strikes("task_failed"):
            self.world.evolink.fail(task_id, self.rng.choice(TASK_CODES))
        else:
            self.world.evolink.complete(task_id, self.faults.result())
        token = callback_url.rpartition("/")[2]
        if self.faults.strikes("callback_lost"):
            return
        times = 2 if self.faults.strikes("callback_twice") else 1
        for _ in range(times):
            delay = self.rng.uniform(0, 5)
            if self.faults.strikes("callback_late"):
                delay = self.rng.uniform(600, 9000)
            self.scene.agenda.plan(delay, partial(self._call_back, token, task_id))

    def _call_back(self, token: str, task_id: str) -> None:
        body = json.dumps({"id": task_id, "status": "completed"})
        if self.faults.strikes("callback_garbled"):
            body = self.rng.choice(("", "[]", '{"id": "task-of-somebody-else"}', "\x00"))
        elif others := self._tasks_on_record(task_id):
            called = self.world.jobs.jobs[token.partition(".")[0]]
            if self.faults.strikes("callback_swapped", called.state):
                body = json.dumps({"id": self.rng.choice(others), "status": "completed"})
        self.world.receive.receive(token, body)

    def _tasks_on_record(self, task_id: str) -> list[str]:
        """The tasks that are known to belong to other calls."""
        jobs = self.world.jobs.jobs.values()
        known = {attempt.task_id for job in jobs for attempt in job.attempts if attempt.task_id}
        return sorted(known - {task_id})
