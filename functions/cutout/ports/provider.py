"""The provider's APIs, what it lets us fetch, and the keys of its callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from cutout.domain.provider import CreateOutcome, NotSent, Refused, Task, Uploaded


class Evolink(Protocol):
    """The provider's API."""

    def get_ready(self) -> Refused | None:
        """Fetch what a call needs and may be missing, before the call is on record.

        What fails only after that looks like a call that may have been taken.

        Returns:
            The refusal that is certain without a call, since the key cannot be sent.
        """
        ...

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the paid call once; every way it can end is a value."""
        ...

    def read(self, task_id: str) -> Task:
        """The task as the API knows it.

        Raises:
            TaskUnknownError: 404.
            ProviderBusyError: 401, 402, 403, 429, 5xx: it may be readable later.
            NotSentError: the request did not leave.
            ResponseLostError: no usable answer, or one about another task.
        """
        ...


class Files(Protocol):
    """The provider's Files API: the second way to hand over a photo."""

    def upload(self, name: str, content_type: str, data: bytes) -> Uploaded | Refused | NotSent:
        """Hand over a copy; free, so that a repeat costs nothing. Names must differ."""
        ...

    def delete(self, file_id: str) -> None:
        """Delete a copy, or leave it to expire: nothing depends on it."""
        ...


class Downloads(Protocol):
    """Fetching results from addresses that somebody else named."""

    def fetch(self, url: str, file: Path) -> int:
        """Stream the URL's body into the file; returns its size in bytes.

        Raises:
            FetchRefusedError: the address, a redirect, the size or the type is not allowed.
            ProviderBusyError: an HTTP error status.
            NotSentError: the request did not leave.
            ResponseLostError: the body did not come whole.
        """
        ...


class Signer(Protocol):
    """The key that callback URLs are signed with."""

    def signing_key(self) -> bytes:
        """The current key."""
        ...


class KeyRing(Protocol):
    """The keys that callback URLs may be signed with."""

    def accepted_keys(self) -> Iterator[bytes]:
        """The current and the previous key; after those, keys read afresh."""
        ...
