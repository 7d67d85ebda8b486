"""The contact sheet's layout, with every part that a card can have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.round_trip.contact_sheet import contact_sheet
from cutout.cli.round_trip.upload_and_download import DeliveredPhoto
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job

_SHAPES = {"wide.jpg": (900, 300), "square.jpg": (500, 500), "people/of 1995/tall.jpg": (300, 900)}
_VARIANTS = (("market", "jpg"), ("shop", "webp"), ("thumbnail", "avif"), ("full", "png"))
_FAULTS = """() => {
  const faults = [];
  const within = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1
    && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const box = (element) => element.getBoundingClientRect();
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page scrolls sideways");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (!text.data.trim()) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const {left, right, top, bottom} of range.getClientRects())
      for (const x of [left + 1, (left + right) / 2, right - 1])
        if (!text.parentElement.contains(document.elementFromPoint(x, (top + bottom) / 2)))
          faults.push(`hidden text: ${text.data}`);
  }
  for (const picture of document.images)
    if (!within(box(picture), box(picture.closest("figure"))))
      faults.push(`outside its frame: ${picture.alt}`);
  for (const card of document.querySelectorAll("article")) {
    const [before, after] = card.querySelectorAll(".pair > figure");
    const [pair, facts] = card.children;
    if (![pair, facts].every((part) => within(box(part), box(card))))
      faults.push("a part of a card is outside it");
    if (![before, after].every((figure) => within(box(figure), box(pair))))
      faults.push("a picture is outside its half of the card");
    if (Math.abs(box(before).width - box(after).width) > 1)
      faults.push("before and after differ in width");
  }
  return faults;
}"""


def _picture(path: Path, mode: str, size: tuple[int, int]) -> Path:
    Image.new(mode, size, "orange").save(path)
    return path


def _card(folder: Path, key: str, job: Job | None, *, with_variants: bool) -> DeliveredPhoto:
    size = _SHAPES.get(key, (600, 400))
    photo = PhotoFile(
        path=_picture(folder / f"{size}.jpg", "RGB", size), key=key, content_type="image/jpeg"
    )
    sent = SentPhoto(photo=photo, at=NOON - timedelta(seconds=1), etag="e", job_id="j")
    file = None
    if job is not None and job.result is not None:
        job = replace(job, result=replace(job.result, width=size[0], height=size[1]))
        file = _picture(folder / f"{size}.png", "RGBA", size)
    variants = tuple(
        (Variant(recipe=recipe, format=format_, made_at=NOON, width=2000, height=1500), file)
        for recipe, format_ in _VARIANTS
        if file is not None and with_variants
    )
    return DeliveredPhoto(
        photo=TrackedPhoto(sent=sent, job=job), file=file, seconds=5.0, variants=variants
    )


def _cards(folder: Path) -> Iterator[DeliveredPhoto]:
    for key in _SHAPES:
        yield _card(folder, key, make_job(key), with_variants=False)
        yield _card(folder, key, make_job(key), with_variants=True)
    words = "it is a text, which says so at length; " * 4
    refused = make_job("a.jpg", state=State.REJECTED, reason=Reason.NOT_A_PHOTO, message=words)
    yield _card(folder, "a.jpg", refused, with_variants=False)
    yield _card(folder, "not-picked-up.jpg", None, with_variants=False)


@pytest.fixture(scope="module")
def cards(tmp_path_factory: pytest.TempPathFactory) -> list[DeliveredPhoto]:
    """Photos of three shapes, with variants and without, and two that have no cut-out."""
    return list(_cards(tmp_path_factory.mktemp("cards")))


def _faults(page: Page, html: str, width: int) -> list[str]:
    """Return what is wrong with the layout of a page that is shown in full height."""
    page.set_content(html)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    return list(page.evaluate(_FAULTS))


@pytest.mark.parametrize(
    ("width", "scheme", "repeats"),
    [(390, "dark", 1), (1440, "light", 1), (1000, "light", 2), (1920, "dark", 2)],
)
def test_no_parts_overlap_and_no_text_is_hidden(
    browser: Browser, cards: list[DeliveredPhoto], width: int, scheme: str, repeats: int
) -> None:
    """On a phone and on screens; with few photos in one column, with many in two."""
    html = contact_sheet(cards * repeats, made_at=NOON)
    with browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    ) as page:
        assert _faults(page, html, width) == []
