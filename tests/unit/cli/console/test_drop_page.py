"""Drops: the price first, skipped files with reasons, and no photo paid for twice."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from cutout.domain.states import State
from tests.support.cli.console import WRITES, Visitor
from tests.support.cli.jobs import make_job
from tests.support.cli.uploads import BYTES, OTHER, processed
from tests.support.cli.world import World


@pytest.fixture
def visitor() -> Visitor:
    """A visitor."""
    return Visitor()


def _plan(visitor: Visitor, *files: tuple[str, int]) -> str:
    return visitor.post("/drop/plan", {"files": json.dumps(files)}).text


def _send(
    visitor: Visitor, path: str, content: bytes = BYTES, price: str = "5.4"
) -> tuple[int, str]:
    headers = {**WRITES, "X-Path": quote(path), "X-Price": price}
    answer = visitor.send("POST", "/drop/photo", headers=headers, content=content)
    return answer.status_code, answer.text


def test_the_plan_has_the_total_price_and_uploads_nothing(visitor: Visitor) -> None:
    """The estimate is that of `cutout put`."""
    text = _plan(visitor, ("shoes/a.jpg", 10), ("shoes/b.png", 10))
    assert "2 photos to upload" in text
    assert "10.8 credits, about $0.16" in text
    assert visitor.stack.store.uploaded == []


@pytest.mark.parametrize(
    ("path", "size", "why"),
    [
        ("a/.hidden.jpg", 1, "a hidden file"),
        (".git/a.jpg", 1, "a hidden file"),
        ("notes.txt", 1, "not an image by its name"),
        ("a" * 1025 + ".jpg", 1, "longer than 1,024 bytes"),
        ("big.jpg", 6 * 1024**3, "larger than 5 GB"),
    ],
)
def test_a_skipped_file_has_a_reason_and_is_refused_as_an_upload(
    visitor: Visitor, path: str, size: int, why: str
) -> None:
    """The rules for folders of `cutout put`; the server checks each upload again."""
    text = _plan(visitor, (path, size))
    assert "No photos to upload" in text
    assert why in text
    if size == 1:
        status, answer = _send(visitor, path)
        assert (status, why in answer) == (503, True)
    assert visitor.stack.store.uploaded == []


def test_the_rules_are_read_once_for_all_files(visitor: Visitor) -> None:
    """Reading them is a request, and a folder may have thousands of files."""
    _plan(visitor, *((f"{number}.jpg", 10) for number in range(50)))
    assert visitor.stack.resources.settings_read == 1


def test_keys_that_the_stack_does_not_watch_are_skipped(visitor: Visitor) -> None:
    """The watched prefix is put before every path."""
    visitor.stack.resources.knows(CUTOUT_UPLOAD_PREFIX="in/", CUTOUT_UPLOAD_SUFFIXES=".jpg")
    text = _plan(visitor, ("a.png", 1), ("b.jpg", 1))
    assert "1 photo to upload" in text
    assert "the stack does not watch this key" in text
    assert ">in/b.jpg<" in text


def test_a_pause_of_the_gate_is_shown_before_the_upload(visitor: Visitor) -> None:
    """The photos would wait."""
    visitor.post("/gate/pause")
    assert "No photo is sent now" in _plan(visitor, ("a.jpg", 1))


@pytest.mark.parametrize(
    "files", ["", "[1]", '[["a"]]', '[["a", "b"]]', "null", '[["a.jpg", Infinity]]']
)
def test_an_invalid_list_is_refused(visitor: Visitor, files: str) -> None:
    """Without a traceback."""
    answer = visitor.post("/drop/plan", {"files": files})
    assert (answer.status_code, "to upload" in answer.text) == (400, False)


def test_of_two_files_with_one_path_the_first_is_taken(visitor: Visitor) -> None:
    """In the bucket, the second would replace the first."""
    text = _plan(visitor, ("a.jpg", 10), ("b.jpg", 10), ("/a.jpg", 20))
    assert "2 photos to upload" in text
    assert "another file of this drop has the same path" in text
    assert 'data-number="0"' in text
    assert 'data-number="2"' not in text


@pytest.mark.parametrize("path", ["/drop/photo", "/drop/plan"])
def test_an_aborted_upload_is_no_upload(visitor: Visitor, path: str) -> None:
    """The window was closed: this is no defect, and half a photo is not uploaded."""
    visitor.break_off(path, {**WRITES, "X-Path": "a.jpg", "X-Price": "5.4"}, BYTES[:1])
    assert visitor.stack.store.uploaded == []


def test_an_upload_after_one_that_aws_refused_uses_new_credentials(visitor: Visitor) -> None:
    """The console connects again, as after each error."""
    visitor.stack.table.fails_with = ConnectionRefusedError(111, "Connection refused")
    assert _send(visitor, "a.jpg")[0] == 503
    visitor.stack.table.fails_with = None
    before = visitor.connections
    assert _send(visitor, "a.jpg")[0] == 200
    assert visitor.connections == before + 1


def test_a_key_does_not_start_with_a_slash(visitor: Visitor) -> None:
    """Whatever path the browser gives."""
    assert _send(visitor, "//shoes/a.jpg")[0] == 200
    assert [one.key for one in visitor.stack.store.uploaded] == ["shoes/a.jpg"]


def test_a_photo_is_not_uploaded_for_more_than_the_plan_showed(visitor: Visitor) -> None:
    """The provider may have raised its price; a lower price is accepted."""
    assert 'data-price="5.4"' in _plan(visitor, ("a.jpg", 10))
    status, text = _send(visitor, "a.jpg", price="5.3")
    assert (status, "now costs 5.4 credits, not 5.3" in text) == (503, True)
    assert [_send(visitor, "a.jpg", price=it)[0] for it in ("", "x", "NaN", "Infinity")] == [
        400
    ] * 4
    assert visitor.stack.store.uploaded == []
    assert _send(visitor, "a.jpg", price="5.5")[0] == 200


def test_a_row_that_missed_changes_loads_its_job(visitor: Visitor) -> None:
    """After a lost connection; a job that does not exist yet leaves the row as it is."""
    assert 'hx-get="/jobs/job-of-a.jpg/row" hx-trigger="sse:behind"' in _send(visitor, "a.jpg")[1]
    visitor.stack.table.uploaded.clear()
    assert visitor.get("/jobs/job-of-a.jpg/row").status_code == 204
    visitor.stack.know(make_job("a.jpg"))
    row = visitor.get("/jobs/job-of-a.jpg/row").text
    assert '<span class="chip completed">' in row
    assert 'hx-get="/jobs/job-of-a.jpg/row" hx-trigger="sse:behind"' in row


def test_a_photo_is_uploaded_with_its_path_and_gets_a_live_row(visitor: Visitor) -> None:
    """The row has the id of the future job."""
    status, text = _send(visitor, "shoes/ü & b.jpg")
    [photo] = visitor.stack.store.uploaded
    assert (status, photo.key, photo.content_type) == (200, "shoes/ü & b.jpg", "image/jpeg")
    assert 'sse-swap="job-job-of-shoes/ü &amp; b.jpg"' in text
    assert not photo.path.exists()


@pytest.mark.parametrize(
    ("state", "says"), [(State.COMPLETED, "completed"), (State.FAILED, "failed")]
)
def test_the_same_bytes_are_not_uploaded_again(
    visitor: Visitor, tmp_path: Path, state: State, says: str
) -> None:
    """As in `cutout put`: the existing job is shown, and nothing is paid."""
    processed(World(folder=tmp_path, stack=visitor.stack), "a.jpg", state)
    status, text = _send(visitor, "a.jpg")
    assert (status, f'<span class="chip {says}">' in text) == (200, True)
    assert visitor.stack.store.uploaded == []
    assert _send(visitor, "a.jpg", OTHER)[0] == 200
    assert len(visitor.stack.store.uploaded) == 1
