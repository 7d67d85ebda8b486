"""Untrusted text in all output: it controls no terminal and fakes no line."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import redirect_stderr
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.cli.aws.cloudwatch import Alarm
from cutout.cli.aws.dead_letter_queues import DeadLetter
from cutout.cli.entry import run_in
from cutout.cli.output.file_text import html_text, spreadsheet_cell
from cutout.cli.output.terminal import stderr
from cutout.cli.photo_files import PhotoFile, SentPhoto
from cutout.cli.round_trip.live_table import LiveTable
from cutout.cli.round_trip.wait_for_jobs import TrackedPhoto
from cutout.domain.job.job import Job
from cutout.domain.job.result import Variant
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.ports.provider_api import Balance
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import UPLOADS, make_job
from tests.support.cli.world import World
from tests.support.fakes.resources import queue
from tests.support.samples import sample

HOSTILE = (
    "=1+1;=2+2\x1b[2J\x1b]0;title\x07\r\nFAKE a.jpg: completed\x9b31m\x7f\u202egpj"
    "\u2066\u200f\u2028\x00[red]:cat:<img src=x>'\"`$(id)`\ud800\ufeff"
)
KEY = f"{HOSTILE.replace(chr(0xD800), '')}.jpg"
"""S3 keys are UTF-8, which has no surrogates."""


def _job(state: State, number: int) -> Job:
    """A job in a state, with untrusted text in every field."""
    job = make_job(KEY, state=state, reason=Reason.TASK_FAILED, code=HOSTILE, message=HOSTILE)
    attempts = tuple(
        replace(
            one,
            outcome=AttemptOutcome.FAILED,
            task_id=HOSTILE,
            code=HOSTILE,
            message=HOSTILE,
            posts=2,
        )
        for one in job.attempts
    )
    variants = (
        Variant(recipe="web", format="jpg", made_at=NOON, problem=HOSTILE),
        Variant(recipe="market", format="jpg", made_at=NOON, key=KEY, width=1, height=1),
    )
    result = job.result and replace(job.result, key=KEY, remark=HOSTILE)
    return replace(job, id=f"{number:032x}", attempts=attempts, variants=variants, result=result)


@pytest.fixture
def world(world: World) -> World:
    """A stack in which every untrusted text is hostile."""
    world.stack.know(*[_job(state, number) for number, state in enumerate(State)])
    for bucket in (UPLOADS, "theirs"):
        world.stack.bucket(bucket).add(KEY)
    resources = world.stack.resources
    upload = sample("s3-object-created")
    upload["detail"]["object"]["key"] = KEY
    resources.all_queues = [queue("Submissions", "Dead"), queue("Dead")]
    resources.letters["Dead"] = [
        DeadLetter(id="1", body=json.dumps(upload), sent_at=NOON, received=1),
        DeadLetter(
            id="3", body=json.dumps(upload).replace("FAKE", r"\ud800"), sent_at=NOON, received=1
        ),
        DeadLetter(id="4", body="[" * 100_000, sent_at=NOON, received=1),
        DeadLetter(
            id="2", body=HOSTILE, sent_at=NOON, received=1, attributes={"ERROR_CODE": HOSTILE}
        ),
    ]
    world.stack.know(replace(_job(State.QUEUED, 99), due_at=NOON - timedelta(hours=1)))
    resources.network.account = Balance(server="https://api.example", status=401, message=HOSTILE)
    resources.all_alarms = [Alarm(name="A", state="ALARM", description=HOSTILE, topics=())]
    return world


COMMANDS = (
    ("ls",),
    ("where", KEY),
    ("show", KEY),
    ("show", "0" * 31 + "3"),
    ("audit",),
    ("audit", "--fix"),
    ("costs", "--by", "prefix"),
    ("costs", "--by", "outcome"),
    ("retry", KEY, "--dry-run"),
    ("retry", KEY, "--yes"),
    ("retry", "--prefix", "=", "--dry-run"),
    ("render", KEY, "--recipe", "web", "--timeout", "1"),
    ("render", "--prefix", "=", "--recipe", "web", "--dry-run"),
    ("backfill", "s3://theirs/"),
    ("redrive",),
    ("doctor",),
    ("watch", "--once"),
    ("limits",),
    ("where", f"not {KEY}"),
)


def _assert_harmless(text: str) -> None:
    lines = text.split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.strip(" \"'").startswith("FAKE")] == []


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda it: it[0])
def test_output_holds_no_control_characters_and_no_untrusted_line_breaks(
    world: World, arguments: tuple[str, ...]
) -> None:
    """Results, messages and errors, as text and as JSON."""
    told = world.run(*arguments)
    _assert_harmless(told.stdout)
    _assert_harmless(told.stderr)
    assert told.stdout or told.stderr
    as_json = world.run(*arguments, "--json")
    _assert_harmless(as_json.stdout)
    _assert_harmless(as_json.stderr)
    if as_json.stdout:
        assert json.loads(as_json.stdout) is not None


def test_a_photo_with_a_hostile_file_name_is_uploaded_and_shown(world: World) -> None:
    """An archive may hold any file name."""
    name = KEY.replace("/", "").replace("\0", "")
    for options in ((), ("--json",)):
        told = world.run("put", world.photo(name), *options)
        _assert_harmless(told.stdout)
        _assert_harmless(told.stderr)
        assert "gpj" in told.stdout
    told = world.run("put", world.photo(f"{name}\udc9b.jpg"))
    _assert_harmless(told.stderr)
    assert "is not UTF-8" in told.stderr


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_live_table_prints_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Except those that rich writes to colour and redraw the table."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "400")
    terminal = _Terminal()
    with redirect_stderr(terminal):
        console = stderr()
    assert console.is_terminal
    photo = PhotoFile(path=Path("a.jpg"), key=KEY, content_type="image/jpeg")
    sent = SentPhoto(photo=photo, at=NOON, etag="e", job_id="j")
    with LiveTable(console) as board:
        board.show([TrackedPhoto(sent=sent, job=_job(State.FAILED, 1))], now=NOON)
    written = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", terminal.getvalue())
    assert r"=1+1;=2+2\x1b[2J" in written
    _assert_harmless(written.replace("\r", ""))


def test_a_defect_with_hostile_text_is_reported(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text of an error may be untrusted."""
    world.refuses = ZeroDivisionError(HOSTILE)  # type: ignore[assignment] # any error will do
    context = world.context()
    assert run_in(context, ["ls"]) == 1
    told = capsys.readouterr().err
    _assert_harmless(told)
    report = Path(told.rpartition("the file ")[2].strip().rstrip("."))
    assert "ZeroDivisionError" in report.read_text(encoding="utf-8")
    report.unlink()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_claim_holds_no_spreadsheet_formula(world: World, delimiter: str) -> None:
    """With any separator; in much of Europe it is the semicolon."""
    file = world.folder / "claim.csv"
    assert world.run("costs", "--csv", file).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert "=2+2" in text
    _assert_no_formula(text, delimiter)
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())


@given(st.lists(st.text(st.sampled_from("=+-@;,\t\r\n \"'a|"), max_size=12), min_size=1))
def test_no_cell_is_a_formula(texts: list[str]) -> None:
    """Whatever the text and the separator."""
    stream = StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerow(map(spreadsheet_cell, texts))
    for delimiter in ",;\t":
        _assert_no_formula(stream.getvalue(), delimiter)


def _assert_no_formula(text: str, delimiter: str) -> None:
    cells = [cell for row in csv.reader(StringIO(text), delimiter=delimiter) for cell in row]
    assert [cell for cell in cells if cell.lstrip(' "\r\n').startswith(tuple("=+-@\t"))] == []


def test_a_page_shows_hostile_text_as_text() -> None:
    """No tag, no end of an attribute, no change of direction; any encoding can encode it."""
    page = f"<p title='{html_text(HOSTILE)}' lang=\"{html_text(HOSTILE)}\">{html_text(HOSTILE)}</p>"
    found: list[tuple[str, int]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, len(attrs)))

    Reader().feed(page)
    assert found == [("p", 2)]
    assert page.isprintable()
    assert page.encode()


def test_json_has_the_hostile_key_unchanged(world: World) -> None:
    """Once its escapes are decoded."""
    assert {one["key"] for one in json.loads(world.run("ls", "--json").stdout)} == {KEY}
