"""What the provider reads when it follows the link of a call."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cutout.domain.errors import CopyGoneError
from cutout.domain.polling_and_timing import PHOTO_LINK_LIFE
from cutout.ports.telemetry import Clock
from tests.support.fakes.buckets import MemoryCopies
from tests.support.fakes.copier import seen_in
from tests.support.fakes.steps import Step
from tests.support.fakes.world import World, png

COPIES_LAST = timedelta(days=1)
"""As the lifecycle rule of the work bucket says."""
_TAKEN = (png()[:8], b"jpeg ")
"""How the photos begin that the model takes, and the copies that the fake copier makes."""


class ExpiringCopies(MemoryCopies):
    """Copies that are deleted after a day."""

    def __init__(self, clock: Clock, step: Step) -> None:
        super().__init__(step)
        self._clock = clock
        self.made: dict[str, datetime] = {}

    def put(self, key: str, file: Path, *, content_type: str) -> None:
        self.made[key] = self._clock.now()
        super().put(key, file, content_type=content_type)

    def read(self, key: str) -> bytes:
        data = super().read(key)
        if not self.lasts(key):
            raise CopyGoneError(f"the copy {key} is gone")
        return data

    def lasts(self, key: str, after: timedelta = timedelta(0)) -> bool:
        """Return whether the copy still exists so long from now."""
        return key in self.objects and self._clock.now() + after < self.made[key] + COPIES_LAST


def is_dead(world: World, url: str, now: datetime) -> bool:
    """The link's time is over."""
    signed_at = world.links.signed_at.get(url)
    return signed_at is not None and now >= signed_at + PHOTO_LINK_LIFE


def led_to(world: World, url: str, now: datetime) -> bytes | None:
    """Return the bytes behind a link; None if there are none, or none any more."""
    if is_dead(world, url, now):
        return None
    parts = urlsplit(url)
    key = parts.path.removeprefix("/")
    if parts.hostname == "uploads.example":
        version = parse_qs(parts.query).get("v", [""])[0]
        stored = world.uploads.versions.get((key, version))
        return stored.data if stored else None
    if parts.hostname == "files.example":
        return world.files.copies.get(key)
    copies = world.copies
    assert isinstance(copies, ExpiringCopies)
    return copies.objects[key] if copies.lasts(key) else None


def sent_of(photo: bytes) -> bytes:
    """Return what is to be sent of a photo: its bytes, or those of its copy."""
    if is_taken(photo):
        return photo
    width, height, salt = seen_in(photo)
    return f"jpeg {width} {height} of {salt}".encode()


def is_taken(data: bytes | None) -> bool:
    """Return whether the model accepts the bytes."""
    return data is not None and data.startswith(_TAKEN)
