"""Secrets, cached for minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from cutout.domain.errors import SettingsError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CACHE_SECONDS = 300  # a rotated key is picked up after at most this long
_REFRESH_SECONDS = 10  # forged tokens must not cost a request to Secrets Manager each
CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"


def signing_keys(client: SecretsManagerClient, name: str) -> SigningKeys:
    """The current and the previous signing key."""
    return SigningKeys(Secret(client, name), Secret(client, name, PREVIOUS))


class Secret:
    """One stage of one secret, at most five minutes old."""

    def __init__(
        self,
        client: SecretsManagerClient,
        name: str,
        stage: str = CURRENT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._stage = stage
        self._monotonic = monotonic
        self._text: str | None = None
        self._outdated_at = float("-inf")

    def text(self, *, is_fresh: bool = False) -> str | None:
        """The secret's text, without space around it; None if there is no version at this stage."""
        if is_fresh or self._monotonic() >= self._outdated_at:
            self._text = self._read()
            self._outdated_at = self._monotonic() + _CACHE_SECONDS
        return self._text

    def _read(self) -> str | None:
        try:
            answer = self._client.get_secret_value(SecretId=self._name, VersionStage=self._stage)
        except self._client.exceptions.ResourceNotFoundException:
            # Before its first rotation a secret has no previous version.
            if self._stage == PREVIOUS:
                return None
            raise
        # People paste keys from files that end with a line break, which no HTTP header can carry.
        return str(answer.get("SecretString", answer.get("SecretBinary", ""))).strip()


class _Text(Protocol):
    def text(self, *, is_fresh: bool = False) -> str | None: ...


class SigningKeys:
    """The keys of callback URLs; the previous one is still accepted after a rotation."""

    def __init__(
        self,
        current: _Text,
        previous: _Text | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._secrets = (current, previous) if previous else (current,)
        self._monotonic = monotonic
        self._refreshed_at = float("-inf")

    def signing_key(self) -> bytes:
        """The current key; SettingsError if the secret is empty."""
        key = self._current.text()
        if not key:
            raise SettingsError("the callback signing key is empty: rotate the secret")
        return key.encode()

    def accepted_keys(self) -> Iterator[bytes]:
        """The current key, the previous one, and then both read again, at most every 10 s."""
        yield from self._keys(is_fresh=False)
        now = self._monotonic()
        if now - self._refreshed_at >= _REFRESH_SECONDS:
            self._refreshed_at = now
            # Read both before yielding either: a caller stops at the key that fits, and the other
            # would stay outdated until the next refresh.
            yield from tuple(self._keys(is_fresh=True))

    def _keys(self, *, is_fresh: bool) -> Iterator[bytes]:
        for secret in self._secrets:
            key = secret.text(is_fresh=is_fresh)
            if key:
                yield key.encode()
