"""The board: jobs by filter and page, the gate, and errors."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cutout.cli.aws.description import Description
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.console import Visitor
from tests.support.cli.jobs import failed, make_job
from tests.support.fakes.resources import OUTPUTS


def _keys(text: str) -> list[str]:
    return re.findall(r'class="key" href="[^"]*">([^<]*)<', text)


@pytest.fixture
def visitor() -> Visitor:
    """A visitor of a stack with three photos."""
    visitor = Visitor()
    visitor.stack.know(
        make_job("a.jpg", at=NOON - timedelta(hours=1)),
        failed("shoes/b.jpg", Reason.TASK_LOST, hours_ago=2),
        make_job("shoes/c.jpg", state=State.PROCESSING, at=NOON),
    )
    return visitor


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", ["shoes/c.jpg", "a.jpg", "shoes/b.jpg"]),
        ("?state=failed&state=completed", ["a.jpg", "shoes/b.jpg"]),
        ("?reason=task-lost", ["shoes/b.jpg"]),
        ("?reason=", ["shoes/c.jpg", "a.jpg", "shoes/b.jpg"]),
        ("?prefix=shoes/", ["shoes/c.jpg", "shoes/b.jpg"]),
        ("?since=90m", ["shoes/c.jpg", "a.jpg"]),
        ("?until=90m", ["shoes/b.jpg"]),
        ("?state=nonsense", ["shoes/c.jpg", "a.jpg", "shoes/b.jpg"]),
    ],
)
def test_the_filters_are_those_of_ls(visitor: Visitor, query: str, keys: list[str]) -> None:
    """By state, reason, prefix and time, the latest first."""
    answer = visitor.get(f"/{query}")
    assert (answer.status_code, _keys(answer.text)) == (200, keys)


@pytest.mark.parametrize(
    "query", ["since=soon", "until=soon", "after=soon", "since=999999w", "after=999999999999999-x"]
)
def test_an_invalid_filter_is_named(visitor: Visitor, query: str) -> None:
    """The filters stay as they were typed."""
    answer = visitor.get(f"/?{query}")
    assert (answer.status_code, _keys(answer.text)) == (400, [])
    assert query.partition("=")[2] in answer.text


def test_only_a_list_up_to_now_gets_new_jobs(visitor: Visitor) -> None:
    """Later pages and past periods do not."""
    queries = ("", "?prefix=a", "?until=1h", "?after=1-x")
    assert ['sse-swap="new"' in visitor.get(f"/{it}").text for it in queries] == [
        True,
        True,
        False,
        False,
    ]


def test_a_page_reads_the_same_number_of_jobs_however_many_exist(visitor: Visitor) -> None:
    """Two hundred, to know whether more follow; the index is ordered."""
    for count in (500, 2000):
        visitor.stack.know(
            *(failed(f"{number:04}.jpg", hours_ago=number) for number in range(count))
        )
        visitor.stack.table.steps.clear()
        visitor.get("/")
        assert visitor.stack.table.steps["jobs read"] == 200


def test_pages_follow_each_other_without_a_gap(visitor: Visitor) -> None:
    """Each has a hundred jobs; a cursor leads to the next."""
    jobs = [
        replace(failed(f"{number:03}.jpg"), updated_at=NOON - timedelta(days=1, seconds=number))
        for number in range(150)
    ]
    visitor.stack.know(*jobs)
    first = visitor.get("/")
    [more] = re.findall(r'href="(/\?[^"]*)" rel="next"', first.text)
    second = visitor.get(more.replace("&amp;", "&"))
    keys = _keys(first.text) + _keys(second.text)
    assert (len(_keys(first.text)), len(keys), len(set(keys))) == (100, 153, 153)
    assert 'rel="next"' not in second.text


def test_a_row_shows_state_reason_and_next_step_with_its_time(visitor: Visitor) -> None:
    """In words, not only in colours."""
    text = visitor.get("/").text
    assert '<span class="chip processing">processing</span>' in text
    assert "waits for its callback; without one, the task is polled" in text
    assert ">12:02:32</time>" in text
    assert "task-lost" in text


def test_thumbnails_are_loaded_lazily(visitor: Visitor) -> None:
    """A page of a hundred photos loads the visible ones."""
    pictures = re.findall(r"<img src=\"/jobs/[^>]*>", visitor.get("/").text)
    assert len(pictures) == 3
    assert all('loading="lazy"' in one for one in pictures)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.REVIEW, "waits for Accept or Reject; Retry pays for a new result"),
        (State.FAILED, "final, unless you press Retry on its page"),
    ],
)
def test_the_next_step_names_buttons(visitor: Visitor, state: State, says: str) -> None:
    """Not commands."""
    visitor.stack.know(make_job("a.jpg", state=state))
    for path in ("/", "/jobs/job-of-a.jpg"):
        text = visitor.get(path).text
        assert says in text
        assert ("/review?job=job-of-a.jpg" in text) == (state is State.REVIEW)


def test_the_gate_is_paused_and_resumed(visitor: Visitor) -> None:
    """Each response shows the current gate."""
    paused = visitor.post("/gate/pause")
    assert "gate paused" in paused.text
    assert "Resume ends it" in paused.text
    gate = visitor.stack.table.read_gate()
    assert gate.pause is not None
    assert gate.pause.reason is PauseReason.OPERATOR
    assert "gate open" in visitor.post("/gate/resume").text
    assert visitor.stack.table.read_gate().pause is None


@pytest.mark.parametrize("name", ["a.jpg", "s3://the-uploads/a.jpg"])
def test_a_search_redirects_to_the_photo(visitor: Visitor, name: str) -> None:
    """By key or URL, as in `cutout show`."""
    answer = visitor.get(f"/search?key={name}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/job-of-a.jpg")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.jpg", "There is no job of nothing.jpg"),
        ("s3://elsewhere/a.jpg", "elsewhere is not the uploads bucket"),
    ],
)
def test_a_search_without_a_match_is_reported(visitor: Visitor, name: str, said: str) -> None:
    """With advice; the connection to AWS is kept."""
    answer = visitor.get(f"/search?key={name}")
    assert (answer.status_code, said in answer.text) == (404, True)
    assert (f'value="{name}"' in answer.text, "Try again" in answer.text) == (True, False)
    before = visitor.connections
    assert visitor.get("/").status_code == 200
    assert visitor.connections == before


def test_a_search_that_fails_is_not_reported_as_without_a_match(visitor: Visitor) -> None:
    """The page shows the error of AWS."""
    visitor.stack.table.fails_with = _DEAD
    assert visitor.get(f"/search?key={'a' * 32}").status_code == 503


_EXPIRED = ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "Query")
_DEAD = EndpointConnectionError(endpoint_url="https://127.0.0.1:1")


@pytest.mark.parametrize(
    ("error", "advice"),
    [(_EXPIRED, "The credentials are invalid or have expired."), (_DEAD, "cannot be reached")],
)
@pytest.mark.parametrize("path", ["/", "/jobs/job-of-a.jpg"])
def test_an_error_of_aws_is_a_page_with_advice(
    visitor: Visitor, error: Exception, advice: str, path: str
) -> None:
    """No traceback; the next request connects again, with new credentials if there are any."""
    visitor.stack.table.fails_with = error
    answer = visitor.get(path)
    assert (answer.status_code, advice in answer.text) == (503, True)
    assert "Traceback" not in answer.text
    visitor.stack.table.fails_with = None
    before = visitor.connections
    assert visitor.get(path).status_code == 200
    assert visitor.connections == before + 1


def test_an_error_of_a_write_is_shown_on_the_same_page(visitor: Visitor) -> None:
    """The message is put at the top by htmx."""
    visitor.stack.table.fails_with = _EXPIRED
    answer = visitor.send(
        "POST",
        "/gate/pause",
        headers={
            "HX-Request": "true",
            "Origin": "http://127.0.0.1:4711",
            "X-CSRF-Token": "the-csrf",
        },
    )
    assert answer.headers["hx-retarget"] == "#problem"
    assert answer.headers["hx-reselect"] == ".notice"
    assert "<html" not in answer.text
    assert "have expired" in answer.text


def test_the_page_shows_the_stack_and_its_account(visitor: Visitor) -> None:
    """So that nobody decides about a photo of another stack by mistake."""
    visitor.stack.resources.where = "AWS eu-central-1"
    visitor.stack.resources.described = _in_account("111111111111")
    assert "Cutout · AWS eu-central-1 · account 111111111111" in visitor.get("/").text


@pytest.mark.parametrize(
    ("where", "account"), [("AWS eu-central-1", ""), ("a made-up stack", "222222222222")]
)
def test_the_console_does_not_switch_to_another_stack(
    visitor: Visitor, where: str, account: str
) -> None:
    """After `cutout down`, commands use AWS; after a login, perhaps another account."""
    visitor.get("/")
    visitor.stack.table.fails_with = _DEAD
    visitor.get("/")
    visitor.stack.table.fails_with = None
    visitor.stack.resources.where = where
    visitor.stack.resources.described = _in_account(account)
    answer = visitor.get("/")
    assert answer.status_code == 503
    assert "which is gone" in answer.text


def _in_account(account: str) -> Description:
    return Description(status="CREATE_COMPLETE", outputs=OUTPUTS, account=account)
