"""Text of strangers in all that commands print or write: it steers nothing, and fakes no line."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.cli.aws.deployment import AlarmFact, Balance, Letter
from cutout.cli.aws.stack import Sent
from cutout.cli.entry import run_in
from cutout.cli.output.file_text import html_text, spreadsheet_cell
from cutout.cli.output.terminal import talk
from cutout.cli.photo_files import Photo
from cutout.cli.progress.live_table import Board
from cutout.cli.progress.wait_for_jobs import Followed
from cutout.domain.job.job import Job
from cutout.domain.job.variant import Variant
from cutout.domain.states import AttemptOutcome, Reason, State
from tests.support.cli.jobs import UPLOADS, make_job
from tests.support.cli.world import World
from tests.support.fakes.deployment import NOON, queue
from tests.support.samples import sample

HOSTILE = (
    "=1+1;=2+2\x1b[2J\x1b]0;title\x07\r\nFAKE a.jpg: completed\x9b31m\x7f\u202egpj"
    "\u2066\u200f\u2028\x00[red]:cat:<img src=x>'\"`$(id)`\ud800\ufeff"
)
KEY = f"{HOSTILE.replace(chr(0xD800), '')}.jpg"
"""S3 keys are UTF-8, which has no surrogates."""


def _job(state: State, number: int) -> Job:
    """A job in a state, with a stranger's text wherever there is text."""
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
    """A stack in which every text that strangers choose is hostile."""
    world.stack.known = [_job(state, number) for number, state in enumerate(State)]
    for bucket in (UPLOADS, "theirs"):
        world.stack.objects(bucket).add(KEY)
    deployment = world.deployment
    upload = sample("s3-object-created")
    upload["detail"]["object"]["key"] = KEY
    deployment.all_queues = [queue("Submissions", "Dead"), queue("Dead")]
    deployment.letters["Dead"] = [
        Letter(id="1", body=json.dumps(upload), sent_at=NOON, received=1),
        Letter(
            id="3", body=json.dumps(upload).replace("FAKE", r"\ud800"), sent_at=NOON, received=1
        ),
        Letter(id="4", body="[" * 100_000, sent_at=NOON, received=1),
        Letter(id="2", body=HOSTILE, sent_at=NOON, received=1, attributes={"ERROR_CODE": HOSTILE}),
    ]
    deployment.late = replace(_job(State.QUEUED, 1), due_at=NOON - timedelta(hours=1))
    deployment.account = Balance(status=401, says=HOSTILE)
    deployment.all_alarms = [AlarmFact(name="A", state="ALARM", description=HOSTILE, topics=())]
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
    ("retry", KEY),
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
def test_what_a_command_prints_steers_no_terminal_and_has_no_lines_of_strangers(
    world: World, arguments: tuple[str, ...]
) -> None:
    """Results, talk and errors alike, in words and as JSON."""
    told = world.run(*arguments)
    _assert_harmless(told.stdout)
    _assert_harmless(told.stderr)
    assert told.stdout or told.stderr
    as_json = world.run(*arguments, "--json")
    _assert_harmless(as_json.stdout)
    _assert_harmless(as_json.stderr)
    if as_json.stdout:
        assert json.loads(as_json.stdout) is not None


def test_a_photo_whose_file_is_named_so_is_uploaded_and_told(world: World) -> None:
    """Names of files are whatever the archive held."""
    name = KEY.replace("/", "").replace("\0", "")
    for options in ((), ("--json",)):
        told = world.run("put", world.photo(name), *options)
        _assert_harmless(told.stdout)
        _assert_harmless(told.stderr)
        assert "gpj" in told.stdout
    told = world.run("put", world.photo(f"{name}\udc9b.jpg"))
    _assert_harmless(told.stderr)
    assert "is not named in UTF-8" in told.stderr


def test_the_live_table_steers_nothing_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what rich writes to colour the table and to draw it once more."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "400")
    console = talk()
    assert console.is_terminal
    photo = Photo(path=Path("a.jpg"), key=KEY, content_type="image/jpeg")
    sent = Sent(photo=photo, at=NOON, etag="e", job_id="j")
    with Board(console) as board:
        board.show([Followed(sent=sent, job=_job(State.FAILED, 1))], now=NOON)
    written = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", capsys.readouterr().err)
    assert r"=1+1;=2+2\x1b[2J" in written
    _assert_harmless(written.replace("\r", ""))


def test_a_defect_is_reported_whatever_its_words_are(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error's text may be a stranger's; it is the last thing that may fail."""
    world.refuses = ZeroDivisionError(HOSTILE)  # type: ignore[assignment] # any error will do
    surroundings = world.surroundings()
    assert run_in(surroundings, ["ls"]) == 1
    told = capsys.readouterr().err
    _assert_harmless(told)
    report = Path(told.rpartition("the file ")[2].strip().rstrip("."))
    assert "ZeroDivisionError" in report.read_text(encoding="utf-8")
    report.unlink()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_takes_nothing_of_the_claim_for_a_formula(
    world: World, delimiter: str
) -> None:
    """Whichever character separates cells where it is opened: in much of Europe, semicolons."""
    file = world.folder / "claim.csv"
    assert world.run("costs", "--csv", file).exit_code == 0
    text = file.read_text(encoding="utf-8")
    assert "=2+2" in text
    _assert_no_formula(text, delimiter)
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())


@given(st.lists(st.text(st.sampled_from("=+-@;,\t\r\n \"'a|"), max_size=12), min_size=1))
def test_no_cell_is_a_formula(texts: list[str]) -> None:
    """Of any text, with any separator."""
    stream = StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerow(map(spreadsheet_cell, texts))
    for delimiter in ",;\t":
        _assert_no_formula(stream.getvalue(), delimiter)


def _assert_no_formula(text: str, delimiter: str) -> None:
    cells = [cell for row in csv.reader(StringIO(text), delimiter=delimiter) for cell in row]
    assert [cell for cell in cells if cell.lstrip(' "\r\n').startswith(tuple("=+-@\t"))] == []


def test_a_page_shows_it_as_text() -> None:
    """No tag, no attribute's end, nothing that turns the direction; any encoding takes it."""
    page = f"<p title='{html_text(HOSTILE)}' lang=\"{html_text(HOSTILE)}\">{html_text(HOSTILE)}</p>"
    found: list[tuple[str, int]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, len(attrs)))

    Reader().feed(page)
    assert found == [("p", 2)]
    assert page.isprintable()
    assert page.encode()


def test_programs_read_the_key_that_there_is(world: World) -> None:
    """Escapes of JSON stand for what they escape."""
    assert {one["key"] for one in json.loads(world.run("ls", "--json").stdout)} == {KEY}
