"""The routes of the task API, and of the media host that serves results."""

import random
import re
import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink import refusals
from infra.local.evolink.api.create_request import (
    CreateRequest,
    parse_create_request,
    photo_of_body,
)
from infra.local.evolink.faults import answer_faults
from infra.local.evolink.faults.fault import Rule, Stage
from infra.local.evolink.faults.task_faults import callback_effect
from infra.local.evolink.refusals import RefusalError, invalid_request, no_such_key
from infra.local.evolink.stored_state import StoredDict
from infra.local.evolink.tasks.activity_log import EntryKind
from infra.local.evolink.tasks.service import Service
from infra.local.evolink.tasks.task import Task, creation_answer
from infra.local.evolink.tasks.task_lifecycle import TaskLifecycle

_PRICE = 5.4  # credits a call; the sheet of the provider's prices names it
_LINK_LIFE = timedelta(hours=24)
_TASK_ID = re.compile(r"task-unified-[A-Za-z0-9._:-]{1,115}")
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9._-]{16,96}")


class TaskRoutes:
    """Tasks are created, read and paid for; results need no key."""

    def __init__(self, service: Service, lifecycle: TaskLifecycle) -> None:
        self._service = service
        self._lifecycle = lifecycle
        # The digest of the body and the task's id, by API key and idempotency key.
        self._requests: StoredDict[tuple[str, str]] = StoredDict(service.state, "idempotency")
        self.routes = [
            Route("/v1/images/generations", self.create, methods=["POST"]),
            Route("/v1/tasks/{task_id}", self.read, methods=["GET"]),
            Route("/v1/credits", self.credits, methods=["GET"]),
            Route("/results/{name:path}", self.download, methods=["GET", "HEAD"]),
        ]

    async def create(self, request: Request) -> Response:
        """Create a task, refuse to, or break the answer as a rule says."""
        service = self._service
        body = await request.body()
        photo = photo_of_body(body)
        rule = service.rules.take(Stage.CREATE, photo)
        if rule is not None and rule.fault in answer_faults.REFUSED_REQUESTS:
            answer = service.answer(request, answer_faults.REFUSED_REQUESTS, rule, Response())
            self._enter_post(request, photo, answer.status_code, rule=rule)
            return answer
        try:
            task, is_replay = self._accept(request, body)
        except RefusalError as error:
            self._enter_post(request, photo, error.refusal.status)
            raise
        self._enter_post(request, photo, 200, rule=rule, task=task)
        # After the entry, so that a test that waits for the request finds it before its end.
        if not is_replay:
            running = self._lifecycle.begin(task)
            if callback_effect(task.callback_rule).comes_first:
                # The task ends, and its callback is sent, before its id is known to the client.
                await running
        headers = {"idempotency-replayed": "true"} if is_replay else None
        answer = JSONResponse(creation_answer(task), headers=headers)
        return service.answer(request, answer_faults.LOST_ANSWERS, rule, answer)

    async def read(self, request: Request) -> Response:
        """Answer with the task as it is now."""
        service = self._service
        service.authenticate(request)
        task_id = str(request.path_params["task_id"])
        if not _TASK_ID.fullmatch(task_id):
            raise RefusalError(refusals.INVALID_TASK_ID)
        if (task := service.tasks.get(task_id)) is None:
            raise RefusalError(refusals.TASK_NOT_FOUND)
        rule = service.rules.take(Stage.READ, task.photo)
        answer = JSONResponse(service.describe(task))
        response = service.answer(request, answer_faults.READ_FAULTS, rule, answer)
        service.activity.enter(
            EntryKind.READ,
            task,
            status=response.status_code,
            task_status=task.status,
            fault=rule and rule.fault,
        )
        return response

    async def credits(self, request: Request) -> Response:
        """Answer with the balance."""
        self._service.authenticate(request)
        left = self._service.activity.balance
        counts = {
            "remaining_credits": left,
            "used_credits": round(self._service.options.balance - left, 4),
        }
        data = {"token": {**counts, "unlimited_credits": True}, "user": counts}
        return JSONResponse({"success": True, "message": "", "data": data})

    async def download(self, request: Request) -> Response:
        """Answer with a result's bytes until its link expires."""
        # A result is named after its task, so that it is found without a search.
        name = str(request.path_params["name"])
        task = self._service.tasks.get(name.rpartition("/")[2].removesuffix(".png"))
        response = self._picture(request, task)
        self._service.activity.enter(
            EntryKind.DOWNLOAD,
            task,
            method=request.method,
            status=response.status_code,
            user_agent=request.headers.get("user-agent"),
            authorization="authorization" in request.headers,
        )
        return response

    def _enter_post(
        self,
        request: Request,
        photo: str,
        status: int,
        *,
        rule: Rule | None = None,
        task: Task | None = None,
    ) -> None:
        self._service.activity.enter(
            EntryKind.POST,
            task,
            photo=photo,
            status=status,
            fault=rule and rule.fault,
            idempotency_key=request.headers.get("idempotency-key"),
        )

    def _accept(self, request: Request, body: bytes) -> tuple[Task, bool]:
        """Return the task of a request, and whether an earlier request created it."""
        service = self._service
        api_key = service.authenticate(request)
        wanted = parse_create_request(body)
        key = request.headers.get("idempotency-key")
        if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
            raise RefusalError(
                invalid_request("Idempotency-Key must be 16 to 96 characters of A-Za-z0-9._-")
            )
        # Before the limits: a repeated request costs nothing and needs no balance.
        earlier = self._requests.get(f"{api_key} {key}")
        if earlier is not None:
            return self._replay(wanted, *earlier), True
        if service.activity.balance < _PRICE:
            raise RefusalError(refusals.INSUFFICIENT_QUOTA)
        task = self._task(wanted)
        with service.state.atomic():
            service.activity.reserve(task)
            service.tasks[task.id] = task
            if key is not None:
                self._requests[f"{api_key} {key}"] = (wanted.digest, task.id)
        service.activity.note_running(service.running)
        return task, False

    def _replay(self, wanted: CreateRequest, digest: str, task_id: str) -> Task:
        if digest != wanted.digest:
            raise RefusalError(refusals.IDEMPOTENCY_CONFLICT)
        task = self._service.tasks[task_id]
        self._service.activity.enter(EntryKind.REPLAY, task)
        return task

    def _task(self, wanted: CreateRequest) -> Task:
        service = self._service
        now = service.clock.now()
        callback_rule = None
        if wanted.callback_url is not None:
            callback_rule = service.rules.take(Stage.CALLBACK, wanted.photo)
        seconds = 0.0
        if not callback_effect(callback_rule).comes_first:
            seconds = random.uniform(*service.options.seconds)  # noqa: S311 - no secret
        return Task(
            id=f"task-unified-{int(now.timestamp())}-{secrets.token_hex(8)}",
            model=wanted.model,
            created=now,
            finish_at=now + timedelta(seconds=seconds),
            image_url=wanted.image_url,
            photo=wanted.photo,
            callback_url=wanted.callback_url,
            credits_reserved=_PRICE,
            task_rule=service.rules.take(Stage.OUTCOME, wanted.photo),
            callback_rule=callback_rule,
        )

    def _picture(self, request: Request, task: Task | None) -> Response:
        service = self._service
        if request.headers.get("user-agent", "").startswith("Python-urllib"):
            # The real media host's firewall does this: error 1010, banned client signature.
            return Response("error code: 1010", status_code=403, media_type="text/plain")
        if task is None or task.result_sha256 is None or task.finished_at is None:
            return no_such_key()
        if service.clock.now() >= task.finished_at + _LINK_LIFE:
            return no_such_key()
        rule = service.rules.take(Stage.RESULT, task.photo)
        answer = Response(service.blobs[task.result_sha256], media_type="image/png")
        return service.answer(request, answer_faults.RESULT_FAULTS, rule, answer)
