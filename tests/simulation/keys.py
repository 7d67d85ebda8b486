"""Signing keys that are rotated while callbacks are being delivered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tests.simulation.clocks import TrueClock
from tests.support.fakes.world import SIGNING_KEY, FakeKeys

_CACHED_FOR = timedelta(minutes=5)
"""A worker may sign with the key before for so long."""


class RotatingKeys(FakeKeys):
    """The current key, and the previous one, which is still accepted."""

    def __init__(self, clock: TrueClock) -> None:
        self._clock = clock
        self._keys = [SIGNING_KEY]
        self._rotated_at = clock.now() - _CACHED_FOR

    def rotate(self) -> None:
        self._keys = [*self._keys[-1:], b"%s, number %d" % (SIGNING_KEY, len(self._keys))]
        self._rotated_at = self._clock.now()

    def signing_key(self) -> bytes:
        is_cached = self._clock.now() < self._rotated_at + _CACHED_FOR
        return self._keys[0 if is_cached else -1]

    def accepted_keys(self) -> Iterator[bytes]:
        yield from reversed(self._keys)
