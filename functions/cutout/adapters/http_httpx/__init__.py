"""HTTP through httpx; no other package imports it.

`HttpxHttp` sends requests to a server that we chose, and tells whether a request left.
`SafeDownloads` downloads from untrusted URLs.
"""

from cutout.adapters.http_httpx.client import USER_AGENT
from cutout.adapters.http_httpx.deadline_network import resolve
from cutout.adapters.http_httpx.fetching import FetchLimits, SafeDownloads
from cutout.adapters.http_httpx.sending import HttpxHttp

__all__ = [
    "USER_AGENT",
    "FetchLimits",
    "HttpxHttp",
    "SafeDownloads",
    "resolve",
]
