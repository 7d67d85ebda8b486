"""The stack, the templates and the display of errors, which all pages of the console share."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from cutout.cli.aws.deployed_stack import Stack
from cutout.cli.console.stored_files import thumbnail_of
from cutout.cli.output import job_text, units
from cutout.cli.output.gate_text import gate_as_json, pause_of
from cutout.cli.output.money import Price
from cutout.cli.output.next_step import next_step
from cutout.cli.output.problems import Problem, explained
from cutout.cli.output.templates import templates
from cutout.cli.progress.clock import Clock
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State

View = Callable[[Request], Response]
Form = Mapping[str, str]
WriteView = Callable[[Request, Form], Response]

_BUTTONS = {
    "`cutout review accept`": "Accept",
    "`cutout review reject`": "Reject",
    "run `cutout retry`": "press Retry on its page",
    "`cutout retry`": "Retry",
    "`cutout pause`": "Pause",
    "run `cutout resume`": "press Resume",
    "`cutout resume`": "Resume",
    "`cutout limits`": "the board",
    "`cutout where`": "this page",
    "`cutout ls`": "The board",
    "`cutout put`": "Upload",
}
"""Names of buttons and pages, for commands that texts name."""
_MAX_FORM_BYTES = 8 << 20
"""A form that lists 10,000 photos has about 1 MB."""


class Site:
    """The stack and the templates.

    Args:
        connect: connects to the stack; called again after an error, so that new credentials and a
            local cloud that was started again are used.
        csrf: the secret that writes need.
    """

    def __init__(
        self, connect: Callable[[], Stack], *, price: Price, clock: Clock, csrf: str
    ) -> None:
        self.price = price
        self.now = clock.now
        self._connect = connect
        self._stack: Stack | None = None
        self.where = ""
        self._templates = _templates()
        self._templates.globals |= {"csrf": csrf, "site": self, "states": list(State)}

    def stack(self) -> Stack:
        """Return the stack.

        Raises:
            Problem: It cannot be reached, or the connection now leads to another cloud.
        """
        if self._stack is None:
            stack = self._connect()
            where = stack.place()
            # A connection leads to AWS after `cutout down`, and after `aws sso login` perhaps to
            # another account.
            if self.where not in {"", where}:
                raise Problem(
                    f"This console shows {self.where}, which is gone: a connection now leads to "
                    f"{where}.",
                    advice="Start the local cloud with `cutout up`, use the former credentials, or "
                    "start another `cutout console`.",
                )
            self.where = where
            self._stack = stack
        return self._stack

    def forget_stack(self) -> None:
        """Connect again at the next request."""
        self._stack = None

    def job_of(self, request: Request) -> Job:
        """Return the job that an address names.

        Raises:
            HTTPException: There is none.
        """
        job_id = request.path_params.get("job_id") or request.query_params["job"]
        job = self.stack().jobs.find(job_id)
        if job is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return job

    def html(self, template: str, **values: object) -> str:
        """Return a template with values; every value is escaped."""
        return self._templates.get_template(template).render(now=self.now(), **values)

    def page(self, template: str, *, status: int = HTTPStatus.OK, **values: object) -> Response:
        """Return a page or a part of one."""
        return HTMLResponse(self.html(template, **values), status_code=status)

    def get(self, path: str, view: View) -> Route:
        """Return the route of a page, which may read and must change nothing."""

        # Not async: Starlette calls it in a thread, so that no request to AWS stops the streams.
        def endpoint(request: Request) -> Response:
            return self._explained(request, lambda: view(request))

        return Route(path, endpoint, methods=["GET"], name=f"GET {path}")

    def post(self, path: str, view: WriteView) -> Route:
        """Return the route of a write; the view gets the fields of the form."""

        async def endpoint(request: Request) -> Response:
            form = await _form(request)
            return await run_in_threadpool(self._explained, request, lambda: view(request, form))

        return Route(path, endpoint, methods=["POST"], name=f"POST {path}")

    def trouble(self, request: Request, problem: Problem) -> Response:
        """Return the page, or the part of a page, that says what is wrong and what to do."""
        self.forget_stack()
        if "hx-request" not in request.headers:
            return self.page("problem.html", status=HTTPStatus.SERVICE_UNAVAILABLE, problem=problem)
        answer = self.page(
            "_problem.html", status=HTTPStatus.SERVICE_UNAVAILABLE, problem=problem, since=None
        )
        # Without them, the message would replace the part of the page that was asked for.
        answer.headers["HX-Retarget"] = "#problem"
        answer.headers["HX-Reswap"] = "innerHTML"
        answer.headers["HX-Reselect"] = ".notice"
        return answer

    def _explained(self, request: Request, work: Callable[[], Response]) -> Response:
        try:
            with explained():
                return work()
        except Problem as problem:
            return self.trouble(request, problem)


async def _form(request: Request) -> Form:
    """Return the fields of a form, the last of each name."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True)
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from error
    return {name: values[-1] for name, values in fields.items()}


def _templates() -> Environment:
    made = templates("cutout.cli.console")
    made.globals |= {
        "attempt_cost": job_text.attempt_cost,
        "attempts_made": job_text.attempts_made,
        "cost": job_text.cost,
        "explanation": job_text.explanation,
        "gate_as_json": gate_as_json,
        "lasted": job_text.lasted,
        "next_step": next_step,
        "pause_of": pause_of,
        "reasons": list(Reason),
        "thumbnail_of": thumbnail_of,
    }
    made.filters |= {
        "buttons": with_buttons,
        "duration": units.duration,
        "exact_duration": units.exact_duration,
        "size": units.size_text,
    }
    return made


def with_buttons(text: str) -> str:
    """Return a text that names commands with the names of buttons and pages in their place."""
    for command, button in _BUTTONS.items():
        text = text.replace(command, button)
    return text
