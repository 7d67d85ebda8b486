"""``/_standin/...``: control of the stand-in, for tests and people.

Each request carries the control token, which the stand-in is given or generates at its start.
"""

import hmac
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink.faults.fault_rules import parse_rule
from infra.local.evolink.faults.fault_table import ALL_FAULTS
from infra.local.evolink.service import Service
from infra.local.evolink.tasks.activity_log import Kind

CONTROL_TOKEN_HEADER = "x-control-token"  # noqa: S105 - a header's name
_LONGEST_WAIT_SECONDS = 60.0
_Endpoint = Callable[[Request], Awaitable[Response]]


class ControlRoutes:
    """The stand-in's own routes; each of them requires the control token."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(path, self._guarded(endpoint), methods=[method])
            for method, path, endpoint in self._endpoints()
        ]

    def _endpoints(self) -> tuple[tuple[str, str, _Endpoint], ...]:
        return (
            ("GET", "/_standin/", self.index),
            ("GET", "/_standin/ledger", self.ledger),
            ("GET", "/_standin/faults", self.list_faults),
            ("POST", "/_standin/faults", self.add_faults),
            ("DELETE", "/_standin/faults", self.clear_faults),
            ("POST", "/_standin/account", self.change_account),
            ("POST", "/_standin/clock", self.advance),
        )

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        """Answer 401 to a request without the control token."""
        # Any program of this machine can connect; only the one that started the stand-in may change
        # it.
        wanted = self._service.options.control_token.encode()

        async def guarded(request: Request) -> Response:
            given = request.headers.get(CONTROL_TOKEN_HEADER, "").encode()
            if not hmac.compare_digest(given, wanted):
                error = f"the header {CONTROL_TOKEN_HEADER} is missing or wrong"
                return JSONResponse({"error": error}, status_code=HTTPStatus.UNAUTHORIZED)
            return await endpoint(request)

        return guarded

    async def index(self, _request: Request) -> Response:
        """List the routes."""
        return JSONResponse(
            {
                f"{method} {path}": (endpoint.__doc__ or "").partition("\n")[0]
                for method, path, endpoint in self._endpoints()
            }
        )

    async def ledger(self, request: Request) -> Response:
        """Show the sums and the entries; filter by kind and photo, wait with count and seconds.

        ``kind`` and ``photo`` (a part of it) filter entries; ``count`` waits until there are so
        many of that kind, at most ``seconds`` (real ones, default 10); ``complete`` tells whether
        there are.
        """
        activity, query = self._service.activity, request.query_params
        kind, photo = query.get("kind"), query.get("photo", "")
        complete = True
        if kind is not None and "count" in query:
            try:
                count, seconds = int(query["count"]), float(query.get("seconds", "10"))
            except ValueError as error:
                return _refused(error)
            complete = await activity.wait_for(
                count, kind, photo, min(seconds, _LONGEST_WAIT_SECONDS)
            )
        return JSONResponse(
            {"complete": complete, **self._sums(), "entries": activity.entries(kind, photo)}
        )

    async def list_faults(self, _request: Request) -> Response:
        """List the rules in force and all faults."""
        faults = [
            {
                "where": fault.where,
                "fault": fault.name,
                "occasion": fault.stage,
                "what": fault.description,
            }
            for fault in ALL_FAULTS
        ]
        return JSONResponse({"rules": self._service.rules.listing(), "faults": faults})

    async def add_faults(self, request: Request) -> Response:
        """Add one rule or a list of rules, all or none."""
        try:
            document = json.loads(await request.body())
            documents = document if isinstance(document, list) else [document]
            rules = [parse_rule(one) for one in documents]
        except (ValueError, LookupError) as error:
            return _refused(error)
        for rule in rules:
            self._service.rules.add(rule)
        return JSONResponse({"rules": self._service.rules.listing()}, status_code=201)

    async def clear_faults(self, _request: Request) -> Response:
        """Remove all rules."""
        self._service.rules.clear()
        return Response(status_code=204)

    async def change_account(self, request: Request) -> Response:
        """Set the balance (``balance``) or the accepted keys (``api_keys``)."""
        try:
            document = json.loads(await request.body())
            if "balance" in document:
                self._service.activity.balance = float(document["balance"])
            if "api_keys" in document:
                self._service.api_keys = frozenset(map(str, document["api_keys"]))
        except (ValueError, TypeError) as error:
            return _refused(error)
        return Response(status_code=204)

    async def advance(self, request: Request) -> Response:
        """Move time forward by ``advance_seconds``."""
        try:
            self._service.clock.advance(float(json.loads(await request.body())["advance_seconds"]))
        except (ValueError, TypeError, KeyError) as error:
            return _refused(error)
        return Response(status_code=204)

    def _sums(self) -> dict[str, object]:
        tasks = list(self._service.tasks.every())
        photos: dict[str, Counter[str]] = defaultdict(Counter)
        inputs: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in self._service.activity.entries(Kind.POST):
            photos[str(entry["photo"])]["posts"] += 1
        for task in tasks:
            for count in (photos[task.photo], inputs[task.input_sha256 or ""]):
                count["tasks"] += 1
                count["charges"] += task.credits_used > 0
        return {
            "balance": self._service.activity.balance,
            "credits_used": round(sum(task.credits_used for task in tasks), 4),
            "tasks": Counter(task.status for task in tasks),
            "running": self._service.tasks.running(),
            "peak_running": self._service.activity.peak,
            "photos": _table(photos, "posts", "tasks", "charges"),
            "inputs": _table(inputs, "tasks", "charges"),
        }


def _table(counts: Mapping[str, Counter[str]], *names: str) -> dict[str, dict[str, int]]:
    return {row: {name: count[name] for name in names} for row, count in counts.items() if row}


def _refused(error: Exception) -> Response:
    return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=400)
