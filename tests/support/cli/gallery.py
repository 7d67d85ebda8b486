"""Jobs in every state, with pictures, for tests that look at pages."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

from PIL import Image, ImageDraw

from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.job.source import Photo
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import RESULTS, UPLOADS, failed, make_job
from tests.support.cli.stack import FakeStack

_KEYS = ("shoes/runner.jpg", "lamps/desk lamp.jpg", "bags/tote.jpg", "chairs/stool.jpg")
_ENDS = (
    (State.COMPLETED, None),
    (State.PROCESSING, None),
    (State.QUEUED, Reason.GATE_FULL),
    (State.REVIEW, Reason.RESULT_OPAQUE),
    (State.FAILED, Reason.TASK_FAILED),
    (State.REJECTED, Reason.TOO_SMALL),
    (State.SUBMITTING, None),
    (State.STORING, None),
    (State.SUPERSEDED, Reason.NEWER_UPLOAD),
)


def picture(mode: str, format_: str) -> bytes:
    """Return a picture of a disc."""
    image = Image.new(mode, (600, 400), (0, 0, 0, 0) if mode == "RGBA" else (190, 205, 215))
    ImageDraw.Draw(image).ellipse((120, 60, 480, 360), fill="#b5543c")
    file = io.BytesIO()
    image.save(file, format_)
    return file.getvalue()


def gallery(stack: FakeStack, count: int = len(_ENDS)) -> list[Job]:
    """Put jobs into the table, all states in turn, and the pictures of the first hundred."""
    photo, cut_out = picture("RGB", "JPEG"), picture("RGBA", "PNG")
    jobs = []
    for number in range(count):
        state, reason = _ENDS[number % len(_ENDS)]
        key = f"{number:05}/{_KEYS[number % len(_KEYS)]}"
        at = NOON - timedelta(seconds=40 * number + 10)
        job = make_job(key, state=state, reason=reason, at=at)
        if state is State.QUEUED:
            job = replace(job, is_waiting=True, due_at=None)
        job = replace(
            job,
            id=f"{number:032x}",
            photo=Photo(format="JPEG", width=600, height=400, sha256="0" * 64),
        )
        if number == 0:
            job = replace(job, variants=_variants())
        stack.know(job)
        jobs.append(job)
        if number < 100:
            stack.store.objects[UPLOADS, key] = photo
            stack.store.objects[RESULTS, key.rpartition(".")[0] + ".png"] = cut_out
    stack.store.objects[RESULTS, "shop.png"] = cut_out
    stack.store.objects[RESULTS, f"{jobs[min(4, count - 1)].source.key}.error.json"] = b'{"a": 1}'
    return jobs


def failed_photo(stack: FakeStack) -> Job:
    """Put one failed job into the table."""
    job = replace(failed("a.jpg"), id="f" * 32)
    stack.know(job)
    return job


def _variants() -> tuple[Variant, ...]:
    return (
        Variant(recipe="shop", format="png", made_at=NOON, key="shop.png", size=900, width=300),
        Variant(recipe="market", format="jpg", made_at=NOON, problem="it would be too small"),
    )
