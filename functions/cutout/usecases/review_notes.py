"""Saying beside a result that failed acceptance what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cutout.keys import beside
from cutout.ports.pictures import Picture
from cutout.reasons import MEANINGS
from cutout.states import Reason
from cutout.usecases.delivery import Delivery
from cutout.usecases.notes import NoteBoard, occasion_of, retry_command, whose


@dataclass(frozen=True, kw_only=True)
class ReviewNotes:
    """Writes `review/<name>.png.json` beside `review/<name>.png`."""

    board: NoteBoard

    def write(self, delivery: Delivery, doubt: Reason) -> None:
        """Say what was measured and what was expected, for whoever decides what becomes of it."""
        job = delivery.job
        told = review_note(delivery, doubt)
        self.board.put(beside(delivery.key), told, job_id=job.id, occasion=occasion_of(job))


def review_note(delivery: Delivery, doubt: Reason) -> dict[str, Any]:
    """What is said beside a result."""
    photo = delivery.photo
    return {
        **whose(delivery.job),
        "reason": doubt.value,
        "meaning": MEANINGS[doubt],
        "measured": {
            "bytes": delivery.file.stat().st_size,
            **_picture(delivery.picture),
        },
        "expected": {
            "width": photo.width,
            "height": photo.height,
            "shape": "that of the photo, at most 2 % off, and not much smaller",
            "alpha": "some pixels below 255, some above 0",
        },
        "retry": retry_command(delivery.job),
    }


def _picture(picture: Picture | None) -> dict[str, Any]:
    """Nulls for what is not a picture, and for the alpha of one that has none."""
    if picture is None:
        return {"format": None, "width": None, "height": None, "alpha": None}
    alpha = picture.alpha_range
    return {
        "format": picture.format,
        "width": picture.width,
        "height": picture.height,
        "alpha": None if alpha is None else {"least": alpha[0], "greatest": alpha[1]},
    }
