"""``GET /v1/tasks/{id}`` and ``GET /v1/credits``."""

import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink.answers.error_responses import invalid_task_id, task_not_found
from infra.local.evolink.faults.fault import Stage
from infra.local.evolink.faults.read_faults import READ_FAULTS
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind

_TASK_ID = re.compile(r"task-unified-[A-Za-z0-9._:-]{1,115}")


class ReadTask:
    """The routes that change nothing."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/tasks/{task_id}", self.read, methods=["GET"]),
            Route("/v1/credits", self.credits, methods=["GET"]),
        ]

    async def read(self, request: Request) -> Response:
        """Answer with the task as it is now."""
        self._service.authenticate(request)
        task_id = str(request.path_params["task_id"])
        if not _TASK_ID.fullmatch(task_id):
            raise invalid_task_id()
        task = self._service.tasks.find(task_id)
        if task is None:
            raise task_not_found()
        rule = self._service.rules.take(Stage.READ, task.photo)
        answer = JSONResponse(self._service.describe(task))
        response = self._service.answer(request, READ_FAULTS, rule, answer)
        self._service.activity.enter(
            Kind.READ,
            task=task.id,
            photo=task.photo,
            status=response.status_code,
            task_status=task.status,
            fault=None if rule is None else rule.fault,
        )
        return response

    async def credits(self, request: Request) -> Response:
        """Answer with the balance."""
        self._service.authenticate(request)
        left = self._service.activity.balance
        used = round(self._service.options.balance - left, 4)
        token = {
            "remaining_credits": left,
            "used_credits": used,
            "unlimited_credits": True,
        }
        user = {"remaining_credits": left, "used_credits": used}
        return JSONResponse(
            {"success": True, "message": "", "data": {"token": token, "user": user}}
        )
