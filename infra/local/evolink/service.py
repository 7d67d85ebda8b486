"""One stand-in: its parts, connected."""

import random

from starlette.requests import Request
from starlette.responses import Response

from infra.local.evolink.answers.error_responses import unauthorized
from infra.local.evolink.database import Blobs, open_state
from infra.local.evolink.faults.broken_answers import Exchange, Faults
from infra.local.evolink.faults.fault_rules import FaultRules
from infra.local.evolink.faults.rule import Rule
from infra.local.evolink.files.stored_files import FileStore
from infra.local.evolink.options import Options
from infra.local.evolink.standin_clock import Clock
from infra.local.evolink.tasks.activity_log import ActivityLog
from infra.local.evolink.tasks.callback_delivery import CallbackDelivery
from infra.local.evolink.tasks.cutout_worker import CutoutWorker
from infra.local.evolink.tasks.input_photo import InputPhotos
from infra.local.evolink.tasks.outgoing_http import OutgoingHttp
from infra.local.evolink.tasks.responses import task_answer
from infra.local.evolink.tasks.task_lifecycle import TaskLifecycle
from infra.local.evolink.tasks.task_store import Task, TaskStore


class Service:
    """Everything that the routes use; it belongs to one event loop.

    Attributes:
        options: The options of this stand-in.
        base_url: Base of the links in answers.
        api_keys: Bearer keys that are accepted now.
        clock: The stand-in's time.
        rules: The fault rules in force.
        random: The source of tasks' durations.
        tasks: All tasks.
        activity: Everything that happened.
        blobs: Results and uploaded files.
        files: The files of the Files API.
        outgoing: Requests to other servers.
        lifecycle: Runs the tasks.
    """

    def __init__(self, options: Options, own_url: str) -> None:
        self.options = options
        self.base_url = (options.public_url or own_url).rstrip("/")
        self.api_keys = frozenset(options.api_keys)
        self.clock = Clock(options.speed)
        self.rules = FaultRules(options.rules)
        self.random = random.Random(options.seed)  # noqa: S311 - durations, not secrets
        self._connection = open_state(options.state)
        self.tasks = TaskStore(self._connection)
        self.activity = ActivityLog(self._connection, self.clock, options.balance)
        self._catch_up()
        self.blobs = Blobs(self._connection)
        self.files = FileStore(self._connection)
        self.outgoing = OutgoingHttp(options.ca_bundle)
        self.lifecycle = TaskLifecycle(
            clock=self.clock,
            tasks=self.tasks,
            activity=self.activity,
            inputs=InputPhotos(options, self.activity, self.outgoing),
            worker=CutoutWorker(self.blobs, options.workers),
            callbacks=CallbackDelivery(
                clock=self.clock,
                activity=self.activity,
                outgoing=self.outgoing,
                describe=self.describe,
                timeout_seconds=options.callback_timeout_seconds,
            ),
            is_own_file=self._is_own_file,
        )

    def describe(self, task: Task) -> dict[str, object]:
        """Return the task as a read or a callback shows it now."""
        return task_answer(task, self.clock.now(), self.base_url)

    def answer(
        self, request: Request, faults: Faults, rule: Rule | None, answer: Response
    ) -> Response:
        """Return the answer, or what the rule's fault makes of it."""
        if rule is None:
            return answer
        exchange = Exchange(request=request, rule=rule, clock=self.clock, answer=answer)
        return faults[rule.fault].effect(exchange)

    def authenticate(self, request: Request) -> str:
        """Return the bearer key of a request.

        Raises:
            RefusalError: It has none, or an unknown one.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in self.api_keys:
            raise unauthorized()
        return key

    async def close(self) -> None:
        """Stop all work and close all resources."""
        await self.lifecycle.close()
        self.outgoing.close()
        self._connection.close()

    def _catch_up(self) -> None:
        """Continue from the last entry's time, which a fast clock may have put in the future."""
        last = self.activity.last_time()
        if last is not None:
            self.clock.advance(max(0.0, (last - self.clock.now()).total_seconds()))

    def _is_own_file(self, url: str) -> bool:
        return url.startswith(f"{self.base_url}/files/")
