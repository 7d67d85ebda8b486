"""One stand-in: its parts put together."""

import random

from starlette.requests import Request

from infra.local.evolink.api.error_responses import unauthorized
from infra.local.evolink.api.responses import task_answer
from infra.local.evolink.clock import Clock
from infra.local.evolink.cutting.cutout_worker import Workshop
from infra.local.evolink.database import Blobs, open_state
from infra.local.evolink.faults.fault_rules import RuleBook
from infra.local.evolink.files.stored_files import UploadBook
from infra.local.evolink.options import Options
from infra.local.evolink.tasks.activity_log import Ledger
from infra.local.evolink.tasks.callback_delivery import Callbacks
from infra.local.evolink.tasks.input_photo import Inputs
from infra.local.evolink.tasks.outgoing_http import Outgoing
from infra.local.evolink.tasks.task_lifecycle import Lives
from infra.local.evolink.tasks.task_store import Task, TaskBook


class Service:
    """Everything the routes work with; it belongs to one event loop.

    Attributes:
        options: What was chosen.
        base_url: Base of the links handed out.
        api_keys: Bearer keys accepted now.
        clock: The stand-in's time.
        rules: The faults in force.
        random: Where task ids and times come from.
        tasks: All tasks.
        ledger: All that happened.
        blobs: Results and uploaded files.
        uploads: The files of the Files API.
        lives: The tasks' lives.
    """

    def __init__(self, options: Options, own_url: str) -> None:
        self.options = options
        self.base_url = (options.public_url or own_url).rstrip("/")
        self.api_keys = frozenset(options.api_keys)
        self.clock = Clock(options.speed)
        self.rules = RuleBook(options.rules)
        self.random = random.Random(options.seed)  # noqa: S311 -- times, not secrets
        self._connection = open_state(options.state)
        self.tasks = TaskBook(self._connection)
        self.ledger = Ledger(self._connection, self.clock, options.balance)
        self._catch_up()
        self.blobs = Blobs(self._connection)
        self.uploads = UploadBook(self._connection)
        self.outgoing = Outgoing(options.ca_bundle)
        callbacks = Callbacks(
            clock=self.clock,
            ledger=self.ledger,
            outgoing=self.outgoing,
            describe=self.describe,
            timeout_seconds=options.callback_timeout_seconds,
        )
        self.lives = Lives(
            clock=self.clock,
            tasks=self.tasks,
            ledger=self.ledger,
            inputs=Inputs(options, self.ledger, self.outgoing),
            workshop=Workshop(self.blobs, options.workers),
            callbacks=callbacks,
            is_own_file=self._is_own_file,
        )

    def describe(self, task: Task) -> dict[str, object]:
        """Return the task as a read or a callback shows it now."""
        return task_answer(task, self.clock.now(), self.base_url)

    def _catch_up(self) -> None:
        """Go on from the last entry's time: with speed, it may lie in the real future."""
        last = self.ledger.last_time()
        if last is not None:
            self.clock.advance(max(0.0, (last - self.clock.now()).total_seconds()))

    def _is_own_file(self, url: str) -> bool:
        return url.startswith(f"{self.base_url}/files/")

    def authenticate(self, request: Request) -> str:
        """Return the bearer key of a request.

        Raises:
            RefusalError: There is none, or nobody knows it.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in self.api_keys:
            raise unauthorized()
        return key

    async def close(self) -> None:
        """Stop working and let go of everything."""
        await self.lives.close()
        self.outgoing.close()
        self._connection.close()
