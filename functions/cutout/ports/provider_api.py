"""The provider of cut-outs: tasks, file store, results, and the keys of its callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from cutout.domain.dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from cutout.domain.provider_outcomes import (
        CreateOutcome,
        NotSent,
        PhotoAccess,
        Refused,
        Task,
    )


class Provider(Protocol):
    """Makes cut-outs of photos, one task for each paid call."""

    def get_ready(self) -> Refused | None:
        """Load the API key before the call is recorded.

        A failure after that looks like a call that may have been taken.

        Returns:
            The refusal that is certain without a call, because the key cannot be sent.
        """

    def call_body(self, photo_url: str, callback_url: str | None) -> str:
        """The exact text of a call, which is stored: a repeat sends it unchanged.

        Args:
            photo_url: where the provider fetches the photo.
            callback_url: what the provider calls when the task ends; None if it cannot reach us.
        """

    def create(self, body: str, idempotency_key: str) -> CreateOutcome:
        """Make the paid call once; returns each outcome of it as a value.

        Args:
            body: from `call_body`.
            idempotency_key: the provider takes calls with equal keys and bodies as one call.
        """

    def read(self, task_id: str) -> Task:
        """The task's current state.

        Raises:
            TaskUnknownError: the provider has no such task, or not yet.
            ProviderBusyError: the provider refuses to say now; it may be readable later.
            NotSentError: the request did not leave.
            ResponseLostError: no usable answer, or one about another task.
        """


class Files(Protocol):
    """The provider's file store: the second way to hand over a photo.

    A copy outlives the deadline of its job.
    """

    def upload(self, name: str, content_type: str, data: bytes) -> PhotoAccess | Refused | NotSent:
        """Upload a copy, which is free; the name must be unique."""

    def delete(self, file_id: str) -> None:
        """Delete a copy if possible; otherwise it expires."""


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The provider's answer about the balance of the account.

    Attributes:
        server: the URL that was asked.
        key_fault: why the key cannot be sent; then there was no request.
        status: the HTTP status; None if there was no response.
        credits: the credits that are left, if the response names them.
        message: the error message of the provider or of the network.
    """

    server: str
    key_fault: str = ""
    status: int | None = None
    credits: float | None = None
    message: str = ""


class Downloads(Protocol):
    """Downloads results from URLs that the provider names."""

    def fetch(self, url: str, file: Path) -> int:
        """Stream the URL's body into the file.

        Returns:
            The size in bytes.

        Raises:
            FetchRefusedError: the address, a redirect, the size or the type is not allowed.
            ProviderBusyError: an HTTP error status.
            NotSentError: the request did not leave.
            ResponseLostError: the body is incomplete.
        """


class Signer(Protocol):
    """The key that callback URLs are signed with."""

    def signing_key(self) -> bytes:
        """The current key."""


class KeyRing(Protocol):
    """The keys that callback URLs may be signed with."""

    def accepted_keys(self) -> Iterator[bytes]:
        """The current and the previous key; then both again, freshly read."""
