"""The contact sheet: one HTML file, with no other files, that shows each photo before and after."""

import base64
import io
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from string import Template

from PIL import Image, ImageOps

from cutout.cli.output.describe import explanation, settled_at
from cutout.cli.output.file_text import html_text
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
class Step:
    """A state of a photo: seconds from the upload to its begin, and its length in seconds."""

    state: str
    begins: float
    lasts: float


def contact_sheet(delivered: Sequence[DeliveredPhoto], *, made_at: datetime) -> str:
    """Return the page. The more photos there are, the smaller they are shown."""
    count = len(delivered)
    side = 960 if count <= _FEW else 480 if count <= _MANY else 240
    return _template("page.html").substitute(
        style=_text("page.css"),
        title=html_text(_title(delivered)),
        totals="".join(_totals(delivered)),
        made_at=html_text(f"{made_at:%d %B %Y, %H:%M} UTC"),
        made_at_iso=html_text(made_at.isoformat()),
        amount="few" if count <= _FEW else "many",
        cards="\n".join(_card(one, side) for one in delivered),
    )


def steps_of(photo: TrackedPhoto) -> list[Step]:
    """Return the states of a photo in order.

    The first is `uploaded`: the time until the stack picked the photo up.
    """
    if photo.job is None:
        return []
    zero = photo.sent.at
    marks = [(_UPLOADED, zero), *((step.state.value, step.at) for step in photo.job.history)]
    ends = [*(at for _, at in marks[1:]), settled_at(photo.job) or photo.job.updated_at]
    steps: list[Step] = []
    for (state, at), end in zip(marks, ends, strict=True):
        lasts = (end - at).total_seconds()
        # Only the reason has changed.
        if steps and steps[-1].state == state:
            lasts += steps.pop().lasts
        # A shorter step could not be seen in the bar.
        if lasts >= _SHORTEST_STEP_SECONDS:
            begins = (end - zero).total_seconds() - lasts
            steps.append(Step(state=state, begins=begins, lasts=lasts))
    return steps


def _title(delivered: Sequence[DeliveredPhoto]) -> str:
    count = len(delivered)
    return f"{count} photo{'s' * (count != 1)}, cut out"


def _totals(delivered: Sequence[DeliveredPhoto]) -> Iterator[str]:
    done = sum(one.photo.is_completed for one in delivered)
    spent = sum(one.credits or 0 for one in delivered)
    slowest = max((one.seconds for one in delivered), default=0.0)
    for value, name in (
        (f"{done} of {len(delivered)}", "completed"),
        (f"{slowest:.1f} s", "from the upload to the last cut-out"),
        (f"{spent:g}", "credits"),
    ):
        yield f"<div><dd>{html_text(value)}</dd><dt>{html_text(name)}</dt></div>\n"


def _card(one: DeliveredPhoto, side: int) -> str:
    job = one.photo.job
    name = one.photo.sent.key
    return _template("card.html").substitute(
        name=html_text(name),
        before=_image(data_uri(one.photo.sent.photo.path, side), f"{name}, as uploaded"),
        after=_after(one, side),
        variants="".join(_variants(one, side)),
        ground="checkered" if one.file else "plain",
        state=html_text(one.photo.state),
        seconds=f"{one.seconds:.1f} s",
        credits="" if not one.credits else f"{one.credits:g} credits",
        size=html_text(_size(job)),
        aspect=f"{_aspect(job):.3f}",
        steps="".join(_steps(one.photo)),
        details="".join(_details(one)),
    )


def _after(one: DeliveredPhoto, side: int) -> str:
    if one.file is not None:
        name = one.photo.sent.key
        return _image(data_uri(one.file, side), f"{name}, cut out, on a transparent background")
    why = explanation(one.photo.job) if one.photo.job else "not picked up by the stack yet"
    return f'<p class="none">no cut-out<br>{html_text(why)}</p>'


def _variants(one: DeliveredPhoto, side: int) -> Iterator[str]:
    """Yield the variants, as small pictures."""
    for variant, file in one.variants:
        name = f"{one.photo.sent.key}, {variant.recipe}"
        size = f"{variant.width} by {variant.height} {variant.format}"
        kilobytes = max(1, round(variant.size / 1000))
        yield (
            f'<figure class="variant">{_image(data_uri(file, side // 3), name)}'
            f"<figcaption>{html_text(variant.recipe)} <small>{size}, {kilobytes:,} kB</small>"
            "</figcaption></figure>"
        )


def _image(uri: str | None, description: str) -> str:
    if uri is None:
        return '<p class="none">no preview</p>'
    return f'<img src="{uri}" alt="{html_text(description)}">'


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


def _size(job: Job | None) -> str:
    if job is None or job.result is None:
        return ""
    kilobytes = max(1, round(job.result.size / 1000))
    return f"{job.result.width} by {job.result.height} pixels, {kilobytes:,} kB"


def _aspect(job: Job | None) -> float:
    """Return the aspect ratio of the picture, limited to what fits side by side on a page."""
    shape = (job.result or job.photo) if job else None
    if shape is None:
        return _USUAL_ASPECT
    least, most = _ASPECTS
    return min(max(shape.width / shape.height, least), most)


def _steps(photo: TrackedPhoto) -> Iterator[str]:
    steps = steps_of(photo)
    whole = max((step.begins + step.lasts for step in steps), default=1.0)
    for step in steps:
        begins, lasts = 100 * step.begins / whole, 100 * step.lasts / whole
        yield (
            f'<li class="{html_text(step.state)}"><span>{html_text(step.state)}</span>'
            f'<i style="--from:{begins:.1f}%;--long:{lasts:.1f}%"></i>'
            f"<b>{_short(step.lasts)}</b></li>"
        )


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= _TENTH else f"{1000 * seconds:.0f} ms"


def _details(one: DeliveredPhoto) -> Iterator[str]:
    job = one.photo.job
    if job is None:
        return
    task = job.attempt.task_id if job.attempt else None
    result = f"s3://{job.result.bucket}/{job.result.key}" if job.result else None
    for name, value in (
        ("source", f"s3://{job.source.bucket}/{job.source.key}"),
        ("result", result),
        ("job", job.id),
        ("task", task),
        ("attempts", str(len(job.attempts))),
    ):
        if value:
            yield f"<dt>{html_text(name)}</dt><dd>{html_text(value)}</dd>"


def _template(name: str) -> Template:
    return Template(_text(name))


def _text(name: str) -> str:
    return files("cutout.cli.round_trip").joinpath("sheet", name).read_text(encoding="utf-8")
