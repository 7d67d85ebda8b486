"""What the routes and the tasks of one stand-in share."""

from starlette.requests import Request
from starlette.responses import Response

from infra.local.evolink.faults.broken_answers import Exchange, Faults
from infra.local.evolink.faults.fault import Rule
from infra.local.evolink.faults.fault_rules import FaultRules
from infra.local.evolink.options import Options
from infra.local.evolink.refusals import UNAUTHORIZED, RefusalError
from infra.local.evolink.standin_clock import Clock
from infra.local.evolink.stored_state import StoredDict, StoredState
from infra.local.evolink.tasks.activity_log import ActivityLog
from infra.local.evolink.tasks.outgoing_http import OutgoingHttp
from infra.local.evolink.tasks.task import Task, task_answer


class Service:
    """Everything of one stand-in, for one event loop; blobs are by the SHA-256 of their bytes."""

    def __init__(self, options: Options, base_url: str) -> None:
        self.options = options
        self.base_url = base_url
        self.api_keys = frozenset(options.api_keys)
        self.clock = Clock(options.speed)
        self.rules = FaultRules()
        self.state = StoredState(options.state)
        self.tasks: StoredDict[Task] = StoredDict(self.state, "tasks")
        self.blobs: StoredDict[bytes] = StoredDict(self.state, "blobs")
        self.activity = ActivityLog(self.state, self.clock, options.balance)
        self.outgoing = OutgoingHttp(options.ca_bundle)
        # A fast clock may have put the last run's end in the future.
        if (last := self.activity.last_time()) is not None:
            self.clock.advance(max(0.0, (last - self.clock.now()).total_seconds()))

    @property
    def running(self) -> int:
        """The number of tasks that have not ended."""
        return sum(task.is_running for task in self.tasks.values())

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
        """Return the bearer key of a request; RefusalError if it has none, or an unknown one."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in self.api_keys:
            raise RefusalError(UNAUTHORIZED)
        return key

    def close(self) -> None:
        """Close all resources."""
        self.outgoing.close()
        self.state.close()
