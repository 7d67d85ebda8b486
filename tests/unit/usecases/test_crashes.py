"""A worker may crash at any step: redelivery, callback and Sweep complete the job.

Each story runs once without a crash to record its steps, then once for each step with a crash
at it. Steps named ` done` come right after a side effect.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.states import State, Transport
from tests.support.fakes.copier import tiff
from tests.support.lives import Life, Story

STORIES = {
    "called back": Story(),
    "polled": Story(calls_back=False, replaces=True),
    "handed over as a copy": Story(transport=Transport.FILES),
    "prepared": Story(keys=("a.tif",), data=tiff(), transport=Transport.FILES),
    "without versions": Story(is_versioned=False),
    "one behind the other": Story(keys=("a.jpg", "b.jpg"), max_in_flight=1),
}
LONG_ENOUGH = timedelta(hours=2)
"""A lease, a grace time, a poll, and what it takes to find out."""


def steps_of(story: Story) -> list[str]:
    """Every step of the story without a crash."""
    life = Life(story)
    life.live()
    return life.steps.seen


CRASHES = [
    pytest.param(story, number, step, id=f"{name}, {number} {step}")
    for name, story in STORIES.items()
    for number, step in enumerate(steps_of(story))
]
"""Every scenario with every step at which a worker can crash in it."""


@pytest.mark.parametrize("is_redelivered", [True, False], ids=["again", "gone"])
@pytest.mark.parametrize("honours_keys", [True, False], ids=["keys", "no keys"])
@pytest.mark.parametrize(("story", "crashes_at", "step"), CRASHES)
def test_a_crash_at_any_step_leaves_one_result_one_charge_and_one_completed_job(
    story: Story,
    crashes_at: int,
    step: str,
    honours_keys: bool,  # noqa: FBT001 - a column of the table
    is_redelivered: bool,  # noqa: FBT001
) -> None:
    """A second charge is allowed only where the job records that it is possible."""
    life = Life(
        story,
        crashes_at=crashes_at,
        is_redelivered=is_redelivered,
        honours_keys=honours_keys,
    )
    life.live()
    life.passes(LONG_ENOUGH, swept_every=timedelta(minutes=10))
    assert life.steps.seen[crashes_at] == step
    jobs = list(life.world.jobs.jobs.values())
    assert sorted(job.source.key for job in jobs) == sorted(story.keys)
    for job in jobs:
        check_result(life, job)
        check_charges(life, job, honours_keys=honours_keys)
        check_announced(life, job)
    check_at_rest(life)


def check_result(life: Life, job: Job) -> None:
    """The job is completed, and the results bucket holds exactly the object that the job names."""
    assert (job.state, job.reason) == (State.COMPLETED, None)
    assert job.result is not None
    stored = life.world.results.objects[job.result.key]
    assert stored.labels.metadata["cutout-job"] == job.id
    assert len(stored.data) == job.result.size
    written = {put.data for key, put in life.world.results.puts if key == job.result.key}
    assert written == {stored.data}


def check_charges(life: Life, job: Job, *, honours_keys: bool) -> None:
    """One charge; a second only where the job records that it is possible."""
    charges = [c for c in life.world.evolink.charges if job.id in c.key]
    doubles = sum(attempt.is_possible_double_charge for attempt in job.attempts)
    assert len(charges) == 1 if honours_keys else 1 <= len(charges) <= 1 + doubles
    bodies = {body for key, body in life.world.evolink.posts if job.id in key}
    assert (len(job.attempts), len(bodies)) == (1, 1)


def check_announced(life: Life, job: Job) -> None:
    """The event was sent at least once, the job records that, and has no further due time."""
    told = {told.state for told in life.world.announcements.jobs if told.id == job.id}
    assert (told, job.is_announced, job.due_at) == ({State.COMPLETED}, True, None)


def check_at_rest(life: Life) -> None:
    """No slot is taken, no message is queued, and Sweep finds nothing to do."""
    world = life.world
    assert world.jobs.read_gate().in_flight == 0
    assert (world.submissions.job_ids, world.callbacks.checks) == ([], [])
    assert world.sweep.sweep() == 0
    expected = {job.result_key for job in world.jobs.jobs.values()}
    assert set(world.results.objects) == expected


def test_the_stories_cover_every_side_effect() -> None:
    """A step that is in no story would not be tested with a crash."""
    seen = {step for story in STORIES.values() for step in steps_of(story)}
    assert seen == {
        "announcements.announce",
        "announcements.announce done",
        "backlog.due",
        "backlog.postpone",
        "backlog.waiting",
        "bodies.keep",
        "bodies.keep done",
        "callbacks.enqueue",
        "callbacks.enqueue done",
        "copier.copy",
        "copier.look",
        "copies.put",
        "copies.put done",
        "copies.read",
        "downloads.fetch",
        "evolink.create",
        "evolink.create done",
        "evolink.read",
        "files.delete",
        "files.upload",
        "gate.read",
        "gate.write",
        "gate.write done",
        "heads.advance",
        "heads.advance done",
        "heads.newest",
        "jobs.claim",
        "jobs.claim done",
        "jobs.find",
        "jobs.save",
        "jobs.save done",
        "notes.current",
        "preparations.prepare",
        "preparations.prepare done",
        "reports.report",
        "reports.report done",
        "results.put",
        "results.put done",
        "results.current",
        "submissions.enqueue",
        "submissions.enqueue done",
        "uploads.fetch",
        "uploads.labels",
        "uploads.labels_if_newest",
        "uploads.read",
        "uploads.version_shown",
    }
