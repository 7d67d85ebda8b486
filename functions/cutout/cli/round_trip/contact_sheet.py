"""The contact sheet: one HTML file, with no other files, that shows each photo before and after."""

import base64
import io
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageOps

from cutout.cli.output.job_text import explanation, settled_at
from cutout.cli.output.templates import templates
from cutout.cli.round_trip.upload_and_download import DeliveredPhoto
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.dataclass import dataclass
from cutout.domain.job.job import Job

_FEW = 8
_MANY = 60
_SHORTEST_STEP_SECONDS = 0.005
_ASPECTS = (0.6, 1.8)
_USUAL_ASPECT = 1.5
_UPLOADED = "uploaded"
_TENTH = 0.1
# Pillow also reads formats that are unsafe: it passes a PostScript file to Ghostscript, whatever
# the file is called.
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "AVIF")
_QUALITY = 82
_PLAIN_MODES = frozenset({"RGB", "RGBA"})


@dataclass(frozen=True, kw_only=True)
class StatePeriod:
    """A state of a photo: seconds from the upload to its begin, and its length in seconds."""

    state: str
    begins: float
    lasts: float


def contact_sheet(delivered: Sequence[DeliveredPhoto], *, made_at: datetime) -> str:
    """Return the page. The more photos there are, the smaller they are shown."""
    count = len(delivered)
    made = templates("cutout.cli.round_trip", "sheet")
    made.globals |= {
        "aspect": _aspect,
        "bars_of": _bars_of,
        "data_uri": data_uri,
        "explanation": explanation,
    }
    made.filters |= {
        "kilobytes": lambda size: f"{max(1, round(size / 1000)):,} kB",
        "short": _short,
    }
    return made.get_template("page.html").render(
        delivered=delivered,
        made_at=made_at,
        done=sum(one.photo.is_completed for one in delivered),
        slowest=max((one.seconds for one in delivered), default=0.0),
        spent=sum(one.credits or 0 for one in delivered),
        side=960 if count <= _FEW else 480 if count <= _MANY else 240,
        amount="few" if count <= _FEW else "many",
    )


def steps_of(photo: TrackedPhoto) -> list[StatePeriod]:
    """Return the states of a photo in order.

    The first is `uploaded`: the time until the stack picked the photo up.
    """
    if photo.job is None:
        return []
    zero = photo.sent.at
    marks = [(_UPLOADED, zero), *((step.state.value, step.at) for step in photo.job.history)]
    ends = [*(at for _, at in marks[1:]), settled_at(photo.job) or photo.job.updated_at]
    steps: list[StatePeriod] = []
    for (state, at), end in zip(marks, ends, strict=True):
        lasts = (end - at).total_seconds()
        # Only the reason has changed.
        if steps and steps[-1].state == state:
            lasts += steps.pop().lasts
        # A shorter step could not be seen in the bar.
        if lasts >= _SHORTEST_STEP_SECONDS:
            begins = (end - zero).total_seconds() - lasts
            steps.append(StatePeriod(state=state, begins=begins, lasts=lasts))
    return steps


def data_uri(path: Path, side: int) -> str | None:
    """Return the picture as a data URI, no side longer than `side` pixels, transparency kept.

    None if Pillow cannot decode the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return _webp(path, side)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _webp(path: Path, side: int) -> str:
    with Image.open(path, formats=_FORMATS) as opened:
        # A JPEG is decoded at a fraction of its size, which takes a fraction of the time.
        opened.draft("RGB", (side, side))
        picture = ImageOps.exif_transpose(opened)
        if picture.mode not in _PLAIN_MODES:
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def _aspect(job: Job | None) -> float:
    """Return the aspect ratio of the picture, limited to what fits side by side on a page."""
    shape = (job.result or job.photo) if job else None
    if shape is None:
        return _USUAL_ASPECT
    least, most = _ASPECTS
    return min(max(shape.width / shape.height, least), most)


def _bars_of(photo: TrackedPhoto) -> Iterator[tuple[StatePeriod, float, float]]:
    """Yield the states of a photo, and where their bars begin and how long they are in percent."""
    steps = steps_of(photo)
    whole = max((step.begins + step.lasts for step in steps), default=1.0)
    for step in steps:
        yield step, 100 * step.begins / whole, 100 * step.lasts / whole


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= _TENTH else f"{1000 * seconds:.0f} ms"
