"""A newer upload that S3 denies to the functions does not keep older jobs from their end."""

from __future__ import annotations

import pytest

from cutout.domain.errors import SourceDeniedError
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.fakes.steps import Step
from tests.support.fakes.world import World, png


def denying() -> tuple[Step, set[str]]:
    """A step hook that denies the steps in the set."""
    denied: set[str] = set()

    def step(name: str) -> None:
        if name in denied:
            raise SourceDeniedError("S3 answers AccessDenied")

    return step, denied


_READS_OF_A_KEY = {"uploads.version_shown", "uploads.labels_if_newest"}


@pytest.mark.parametrize("ends", ["complete", "fail"])
def test_a_job_with_a_denied_newer_upload_is_superseded(ends: str) -> None:
    """The newer upload has a policy or a KMS key of its own."""
    step, denied = denying()
    world = World(step=step)
    job = world.arrives("a.jpg")
    task = world.task_of(job)
    world.register_upload.created(world.uploads.add("a.jpg", png(salt=1)))
    denied.update(_READS_OF_A_KEY)
    if ends == "complete":
        world.evolink.complete(task)
    else:
        world.evolink.fail(task, "content_policy_violation")
    ended = world.check_task(job)
    assert (ended.state, ended.reason) == (State.SUPERSEDED, Reason.NEWER_UPLOAD)
    assert world.results.objects == {}


def test_the_cut_out_of_a_deleted_photo_is_removed_though_a_newer_upload_is_denied() -> None:
    """Without a newer upload, a denied read proves nothing and the removal is repeated."""
    step, denied = denying()
    world = World(delete_with_source=True, step=step)
    job = world.arrives("a.jpg")
    world.evolink.complete(world.task_of(job))
    world.check_task(job)
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    (removal,) = world.callbacks.removals
    denied.update(_READS_OF_A_KEY)
    with pytest.raises(SourceDeniedError):
        world.remove_results.remove(removal)
    world.arrives("a.jpg", png(salt=1))
    world.remove_results.remove(removal)
    assert world.results.objects == {}


def test_a_photo_whose_key_cannot_be_read_gets_its_note() -> None:
    """The newest event of the key says whether it is the newest."""
    step, denied = denying()
    world = World(step=step)
    denied.update(_READS_OF_A_KEY)
    job = world.arrives("a.jpg", b"a text, renamed")
    assert (job.state, list(world.notes.stored)) == (State.REJECTED, ["a.jpg.error.json"])
    world.register_upload.deleted(world.uploads.remove("a.jpg"))
    world.job_writer.reapply_effects(job)
    assert world.notes.stored == {}
