"""Waiting for photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto, wait_for_jobs
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job
from tests.support.cli.stack import FakeStack


class Listener:
    """Records what it is shown."""

    def __init__(self) -> None:
        self.states: list[list[str]] = []
        self.remarks: list[str] = []

    def show(self, photos: Sequence[TrackedPhoto], *, now: datetime) -> None:
        """Record the states."""
        assert now >= NOON
        self.states.append([photo.job.state.value if photo.job else "-" for photo in photos])

    def remark(self, text: str) -> None:
        """Record the remark."""
        self.remarks.append(text)


def _sent(stack: FakeStack, *keys: str) -> list[SentPhoto]:
    photos = [PhotoFile(path=Path(key), key=key, content_type="image/jpeg") for key in keys]
    return [stack.upload(photo) for photo in photos]


def _follow(
    stack: FakeStack, sent: list[SentPhoto], watcher: Listener, timeout_seconds: float | None = None
) -> list[TrackedPhoto]:
    return wait_for_jobs(stack, sent, watcher=watcher, timeout_seconds=timeout_seconds)


def test_every_state_is_shown() -> None:
    """The watcher gets each state of each photo, and the last one is returned."""
    stack, watcher = FakeStack(), Listener()

    photos = _follow(stack, _sent(stack, "a.jpg"), watcher)

    assert watcher.states == [
        ["queued"],
        ["submitting"],
        ["processing"],
        ["storing"],
        ["completed"],
    ]
    assert [photo.is_completed for photo in photos] == [True]


def test_waiting_ends_when_every_photo_has_settled() -> None:
    """In any way."""
    stack = FakeStack(ends={"b.jpg": make_job("b.jpg", state=State.FAILED)})

    photos = _follow(stack, _sent(stack, "a.jpg", "b.jpg"), Listener())

    assert [photo.is_settled for photo in photos] == [True, True]
    assert [photo.is_completed for photo in photos] == [True, False]


def test_waiting_ends_at_the_time_limit() -> None:
    """The photos are returned in their current state."""
    stack = FakeStack(unseen=["a.jpg"])

    photos = _follow(stack, _sent(stack, "a.jpg"), Listener(), timeout_seconds=10)

    assert [photo.job for photo in photos] == [None]
    assert 10 <= stack.clock.elapsed < 11


def test_a_photo_without_a_job_causes_one_remark() -> None:
    """The cause may be a wrong prefix or a failed message."""
    stack, watcher = FakeStack(unseen=["a.jpg", "b.jpg"]), Listener()

    _follow(stack, _sent(stack, "a.jpg", "b.jpg"), watcher, timeout_seconds=300)

    assert [remark.partition(".")[0] for remark in watcher.remarks] == [
        "The stack has not picked up a"
    ]
    assert "and 1 more" in watcher.remarks[0]


def test_many_photos_are_polled_less_often() -> None:
    """Reading a thousand jobs twice a second would cost more than writing them."""
    few = FakeStack(unseen=["a"])
    _follow(few, _sent(few, "a"), Listener(), timeout_seconds=20)
    many = FakeStack(unseen=[str(number) for number in range(1000)])
    _follow(many, _sent(many, *many.table.unseen), Listener(), timeout_seconds=20)
    assert few.table.looks > 40
    assert many.table.looks < 6


def test_the_time_of_a_photo_runs_from_its_upload_to_its_end() -> None:
    """Including S3, the event bus and the queue."""
    stack = FakeStack()
    sent = replace(_sent(stack, "a.jpg")[0], at=NOON - timedelta(seconds=2))
    photo = TrackedPhoto(sent=sent, job=make_job())
    assert photo.age(NOON + timedelta(hours=1)) == timedelta(seconds=6)


def test_the_time_of_a_photo_is_not_negative_if_clocks_differ() -> None:
    """If this machine's clock is ahead of the cloud's, the job's own times are used."""
    stack = FakeStack()
    sent = replace(_sent(stack, "a.jpg")[0], at=NOON + timedelta(minutes=5))
    assert TrackedPhoto(sent=sent, job=make_job()).age(NOON) == timedelta(seconds=4)
    assert TrackedPhoto(sent=sent, job=None).age(NOON) == timedelta(0)
