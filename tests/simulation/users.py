"""Users who upload, overwrite and delete, and callers who forge callbacks."""

from __future__ import annotations

from functools import partial

from cutout.domain.callback_token import FORGED_TOKEN
from cutout.domain.job.source import Source
from cutout.domain.object_keys import BYPASS_CACHE_MARK
from cutout.ports.buckets import Labels
from tests.simulation import events, functions
from tests.simulation.scene import Scene
from tests.support.fakes.copier import tiff
from tests.support.fakes.world import png


class Users:
    """What they do is planned from the start; what they did is recorded."""

    def __init__(self, scene: Scene, *, photos: int) -> None:
        self.scene = scene
        self.world = scene.world
        self.evidence = scene.evidence
        self.faults = scene.faults
        self.rng = scene.rng
        self._plan_all(photos)

    def _plan_all(self, photos: int) -> None:
        names = 1 if self.scene.is_contended else photos
        spread = 450 if self.scene.is_contended else 200 if self.scene.is_alike else 1800
        keys = [_key(number % names) for number in range(photos)]
        plan = self.scene.agenda.plan
        for number, key in enumerate(keys):
            at = self.rng.random() * spread
            plan(at, partial(self._upload, key, number))
            if self.faults.strikes("uploaded_twice"):
                plan(at, partial(self._upload, f"twins/{number}.png", number))
            if self.faults.strikes("overwritten"):
                later = at + self.rng.choice((3, 120)) * self.rng.random()
                plan(later, partial(self._upload, key, number + 100))
            if self.faults.strikes("deleted"):
                plan(at + self.rng.random() * 240, partial(self._delete, key))
            if self.faults.strikes("version_deleted"):
                plan(at + self.rng.random() * 240, partial(self._destroy, key))
        if self.faults.strikes("forged"):
            plan(self.rng.random() * 1800, self._forge)

    def _upload(self, key: str, salt: int) -> None:
        if self.faults.strikes("same_picture"):
            salt = 1000 if self.scene.is_alike else self.rng.randrange(1000, 1003)
        data = b"not a photo" if self.faults.strikes("not_a_photo") else png(salt=salt)
        needs_copy = self.faults.strikes("needs_copy")
        if needs_copy:
            data = tiff(
                salt=salt,
                is_damaged=self.faults.strikes("undecodable"),
                is_deadly=self.faults.strikes("deadly"),
            )
        bypass_cache = self.faults.strikes("fresh")
        marks = {BYPASS_CACHE_MARK: "true"} if bypass_cache else {}
        source = self.world.uploads.add(key, data, Labels(metadata=marks, tags={}))
        self.evidence.uploaded(source, data, at=self.scene.clock.now())
        if bypass_cache:
            self.evidence.fresh.add(source.job_id)
        if self.faults.strikes("event_lost"):
            self.evidence.events_lost.add(source.job_id)
        else:
            self._tell(events.created, source)

    def _delete(self, key: str) -> None:
        deletion = self.world.uploads.remove(key)
        self.evidence.key_deleted(deletion)
        self._tell(events.deleted, deletion)

    def _destroy(self, key: str) -> None:
        """Delete the key's newest version permanently: others' deletions send no event."""
        newest = self.evidence.newest.get(key)
        if newest is None or newest.version_id is None or not newest.size:
            return
        self.world.uploads.destroy(newest)
        self.evidence.newest_destroyed(key, self.scene.clock.now())
        self._tell(events.version_deleted, newest)

    def _tell(self, event: events.Event, source: Source) -> None:
        self.scene.submissions.put(event(source, self.scene.clock.now()))

    def _forge(self) -> None:
        for token in ("", FORGED_TOKEN, f"{self.rng.random()}"):
            status = functions.receive(self.world, token, '{"id": "task-unified-000001"}')
            assert status in {403, 404}, f"{self.scene.label}: a forged callback was taken"


def _key(number: int) -> str:
    """Pairs of keys that differ only in their extension, so that both want the same result key."""
    return f"folder/{number // 2}.{'jpg' if number % 2 else 'png'}"
