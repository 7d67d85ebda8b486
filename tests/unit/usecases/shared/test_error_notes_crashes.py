"""A worker may die at any step: what is said in the bucket is right in the end all the same."""

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
    """Three uploads that are no photos; one is replaced by a photo, one is deleted, one stays."""

    def __init__(self, *, dies_at: int | None = None, is_redelivered: bool = True) -> None:
        super().__init__(Story(), dies_at=dies_at, is_redelivered=is_redelivered)
        self.stays: Source | None = None

    def live(self) -> None:
        """Let it all happen, one thing after the other."""
        self._uploaded("replaced.jpg", TEXT)
        self._uploaded("deleted.jpg", TEXT)
        self.stays = self._uploaded("stays.jpg", TEXT)
        self._uploaded("replaced.jpg", png())
        deletion = self.world.uploads.remove("deleted.jpg")
        self._deliver(partial(self.world.arrive.deleted, deletion), comes_again=True)
        self._work_off()
        self.passes(LONG_ENOUGH)

    def _uploaded(self, key: str, data: bytes) -> Source:
        source = self.world.uploads.add(key, data)
        self._deliver(partial(self._take_event, source), comes_again=True)
        self._work_off()
        return source


def steps() -> list[str]:
    """Every step when nobody dies."""
    life = NotedLife()
    life.live()
    return life.steps.seen


STEPS = steps()
_SWEEPS_FROM = STEPS.index("backlog.due")
DEATHS = [pytest.param(number, id=f"{number} {step}") for number, step in enumerate(STEPS)]


@pytest.mark.parametrize("is_redelivered", [True, False], ids=["again", "gone"])
@pytest.mark.parametrize("dies_at", DEATHS[:_SWEEPS_FROM])
def test_a_worker_dies_at_any_step_and_only_a_photo_without_cut_out_has_a_note(
    dies_at: int,
    is_redelivered: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Exactly for the upload that was rejected and is still there; each is announced."""
    life = NotedLife(dies_at=dies_at, is_redelivered=is_redelivered)
    life.live()
    assert life.stays is not None
    stored = life.world.notes.stored
    assert {key: note.note.job_id for key, note in stored.items()} == {
        "stays.jpg.error.json": life.stays.job_id
    }
    assert all(job.is_announced for job in life.world.jobs.jobs.values())


def test_the_story_comes_by_everything_that_is_done_to_notes() -> None:
    """What it does not do, no death tests."""
    assert {step for step in STEPS if step.startswith("notes.")} == {
        "notes.current",
        "notes.write",
        "notes.write done",
        "notes.remove",
        "notes.remove done",
    }
