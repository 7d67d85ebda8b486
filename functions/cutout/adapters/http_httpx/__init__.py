"""HTTP through httpx: the one package that knows it.

Two ways out. `HttpxHttp` talks to the provider and says for certain whether a request left.
`SafeDownloads` fetches from addresses that somebody else named, and trusts nothing about them.
"""

from cutout.adapters.http_httpx.client import USER_AGENT
from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.adapters.http_httpx.network import Resolver, resolve
from cutout.adapters.http_httpx.sending import Answer, HttpxHttp

__all__ = [
    "USER_AGENT",
    "Answer",
    "FetchLimits",
    "HttpxHttp",
    "Resolver",
    "SafeDownloads",
    "resolve",
]
