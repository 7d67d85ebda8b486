"""HTTP through httpx, which no other package imports.

`sending` is for a server that we chose, and reports whether a request left; `fetching` is for
untrusted URLs.
"""
