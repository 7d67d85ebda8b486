"""``/_standin/...``: control of the stand-in, for tests and people.

Each request carries the control token, which the stand-in is given or generates at its start.
"""

import hmac
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.evolink.faults.fault_rules import ALL_FAULTS, parse_rule
from infra.local.evolink.tasks.activity_log import EntryKind
from infra.local.evolink.tasks.service import Service

CONTROL_TOKEN_HEADER = "x-control-token"  # noqa: S105 - a header's name
_LONGEST_WAIT_SECONDS = 60.0
_Endpoint = Callable[[Request], Awaitable[Response]]


class ControlRoutes:
    """The stand-in's own routes; each of them requires the control token."""

    def __init__(self, service: Service) -> None:
        self._service = service
        endpoints: tuple[tuple[str, str, _Endpoint], ...] = (
            ("GET", "ledger", self.ledger),
            ("GET", "faults", self.list_faults),
            ("POST", "faults", self.add_faults),
            ("DELETE", "faults", self.clear_faults),
            ("POST", "account", self.change_account),
            ("POST", "clock", self.advance),
        )
        self.routes = [
            Route(f"/_standin/{path}", self._guarded(endpoint), methods=[method])
            for method, path, endpoint in endpoints
        ]

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        """Answer 401 to a request without the control token, and 400 to one of another shape."""
        # Any program of this machine can connect; only the one that started the stand-in may change
        # it.
        wanted = self._service.options.control_token.encode()

        async def guarded(request: Request) -> Response:
            given = request.headers.get(CONTROL_TOKEN_HEADER, "").encode()
            if not hmac.compare_digest(given, wanted):
                error = f"the header {CONTROL_TOKEN_HEADER} is missing or wrong"
                return JSONResponse({"error": error}, status_code=401)
            try:
                return await endpoint(request)
            except (ValueError, TypeError, LookupError) as wrong:
                error = f"{type(wrong).__name__}: {wrong}"
                return JSONResponse({"error": error}, status_code=400)

        return guarded

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
            seconds = min(float(query.get("seconds", "10")), _LONGEST_WAIT_SECONDS)
            complete = await activity.wait_for(int(query["count"]), kind, photo, seconds)
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
        document = await request.json()
        documents = document if isinstance(document, list) else [document]
        self._service.rules.add(*[parse_rule(one) for one in documents])
        return JSONResponse({"rules": self._service.rules.listing()}, status_code=201)

    async def clear_faults(self, _request: Request) -> Response:
        """Remove all rules."""
        self._service.rules.clear()
        return Response(status_code=204)

    async def change_account(self, request: Request) -> Response:
        """Set the balance (``balance``) or the accepted keys (``api_keys``)."""
        document = await request.json()
        if "balance" in document:
            self._service.activity.balance = float(document["balance"])
        if "api_keys" in document:
            self._service.api_keys = frozenset(map(str, document["api_keys"]))
        return Response(status_code=204)

    async def advance(self, request: Request) -> Response:
        """Move time forward by ``advance_seconds``."""
        self._service.clock.advance(float((await request.json())["advance_seconds"]))
        return Response(status_code=204)

    def _sums(self) -> dict[str, object]:
        tasks = list(self._service.tasks.values())
        photos: dict[str, Counter[str]] = defaultdict(Counter)
        for entry in self._service.activity.entries(EntryKind.POST):
            photos[str(entry["photo"])]["posts"] += 1
        for task in tasks:
            photos[task.photo]["tasks"] += 1
            photos[task.photo]["charges"] += task.credits_used > 0
        return {
            "balance": self._service.activity.balance,
            "credits_used": round(sum(task.credits_used for task in tasks), 4),
            "tasks": Counter(task.status for task in tasks),
            "running": self._service.running,
            "peak_running": self._service.activity.peak,
            "photos": {
                photo: {name: count[name] for name in ("posts", "tasks", "charges")}
                for photo, count in photos.items()
                if photo
            },
        }
