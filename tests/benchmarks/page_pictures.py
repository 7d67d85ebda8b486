"""The pictures on the pages: `python -m tests.benchmarks.page_pictures` writes them to `.readme/`.

`before-after.jpg` has two of the shipped photos beside their cut-outs, `variants.png` one photo in
all variants of `infra/examples/recipes.example.toml`, `console.jpg` the console's board with some
made-up jobs. The cut-outs are the local stand-in's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw, ImageFont

from cutout.adapters.pillow.pillow_pictures import PillowPictures
from cutout.domain.gate.gate import DEFAULT_LIMITS
from cutout.domain.gate.pauses_and_slots import ShardChange
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from infra.local.evolink.background_removal import remove_background
from infra.local.place import shipped_photos
from infra.settings.recipe_file import read_recipes
from tests.support.builders import new_gate
from tests.support.chromium import running
from tests.support.cli.clock import NOON
from tests.support.cli.console_server import served
from tests.support.cli.jobs import RESULTS, UPLOADS, make_job
from tests.support.cli.stack import FakeStack

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / ".readme"
_EXAMPLE = _ROOT / "infra/examples/recipes.example.toml"
_JOBS: tuple[tuple[str, State, Reason | None], ...] = (
    ("breakfast/coffee.jpg", State.COMPLETED, None),
    ("portraits/astronaut.jpg", State.PROCESSING, None),
    ("cats/chelsea.jpg", State.PROCESSING, None),
    ("breakfast/spring/coffee.jpg", State.QUEUED, Reason.GATE_FULL),
    ("cats/sofa/chelsea.jpg", State.REVIEW, Reason.RESULT_OPAQUE),
)
_CELL = 224
_GAP = 14
_TEXT = 30
_SQUARE = 10


def main() -> None:
    """Write the pictures."""
    photos = {path.stem: path for path in shipped_photos()}
    sheet(_before_and_after(photos)).save(_FOLDER / "before-after.jpg", quality=88, optimize=True)
    page = sheet(_variants(photos["coffee"]))
    few_colours = page.quantize(192, dither=Image.Dither.FLOYDSTEINBERG)
    few_colours.save(_FOLDER / "variants.png", optimize=True)
    _console(photos, _FOLDER / "console.jpg")


def _before_and_after(photos: Mapping[str, Path]) -> Iterator[tuple[str, Image.Image]]:
    for name in ("coffee", "astronaut"):
        with Image.open(photos[name]) as photo:
            yield "before", photo.convert("RGB")
            yield "after", remove_background(photo)


def _variants(path: Path) -> Iterator[tuple[str, Image.Image]]:
    pictures = PillowPictures(50_000_000)
    with Image.open(path) as photo, tempfile.TemporaryDirectory() as folder:
        yield "photo", photo.convert("RGB")
        cut_out = Path(folder) / "cut-out.png"
        remove_background(photo).save(cut_out)
        yield "the cut-out (png)", Image.open(cut_out)
        for recipe in read_recipes(_EXAMPLE):
            into = Path(folder) / recipe.name
            pictures.render(cut_out, recipe, into)
            with Image.open(into) as made:
                yield f"{recipe.name} ({recipe.format})", made.convert("RGBA")


def _console(photos: Mapping[str, Path], file: Path) -> None:
    """Photograph the board in a browser."""
    stack = FakeStack()
    stack.resources.where = "the local cloud"
    jobs = [_job(number, key, state, reason) for number, (key, state, reason) in enumerate(_JOBS)]
    stack.know(*jobs)
    _fill_gate(stack, jobs)
    for job in jobs:
        key = job.source.key
        with Image.open(photos[PurePosixPath(key).stem]) as photo:
            shown = photo.convert("RGB")
        stack.store.objects[UPLOADS, key] = _small(shown, "JPEG")
        if job.result:
            stack.store.objects[RESULTS, job.result.key] = _small(remove_background(shown), "PNG")
    with (
        served(lambda: stack, stack.clock) as console,
        running() as browser,
        browser.new_page(viewport={"width": 1180, "height": 690}) as page,
    ):
        page.goto(console.url)
        page.wait_for_load_state("load")
        page.evaluate("() => Promise.all([...document.images].map((one) => one.decode()))")
        page.screenshot(path=file, type="jpeg", quality=82)


def _job(number: int, key: str, state: State, reason: Reason | None) -> Job:
    job = make_job(key, state=state, reason=reason, at=NOON - timedelta(seconds=70 * number))
    is_waiting = reason is Reason.GATE_FULL
    return replace(
        job,
        id=f"{number:032x}",
        is_waiting=is_waiting,
        attempts=() if is_waiting else job.attempts,
    )


def _fill_gate(stack: FakeStack, jobs: Sequence[Job]) -> None:
    """Let the gate hold the tasks and credits of the jobs; it is full, as one job waits for it."""
    running = [job for job in jobs if job.state is State.PROCESSING]
    stack.table.write_gate(new_gate(limits=replace(DEFAULT_LIMITS, max_in_flight=len(running))))
    for job in jobs:
        taken = f"{job.created_at.timestamp() * 1000:.0f}.{job.id}" if job in running else None
        spent = {NOON.date(): job.credits}
        stack.table.change_shard(ShardChange(shard=0, takes=taken, charges=spent))


def _small(picture: Image.Image, format_: str) -> bytes:
    small = picture.copy()
    small.thumbnail((300, 300), Image.Resampling.LANCZOS)
    content = BytesIO()
    small.save(content, format_)
    return content.getvalue()


def sheet(named: Iterable[tuple[str, Image.Image]]) -> Image.Image:
    """Put all side by side, on squares where they are transparent, each with its name."""
    shown = list(named)
    width = len(shown) * (_CELL + _GAP) + _GAP
    page = Image.new("RGB", (width, _CELL + _TEXT + 2 * _GAP), "#ffffff")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(15)
    for number, (name, picture) in enumerate(shown):
        left = _GAP + number * (_CELL + _GAP)
        small = picture.convert("RGBA")
        small.thumbnail((_CELL, _CELL), Image.Resampling.LANCZOS)
        ground = _squares(small.size)
        ground.alpha_composite(small)
        top = _GAP + (_CELL - small.height) // 2
        at = left + (_CELL - small.width) // 2
        page.paste(ground.convert("RGB"), (at, top))
        draw.rectangle((at - 1, top - 1, at + small.width, top + small.height), outline="#d8d8d4")
        draw.text((left + _CELL // 2, _GAP + _CELL + 8), name, "#333333", font, anchor="ma")
    return page


def _squares(size: tuple[int, int]) -> Image.Image:
    ground = Image.new("RGBA", size, "#ffffff")
    draw = ImageDraw.Draw(ground)
    for left in range(0, size[0], _SQUARE):
        for top in range(left // _SQUARE % 2 * _SQUARE, size[1], 2 * _SQUARE):
            draw.rectangle((left, top, left + _SQUARE - 1, top + _SQUARE - 1), "#e6e6e2")
    return ground


if __name__ == "__main__":
    main()
