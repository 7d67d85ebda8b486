"""A worker may crash at any step: in the end, exactly the right error notes exist."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from cutout.domain.job.source import Source
from tests.support.fakes.world import png
from tests.support.lives import Life, Story

TEXT = b"a text, renamed"
LONG_ENOUGH = timedelta(hours=1)
"""A lease, a grace time, and what it takes to find out."""


class NotedLife(Life):
    """Three uploads that are no photos: one is replaced by a photo, one is deleted, one remains."""

    def __init__(self, *, crashes_at: int | None = None, is_redelivered: bool = True) -> None:
        super().__init__(Story(), crashes_at=crashes_at, is_redelivered=is_redelivered)
        self.stays: Source | None = None

    def live(self) -> None:
        """Run all of it, one event after the other."""
        self._uploaded("replaced.jpg", TEXT)
        self._uploaded("deleted.jpg", TEXT)
        self.stays = self._uploaded("stays.jpg", TEXT)
        self._uploaded("replaced.jpg", png())
        deletion = self.world.uploads.remove("deleted.jpg")
        self._deliver(partial(self.world.register_upload.deleted, deletion), comes_again=True)
        self._work_off()
        self.passes(LONG_ENOUGH)

    def _uploaded(self, key: str, data: bytes) -> Source:
        source = self.world.uploads.add(key, data)
        self._deliver(partial(self._take_event, source), comes_again=True)
        self._work_off()
        return source


def steps() -> list[str]:
    """Every step without a crash."""
    life = NotedLife()
    life.live()
    return life.steps.seen


STEPS = steps()
_SWEEPS_FROM = STEPS.index("backlog.due")
CRASHES = [pytest.param(number, id=f"{number} {step}") for number, step in enumerate(STEPS)]


@pytest.mark.parametrize("is_redelivered", [True, False], ids=["again", "gone"])
@pytest.mark.parametrize("crashes_at", CRASHES[:_SWEEPS_FROM])
def test_after_a_crash_at_any_step_only_a_photo_without_cut_out_has_a_note(
    crashes_at: int,
    is_redelivered: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Only the rejected upload that still exists has a note, and every job is announced."""
    life = NotedLife(crashes_at=crashes_at, is_redelivered=is_redelivered)
    life.live()
    assert life.stays is not None
    stored = life.world.notes.stored
    assert {key: note.note.job_id for key, note in stored.items()} == {
        "stays.jpg.error.json": life.stays.job_id
    }
    assert all(job.is_announced for job in life.world.jobs.jobs.values())


def test_the_story_covers_every_operation_on_notes() -> None:
    """An operation that is not in the story would not be tested with a crash."""
    assert {step for step in STEPS if step.startswith("notes.")} == {
        "notes.current",
        "notes.write",
        "notes.write done",
        "notes.remove",
        "notes.remove done",
    }
