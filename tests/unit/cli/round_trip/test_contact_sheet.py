"""The contact sheet."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.round_trip.contact_sheet import StatePeriod, contact_sheet, data_uri, steps_of
from cutout.cli.round_trip.upload_and_download import DeliveredPhoto
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.job.job import Job
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job

_VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """A parsed page: its URLs, its texts, and unclosed elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.descriptions: list[str | None] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record URLs, and that the element is open."""
        named = dict(attrs)
        self.addresses += [named[name] or "" for name in ("src", "href") if name in named]
        if tag == "img":
            self.descriptions.append(named.get("alt"))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Record that the element is closed."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Record a text."""
        if data.strip():
            self.texts.append(data.strip())


def _picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Path:
    Image.new(mode, size, color=0).save(path)
    return path


def _delivered(
    folder: Path, name: str = "a.jpg", *, job: Job | None = None, file: Path | None = None
) -> DeliveredPhoto:
    photo = PhotoFile(path=_picture(folder / "photo.png"), key=name, content_type="image/jpeg")
    sent = SentPhoto(photo=photo, at=NOON - timedelta(seconds=1), etag="e", job_id="j")
    return DeliveredPhoto(photo=TrackedPhoto(sent=sent, job=job), file=file, seconds=5.0)


@pytest.fixture
def completed(tmp_path: Path) -> DeliveredPhoto:
    """A photo with its cut-out."""
    return _delivered(tmp_path, job=make_job(), file=_picture(tmp_path / "a.png", "RGBA"))


def test_the_page_is_well_formed_and_self_contained(completed: DeliveredPhoto) -> None:
    """Every picture is embedded, and its policy forbids loading anything."""
    html = contact_sheet([completed, completed], made_at=NOON)
    page = Page(html)
    assert page.open == []
    assert len(page.addresses) == 4
    assert all(address.startswith("data:image/webp;base64,") for address in page.addresses)
    assert "default-src 'none'" in html
    assert re.search(r"url\(|@import|<script|<link", html) is None


def test_before_and_after_are_side_by_side_and_described(completed: DeliveredPhoto) -> None:
    """Each picture has an alternative text."""
    assert Page(contact_sheet([completed], made_at=NOON)).descriptions == [
        "a.jpg, as uploaded",
        "a.jpg, cut out, on a transparent background",
    ]


def test_totals_state_time_and_credits_are_shown(completed: DeliveredPhoto) -> None:
    """In the header for all, on the card for each."""
    texts = Page(contact_sheet([completed], made_at=NOON)).texts
    for text in (
        "1 of 1",
        "5.4",
        "5.0 s",
        "completed",
        "cut-out: 600 by 400 pixels, 1 kB",
        "a.jpg",
    ):
        assert text in texts


def test_a_photo_without_a_cut_out_shows_the_reason(tmp_path: Path) -> None:
    """In place of the cut-out."""
    job = make_job(state=State.REJECTED, reason=Reason.NOT_A_PHOTO, message="it is a text")
    texts = Page(contact_sheet([_delivered(tmp_path, job=job)], made_at=NOON)).texts
    assert "not-a-photo (it is a text)" in texts


def test_a_photo_without_a_job_has_a_card_too(tmp_path: Path) -> None:
    """Nothing is left out of the sheet."""
    texts = Page(contact_sheet([_delivered(tmp_path)], made_at=NOON)).texts
    assert "not picked up by the stack yet" in texts
    assert "unknown" in texts


def test_names_and_messages_cannot_become_markup(tmp_path: Path) -> None:
    """Keys and the API's messages are untrusted text."""
    job = make_job(state=State.FAILED, message="<script>alert(1)</script>")
    html = contact_sheet([_delivered(tmp_path, '"><img src=x>.jpg', job=job)], made_at=NOON)
    assert "<script" not in html
    assert "src=x" not in re.sub(r"&[^;]*;", "", html).replace("img src=x", "")
    assert '"><img src=x>.jpg' in Page(html).texts


def test_names_with_a_dollar_are_kept(tmp_path: Path) -> None:
    """They are no placeholders."""
    job = make_job("$style.jpg", state=State.FAILED)
    page = Page(contact_sheet([_delivered(tmp_path, "$style.jpg", job=job)], made_at=NOON))
    assert "$style.jpg" in page.texts


def test_steps_add_up_to_the_whole_time(completed: DeliveredPhoto) -> None:
    """From the upload, through every state, to the end."""
    assert steps_of(completed.photo) == [
        StatePeriod(state="uploaded", begins=0.0, lasts=1.0),
        StatePeriod(state="queued", begins=1.0, lasts=1.0),
        StatePeriod(state="submitting", begins=2.0, lasts=1.0),
        StatePeriod(state="processing", begins=3.0, lasts=1.0),
        StatePeriod(state="storing", begins=4.0, lasts=1.0),
    ]


def test_a_state_entered_twice_in_a_row_is_one_step(completed: DeliveredPhoto) -> None:
    """A change of reason alone is no step."""
    job = make_job(state=State.PROCESSING)
    queued = replace(job.history[0], at=NOON + timedelta(seconds=0.5))
    job = replace(job, history=(job.history[0], queued, *job.history[1:]))
    steps = steps_of(replace(completed.photo, job=job))
    assert [step.state for step in steps] == ["uploaded", "queued", "submitting"]
    assert steps[1] == StatePeriod(state="queued", begins=1.0, lasts=1.0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_any_mode_of_picture_has_a_preview(tmp_path: Path, mode: str) -> None:
    """Its shape is kept, its longer side shortened."""
    suffix = "tif" if mode in {"CMYK", "I;16"} else "png"
    path = _picture(tmp_path / f"a.{suffix}", mode, (400, 200))
    assert _decoded(data_uri(path, 100)).size == (100, 50)


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    """It would not become sharper."""
    path = _picture(tmp_path / "a.png", size=(20, 10))
    assert _decoded(data_uri(path, 100)).size == (20, 10)


def test_transparency_survives(tmp_path: Path) -> None:
    """The checkerboard must be visible through it."""
    path = _picture(tmp_path / "a.png", "RGBA")
    assert _decoded(data_uri(path, 100)).getpixel((0, 0)) == (0, 0, 0, 0)


def test_a_photo_is_turned_by_its_orientation(tmp_path: Path) -> None:
    """As in every viewer."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    Image.new("RGB", (40, 20)).save(path, exif=exif)
    assert _decoded(data_uri(path, 100)).size == (20, 40)


def test_a_file_that_is_not_a_picture_has_no_preview(tmp_path: Path) -> None:
    """The card has a message instead."""
    path = tmp_path / "a.jpg"
    path.write_text("not a photo")
    assert data_uri(path, 100) is None
    path.write_bytes(_picture(tmp_path / "b.png").read_bytes()[:60])
    assert data_uri(path, 100) is None


@pytest.mark.parametrize("format_", ["EPS", "PPM", "PCX", "TGA"])
def test_a_format_that_no_photo_has_is_not_decoded(tmp_path: Path, format_: str) -> None:
    """Pillow would start Ghostscript for one of them, whatever the file is called."""
    path = tmp_path / "holiday.jpg"
    Image.new("RGB", (40, 20)).save(path, format_)
    assert data_uri(path, 100) is None


def _decoded(uri: str | None) -> Image.Image:
    assert uri is not None
    head, _, data = uri.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))
