"""``GET /results/...``: the media host."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.evolink.answers.error_responses import no_such_key
from infra.local.evolink.faults.fault import Stage
from infra.local.evolink.faults.result_faults import RESULT_FAULTS
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind
from infra.local.evolink.tasks.task_store import Task


class MediaHost:
    """The route of the results; it needs no key."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/results/{name:path}", self.download, methods=["GET", "HEAD"])]

    async def download(self, request: Request) -> Response:
        """Answer with a result's bytes until its link expires."""
        task = self._service.tasks.find_result(str(request.path_params["name"]))
        response = self._answer(request, task)
        self._service.activity.enter(
            Kind.DOWNLOAD,
            task=None if task is None else task.id,
            photo="" if task is None else task.photo,
            method=request.method,
            status=response.status_code,
            user_agent=request.headers.get("user-agent"),
            authorization="authorization" in request.headers,
        )
        return response

    def _answer(self, request: Request, task: Task | None) -> Response:
        if request.headers.get("user-agent", "").startswith("Python-urllib"):
            # The real media host's firewall does this: error 1010, banned client signature.
            return Response("error code: 1010", status_code=403, media_type="text/plain")
        if task is None or task.result_sha256 is None or self._is_expired(task):
            return no_such_key()
        picture = self._service.blobs.get(task.result_sha256)
        rule = self._service.rules.take(Stage.RESULT, task.photo)
        answer = Response(picture, media_type="image/png")
        return self._service.answer(request, RESULT_FAULTS, rule, answer)

    def _is_expired(self, task: Task) -> bool:
        lifetime = timedelta(hours=self._service.options.link_hours)
        return task.finished_at is None or self._service.clock.now() >= task.finished_at + lifetime
