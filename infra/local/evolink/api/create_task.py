"""``POST /v1/images/generations``: a create request becomes a task."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink.answers.error_responses import (
    RefusalError,
    idempotency_conflict,
    insufficient_quota,
    rate_limited,
)
from infra.local.evolink.api.create_request import (
    CreateRequest,
    check_idempotency_key,
    parse_create_request,
    photo_of_body,
)
from infra.local.evolink.faults.callback_faults import callback_effect
from infra.local.evolink.faults.create_faults import LOST_ANSWERS, REFUSED_REQUESTS
from infra.local.evolink.faults.fault import Stage
from infra.local.evolink.faults.rule import Rule
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind
from infra.local.evolink.tasks.responses import creation_answer
from infra.local.evolink.tasks.task_store import Task


@dataclass(frozen=True, kw_only=True)
class _Accepted:
    task: Task
    is_replay: bool


class CreateTask:
    """The route on which tasks are created and paid for."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/v1/images/generations", self.create, methods=["POST"])]

    async def create(self, request: Request) -> Response:
        """Create a task, refuse to, or break the answer as a rule says."""
        service = self._service
        body = await request.body()
        photo = photo_of_body(body)
        rule = service.rules.take(Stage.CREATE, photo)
        if rule is not None and rule.fault in REFUSED_REQUESTS:
            refusal = service.answer(request, REFUSED_REQUESTS, rule, Response())
            self._enter(request, photo, refusal.status_code, rule=rule)
            return refusal
        try:
            accepted = self._accept(request, body)
        except RefusalError as error:
            self._enter(request, photo, error.status)
            raise
        self._enter(request, photo, HTTPStatus.OK, rule=rule, task=accepted.task)
        if not accepted.is_replay:
            running = service.lifecycle.begin(accepted.task)
            if callback_effect(accepted.task.callback_rule).comes_first:
                # The task ends, and its callback is sent, before its id is known to the client.
                await running
        headers = {"idempotency-replayed": "true"} if accepted.is_replay else None
        answer = JSONResponse(creation_answer(accepted.task), headers=headers)
        return service.answer(request, LOST_ANSWERS, rule, answer)

    def _enter(
        self,
        request: Request,
        photo: str,
        status: int,
        *,
        rule: Rule | None = None,
        task: Task | None = None,
    ) -> None:
        self._service.activity.enter(
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
        wanted = parse_create_request(body, strict_callbacks=service.options.strict_callbacks)
        check_idempotency_key(key)
        # Before the limits: a repeated request costs nothing and needs no balance.
        if key is not None and (earlier := service.tasks.recall(api_key, key)) is not None:
            return self._replay(wanted, *earlier)
        self._check_limits()
        task = self._task(wanted)
        with service.tasks.transaction():
            service.activity.reserve(task.id, task.photo, task.credits_reserved)
            service.tasks.save(task)
            if key is not None:
                service.tasks.remember(api_key, key, wanted.digest, task.id)
        service.activity.note_running(service.tasks.running())
        return _Accepted(task=task, is_replay=False)

    def _replay(self, wanted: CreateRequest, digest: str, task_id: str) -> _Accepted:
        if digest != wanted.digest:
            raise idempotency_conflict()
        task = self._service.tasks.find(task_id)
        if task is None:
            raise RuntimeError("an idempotency key is stored together with its task")
        self._service.activity.enter(Kind.REPLAY, task=task.id, photo=task.photo)
        return _Accepted(task=task, is_replay=True)

    def _check_limits(self) -> None:
        service = self._service
        if service.activity.balance < service.options.price:
            raise insufficient_quota()
        limit = service.options.max_running
        if limit is not None and service.tasks.running() >= limit:
            raise rate_limited()

    def _task(self, wanted: CreateRequest) -> Task:
        service = self._service
        now = service.clock.now()
        callback_rule = None
        if wanted.callback_url is not None:
            callback_rule = service.rules.take(Stage.CALLBACK, wanted.photo)
        seconds = 0.0
        if not callback_effect(callback_rule).comes_first:
            seconds = service.random.uniform(*service.options.seconds)
        return Task(
            id=f"task-unified-{int(now.timestamp())}-{secrets.token_hex(8)}",
            model=wanted.model,
            created=now,
            finish_at=now + timedelta(seconds=seconds),
            image_url=wanted.image_url,
            photo=wanted.photo,
            callback_url=wanted.callback_url,
            credits_reserved=service.options.price,
            task_rule=service.rules.take(Stage.OUTCOME, wanted.photo),
            callback_rule=callback_rule,
        )
