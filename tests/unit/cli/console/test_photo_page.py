"""The page of one photo: history, files, note, and the retry with its price."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from cutout.wiring.chosen_provider import terms
from tests.support.cli.clock import NOON
from tests.support.cli.console import Visitor
from tests.support.cli.jobs import PNG, RESULTS, UPLOADS, failed, make_job


@pytest.fixture
def visitor() -> Visitor:
    """A visitor."""
    return Visitor()


def _retry(visitor: Visitor, job: Job, **changed: str) -> int:
    """Press the button on the page of the job; returns the status."""
    text = visitor.get(f"/jobs/{job.id}").text
    fields = dict(re.findall(r'name="(version|credits)" value="([^"]*)"', text))
    return visitor.post(f"/jobs/{job.id}/retry", fields | changed).status_code


def test_the_page_shows_every_step_attempt_and_cost(visitor: Visitor) -> None:
    """As printed by `cutout show`."""
    job = make_job("a.jpg")
    visitor.stack.know(job)
    text = visitor.get(f"/jobs/{job.id}").text
    for state in ("queued", "submitting", "processing", "storing", "completed"):
        assert f"<b>{state}</b>" in text
    for part in ("task-1", "5.4 credits, about $0.08", "sent to the event bus", "s3://the-results"):
        assert part in text


def test_a_job_whose_cut_out_was_replaced_is_shown_as_such(visitor: Visitor) -> None:
    """A key has one cut-out, and jobs do not store its version."""
    old = make_job("a.jpg", at=NOON - timedelta(hours=2))
    newer = replace(make_job("a.jpg", at=NOON - timedelta(hours=1)), id="newer")
    failure = replace(failed("a.jpg"), id="failure", created_at=NOON)
    visitor.stack.know(old, newer, failure)
    says = ["A newer upload" in visitor.get(f"/jobs/{it.id}").text for it in (old, newer, failure)]
    assert says == [True, False, False]


def test_an_unknown_job_has_an_error_page(visitor: Visitor) -> None:
    """With a link to the board."""
    answer = visitor.get("/jobs/nothing")
    assert (answer.status_code, "The board lists the photos." in answer.text) == (404, True)


def test_a_retry_shows_its_price_and_then_queues_the_job(visitor: Visitor) -> None:
    """With the use case of `cutout retry`."""
    job = failed("a.jpg")
    visitor.stack.know(job)
    text = visitor.get(f"/jobs/{job.id}").text
    assert "costs at most 5.4 credits, about $0.08" in text
    assert "hx-confirm=" in text
    assert _retry(visitor, job) == 204
    again = visitor.stack.table.jobs[job.id]
    assert again.reason is Reason.RETRIED_BY_PERSON


@pytest.mark.parametrize("changed", [{"version": "7"}, {"credits": "1"}])
def test_a_retry_of_something_other_than_shown_does_nothing(
    visitor: Visitor, changed: dict[str, str]
) -> None:
    """The job has moved, or the price has changed: the user has to look again."""
    job = failed("a.jpg")
    visitor.stack.know(job)
    assert _retry(visitor, job, **changed) == 503
    assert visitor.stack.table.jobs[job.id].state is State.FAILED


def test_a_second_click_does_not_retry_again(visitor: Visitor) -> None:
    """Two windows show the same failed photo; one retry is made."""
    job = failed("a.jpg")
    visitor.stack.know(job)
    text = visitor.get(f"/jobs/{job.id}").text
    fields = dict(re.findall(r'name="(version|credits)" value="([^"]*)"', text))
    first = visitor.post(f"/jobs/{job.id}/retry", fields)
    second = visitor.post(f"/jobs/{job.id}/retry", fields)
    assert (first.status_code, second.status_code) == (204, 503)
    assert len(visitor.stack.table.jobs[job.id].history) == len(job.history) + 1


def test_a_photo_that_the_provider_refused_has_no_retry(visitor: Visitor) -> None:
    """It would be refused again, and may be charged for."""
    job = failed("a.jpg", Reason.REFUSED_BY_PROVIDER)
    code = next(iter(terms().final_codes))
    visitor.stack.know(replace(job, code=code))
    text = visitor.get(f"/jobs/{job.id}").text
    assert "it would refuse it again" in text
    assert "hx-confirm=" not in text
    assert _retry(visitor, job) == 503


@pytest.mark.parametrize("state", [State.PROCESSING, State.COMPLETED])
def test_a_job_that_cannot_be_retried_has_no_button(visitor: Visitor, state: State) -> None:
    """It is open, or has its cut-out."""
    job = make_job("a.jpg", state=state)
    visitor.stack.know(job)
    assert "Retry" not in visitor.get(f"/jobs/{job.id}").text
    assert _retry(visitor, job) == 503


def test_the_error_note_of_the_key_is_shown(visitor: Visitor) -> None:
    """As it is in the results bucket, without characters that hide text."""
    job = failed("a.jpg")
    visitor.stack.know(job)
    note = b'{"reason": "task-failed", "word": "\\u202e<i>"}'
    visitor.stack.store.objects[RESULTS, "a.jpg.error.json"] = note
    text = visitor.get(f"/jobs/{job.id}").text
    assert "&#34;reason&#34;: &#34;task-failed&#34;" in text
    assert "\u202e" not in text
    assert "<i>" not in text


@pytest.mark.parametrize("note", [b"no JSON", b"\xff", b"x" * 100_000])
def test_an_invalid_note_is_left_out(visitor: Visitor, note: bytes) -> None:
    """Another object may be at its key."""
    job = failed("a.jpg")
    visitor.stack.know(job)
    visitor.stack.store.objects[RESULTS, "a.jpg.error.json"] = note
    answer = visitor.get(f"/jobs/{job.id}")
    assert (answer.status_code, "<pre" in answer.text) == (200, False)


HOSTILE = "<script>alert(1)</script>\"' onerror=x <xss> {{7*7}} \u202egpj.jpg"


class _Elements(HTMLParser):
    """Collects what a browser executes or renders: scripts with text, attributes and elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        self.found |= {tag, *(name for name, _ in attrs)}

    def handle_endtag(self, tag: str) -> None:
        assert tag
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.found.add(data)


@pytest.mark.parametrize(
    "path",
    ["/", "/jobs/0", f"/?prefix={quote(HOSTILE)}", f"/search?key={quote(HOSTILE)}x", "/drop"],
)
def test_keys_and_messages_are_text_everywhere(visitor: Visitor, path: str) -> None:
    """Uploaders choose keys and metadata, and the provider its messages."""
    visitor.stack.watch(HOSTILE)
    job = make_job(HOSTILE, state=State.FAILED, message=HOSTILE, code=HOSTILE)
    visitor.stack.know(replace(job, id="0"))
    text = visitor.get(path).text
    found = _Elements(text).found
    assert {"body", "nav", "href"} <= found
    assert {one for one in found if one.startswith("on") or one == "xss" or "alert" in one} == set()
    assert "49" not in text
    assert "\u202e" not in text


def test_files_are_sent_with_a_type_that_cannot_run(visitor: Visitor) -> None:
    """A photo that is a page is sent with the type of its extension, or as a download."""
    page = b"<script>alert(1)</script>"
    for key, media_type in (("a.jpg", "image/jpeg"), ("a.svg", "application/octet-stream")):
        job = replace(make_job(key), id=key)
        visitor.stack.know(job)
        visitor.stack.store.objects[UPLOADS, key] = page
        answer = visitor.get(f"/jobs/{key}/files/photo")
        assert answer.headers["content-type"] == media_type
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert ("content-disposition" in answer.headers) == (key == "a.svg")


def test_the_cut_out_and_its_variants_are_downloaded_by_their_names(visitor: Visitor) -> None:
    """With any letters; no name can end the header."""
    key = 'a"\r\nX: ü.jpg'
    job = replace(
        make_job(key),
        id="1",
        variants=(Variant(recipe="shop", format="webp", made_at=NOON, key="v.webp", size=3),),
    )
    visitor.stack.know(job)
    assert job.result is not None
    visitor.stack.store.objects[RESULTS, job.result.key] = PNG
    visitor.stack.store.objects[RESULTS, "v.webp"] = b"abc"
    answer = visitor.get("/jobs/1/files/cut-out?download")
    assert answer.content == PNG
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''a%22%0D%0AX%3A%20%C3%BC.png"
    )
    variant = visitor.get("/jobs/1/files/variants/shop")
    assert (variant.headers["content-type"], variant.content) == ("image/webp", b"abc")


@pytest.mark.parametrize(
    "path", ["/jobs/1/files/cut-out", "/jobs/1/files/variants/none", "/jobs/2/files/photo"]
)
def test_a_missing_file_is_not_found(visitor: Visitor, path: str) -> None:
    """It was deleted, or never made."""
    visitor.stack.know(replace(failed("a.jpg"), id="1"))
    assert visitor.get(path).status_code == 404


def test_a_photo_rejected_before_any_request_is_retried_only_if_needed(visitor: Visitor) -> None:
    """The same file is rejected again. Its bytes are no picture, so none is shown."""
    job = make_job("a.jpg", state=State.REJECTED, reason=Reason.NOT_A_PHOTO)
    visitor.stack.know(replace(job, attempts=()))
    text = visitor.get(f"/jobs/{job.id}").text
    assert "Retry only if needed: it was rejected before any request." in text
    assert "An earlier task" not in text
    assert 'alt="The photo"' not in text
