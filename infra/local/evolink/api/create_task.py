"""``POST /v1/images/generations``: an order becomes a task."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink.api.create_request import (
    Order,
    check_idempotency_key,
    parse_order,
    photo_of_body,
)
from infra.local.evolink.api.error_responses import (
    RefusalError,
    idempotency_conflict,
    insufficient_quota,
    rate_limited,
)
from infra.local.evolink.api.responses import creation_answer
from infra.local.evolink.faults.create_faults import refuse, spoil
from infra.local.evolink.faults.fault_rules import Rule
from infra.local.evolink.faults.fault_table import Fault, Stage
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind
from infra.local.evolink.tasks.task_store import Task


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    task: Task
    is_replay: bool


class Creating:
    """The route on which tasks are created and paid."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/v1/images/generations", self.create, methods=["POST"])]

    async def create(self, request: Request) -> Response:
        """Create a task, or refuse to, or break in the way a rule asks for."""
        body = await request.body()
        photo = photo_of_body(body)
        rule = self._service.rules.take(Stage.CREATE, photo)
        if rule is not None and (refusal := await refuse(request, rule)) is not None:
            self._enter(request, photo, refusal.status_code, rule=rule)
            return refusal
        try:
            accepted = self._accept(request, body)
        except RefusalError as error:
            self._enter(request, photo, error.status)
            raise
        self._enter(request, photo, HTTPStatus.OK, rule=rule, task=accepted.task)
        return await self._answer(request, accepted, rule)

    def _enter(
        self,
        request: Request,
        photo: str,
        status: int,
        *,
        rule: Rule | None = None,
        task: Task | None = None,
    ) -> None:
        self._service.ledger.enter(
            Kind.POST,
            task=None if task is None else task.id,
            photo=photo,
            status=status,
            fault=None if rule is None else rule.fault,
            idempotency_key=request.headers.get("idempotency-key"),
        )

    def _accept(self, request: Request, body: bytes) -> _Accepted:
        service = self._service
        key = request.headers.get("idempotency-key")
        api_key = service.authenticate(request)
        order = parse_order(body, strict_callbacks=service.options.strict_callbacks)
        check_idempotency_key(key)
        if key is not None and (earlier := service.tasks.recall(api_key, key)) is not None:
            return self._replay(order, *earlier)
        self._check_room()
        task = self._task(order)
        with service.tasks.at_once():
            service.ledger.reserve(task.id, task.photo, task.credits_reserved)
            service.tasks.save(task)
            if key is not None:
                service.tasks.remember(api_key, key, order.digest, task.id)
        service.ledger.note_running(service.tasks.running())
        return _Accepted(task=task, is_replay=False)

    def _replay(self, order: Order, digest: str, task_id: str) -> _Accepted:
        if digest != order.digest:
            raise idempotency_conflict()
        task = self._service.tasks.find(task_id)
        if task is None:
            raise RuntimeError("an idempotency key is kept together with its task")
        self._service.ledger.enter(Kind.REPLAY, task=task.id, photo=task.photo)
        return _Accepted(task=task, is_replay=True)

    def _check_room(self) -> None:
        service = self._service
        if service.ledger.balance < service.options.price:
            raise insufficient_quota()
        limit = service.options.max_running
        if limit is not None and service.tasks.running() >= limit:
            raise rate_limited()

    def _task(self, order: Order) -> Task:
        service = self._service
        now = service.clock.now()
        telling = None
        if order.callback_url is not None:
            telling = service.rules.take(Stage.TELL, order.photo)
        is_early = telling is not None and telling.kind is Fault.CALLBACK_EARLY
        seconds = 0.0 if is_early else service.random.uniform(*service.options.seconds)
        return Task(
            id=f"task-unified-{int(now.timestamp())}-{secrets.token_hex(8)}",
            model=order.model,
            created=now,
            finish_at=now + timedelta(seconds=seconds),
            image_url=order.image_url,
            photo=order.photo,
            callback_url=order.callback_url,
            credits_reserved=service.options.price,
            outcome=service.rules.take(Stage.OUTCOME, order.photo),
            telling=telling,
        )

    async def _answer(self, request: Request, accepted: _Accepted, rule: Rule | None) -> Response:
        task = accepted.task
        if not accepted.is_replay:
            life = self._service.lives.begin(task)
            if task.telling is not None and task.telling.kind is Fault.CALLBACK_EARLY:
                await life
        headers = {"idempotency-replayed": "true"} if accepted.is_replay else None
        answer = creation_answer(task)
        spoilt = rule and await spoil(request, rule, answer, self._service.clock)
        return spoilt or JSONResponse(answer, headers=headers)
