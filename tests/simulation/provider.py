"""The provider: what happens to each task, and who gets a callback."""

from __future__ import annotations

import json
from functools import partial

from cutout.domain.provider_outcomes import TaskStatus
from tests.simulation import functions
from tests.simulation.evidence import job_called
from tests.simulation.faults import ODD_BODIES, TASK_CODES
from tests.simulation.inputs import is_taken, led_to
from tests.simulation.scene import Scene
from tests.support.fakes.evolink import Charge

_LATEST_READING_SECONDS = 1100


class Provider:
    """Reads photos, finishes tasks and sends callbacks, unless a fault prevents it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = scene.world
        self.evidence = scene.evidence
        self.faults = scene.faults
        self.rng = scene.rng
        self._charges_seen = 0

    def provide(self) -> None:
        """Decide how every new task ends."""
        for charge in self.world.evolink.charges[self._charges_seen :]:
            self._charges_seen += 1
            if self.faults.strikes("link_read_late"):
                late = self.rng.uniform(5, _LATEST_READING_SECONDS)
                self.scene.agenda.plan(late, partial(self._read, charge))
            else:
                self._read(charge)

    def _read(self, charge: Charge) -> None:
        """Follow the link; the picture will be of what it serves now."""
        self.evidence.inputs[charge.task_id] = led_to(
            self.world, charge.image_url, self.scene.clock.now()
        )
        seconds = self.rng.uniform(0.1, 10 if self.scene.is_contended else 90)
        if self.faults.strikes("task_slow"):
            seconds = self.rng.uniform(300, 2400)
        if not self.faults.strikes("task_stuck"):
            self.scene.agenda.plan(seconds, partial(self._finish, charge))

    def _finish(self, charge: Charge) -> None:
        task_id = charge.task_id
        if not is_taken(self.evidence.inputs[task_id]):
            self.world.evolink.fail(task_id, "image_processing_error")
        elif self.faults.strikes("task_failed"):
            self.world.evolink.fail(task_id, self.rng.choice(TASK_CODES))
        else:
            self.world.evolink.complete(task_id, self.faults.result())
        if self.faults.strikes("callback_lost"):
            return
        times = 2 if self.faults.strikes("callback_twice") else 1
        for _ in range(times):
            delay = self.rng.uniform(0, 5)
            if self.faults.strikes("callback_late"):
                delay = self.rng.uniform(600, 9000)
            self.scene.agenda.plan(delay, partial(self._call_back, charge.callback_url, task_id))

    def _call_back(self, url: str, task_id: str) -> None:
        body = json.dumps({"id": task_id, "status": "completed"})
        if self.faults.strikes("callback_garbled"):
            body = self.rng.choice(ODD_BODIES)
        elif others := self._tasks_of_others(task_id):
            called = self.evidence.row(job_called(url))
            if self.faults.strikes("callback_swapped", called.state):
                body = json.dumps({"id": self.rng.choice(others), "status": "completed"})
        status = functions.receive(self.world, url.rpartition("/")[2], body)
        assert status == 202 or self.faults.injected["keys_rotated"] > 1

    def _tasks_of_others(self, task_id: str) -> list[str]:
        """The tasks that are known to belong to other calls, and all that have failed.

        A running task whose own call is not answered yet is anybody's: nothing that the API says
        tells whose it is.
        """
        known = {
            attempt.task_id
            for job in self.evidence.rows()
            for attempt in job.attempts
            if attempt.task_id and not attempt.is_adopted
        }
        tasks = self.world.evolink.tasks.values()
        failed = {task.id for task in tasks if task.status is TaskStatus.FAILED}
        return sorted((known | failed) - {task_id})
