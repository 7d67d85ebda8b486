"""The provider in the network's place: answers from a list, and records the requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from cutout.adapters.evolink.task_api import EvolinkApi
from cutout.adapters.http_httpx.sending import HttpxHttp

NOW = datetime(2026, 11, 20, 9, 15, 27, tzinfo=UTC)


@dataclass
class Key:
    """An API key that was rotated: the cached text first, the fresh one on request."""

    cached: str | None = "sk-1"
    fresh: str | None = "sk-1"
    asked: list[bool] = field(default_factory=list)

    def text(self, *, is_fresh: bool = False) -> str | None:
        """The key."""
        self.asked.append(is_fresh)
        if is_fresh:
            self.cached = self.fresh
        return self.cached


@dataclass
class Provider:
    """The provider's answers in order, and the requests that it got."""

    answers: list[httpx.Response | Exception]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def api(provider: Provider, key: Key | None = None) -> EvolinkApi:
    """The adapter over the real HTTP adapter, with the provider in the network's place."""
    http = HttpxHttp(transport=httpx.MockTransport(provider))
    return EvolinkApi(http, "https://api.evolink.ai/", "mj-v7-remove-bg", key or Key(), lambda: NOW)
