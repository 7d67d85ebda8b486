"""The review page: the queue of doubtful results, and decisions about them."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from cutout.cli.console.review_page import LONGEST_QUEUE
from cutout.domain.job.result import ReviewDecision, Verdict
from cutout.domain.reasons import Reason
from cutout.domain.states import State
from tests.support.cli.clock import NOON
from tests.support.cli.console import ORIGIN, WRITES, Visitor
from tests.support.cli.jobs import make_job, reviewed

ANN = "arn:aws:iam::123456789012:user/ann"


@pytest.fixture
def visitor() -> Visitor:
    """A visitor of a stack with three doubtful results, the newest first."""
    visitor = Visitor()
    visitor.stack.know(*(reviewed(f"{name}.jpg", hours) for hours, name in enumerate("abc")))
    return visitor


def shown(text: str) -> str:
    """The key of the photo shown on the page."""
    [key] = re.findall(r'id="subject"><a class="key" href="[^"]*">([^<]*)<', text)
    return str(key)


def press(visitor: Visitor, text: str, verb: str, **changed: str) -> str:
    """Press a button of the page; returns the part of the page in the response."""
    [form] = re.findall(rf'<form hx-post="[^"]*/{verb}[?"].*?</form>', text, re.DOTALL)
    [address] = re.findall(r'hx-post="([^"]*)"', form)
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    answer = visitor.send(
        "POST", unescape(address), headers={**WRITES, "HX-Request": "true"}, data=fields | changed
    )
    assert answer.status_code == 200
    return answer.text


def test_a_result_is_shown_with_its_photo_the_reason_and_its_cost(
    visitor: Visitor,
) -> None:
    """Without a script, too."""
    text = visitor.get("/review").text
    assert shown(text) == "a.jpg"
    for part in (
        "The result has no transparent pixels: nothing was cut out.",
        "5.4 credits, about $0.08",
        "1 of 3",
        "/jobs/job-of-a.jpg/files/photo",
        "/jobs/job-of-a.jpg/files/cut-out",
        "Retry for at most 5.4 credits",
    ):
        assert part in text


def test_links_lead_to_the_neighbours(visitor: Visitor) -> None:
    """With a script as a part of the page, otherwise as a page."""
    text = visitor.get("/review?job=job-of-b.jpg").text
    assert shown(text) == "b.jpg"
    links = dict(re.findall(r'rel="(prev|next)" href="([^"]*)"', text))
    assert links == {"prev": "/review?job=job-of-a.jpg", "next": "/review?job=job-of-c.jpg"}
    part = visitor.get(links["next"], headers={"HX-Request": "true"}).text
    assert (shown(part), "<html" in part) == ("c.jpg", False)


@pytest.mark.parametrize(
    ("verb", "state", "said"),
    [("accept", State.COMPLETED, "accepted"), ("reject", State.FAILED, "rejected")],
)
def test_a_decision_is_recorded_and_the_next_result_is_shown(
    visitor: Visitor, verb: str, state: State, said: str
) -> None:
    """With the operator's ARN; after the last one, the first is shown."""
    part = press(visitor, visitor.get("/review?job=job-of-b.jpg").text, verb)
    assert (shown(part), f"b.jpg: {said}." in part) == ("c.jpg", True)
    job = visitor.stack.table.jobs["job-of-b.jpg"]
    assert job.decision is not None
    assert (job.state, job.decision.by) == (state, ANN)
    part = press(visitor, part, verb)
    assert shown(part) == "a.jpg"
    assert "Nothing waits for a decision." in press(visitor, part, verb)


def test_of_two_windows_the_first_one_decides(visitor: Visitor) -> None:
    """The second shows the first one's decision, and the next result."""
    both = visitor.get("/review").text
    press(visitor, both, "accept")
    late = press(visitor, both, "reject")
    assert f"a.jpg: it was accepted by {ANN} at 2026-" in late
    assert shown(late) == "b.jpg"
    assert visitor.stack.table.jobs["job-of-a.jpg"].reason is Reason.ACCEPTED_BY_PERSON


def test_a_result_that_has_changed_since_it_was_shown_is_not_decided_on(visitor: Visitor) -> None:
    """The operator has not seen the new one."""
    part = press(visitor, visitor.get("/review").text, "accept", version="0815")
    assert "a.jpg changed meanwhile." in part
    assert shown(part) == "a.jpg"
    assert visitor.stack.checks.checks == []


def test_a_retry_costs_what_the_page_showed(visitor: Visitor) -> None:
    """Another price is not paid."""
    text = visitor.get("/review").text
    refused = press(visitor, text, "retry", credits="1")
    assert ("The price changed meanwhile." in refused, shown(refused)) == (True, "a.jpg")
    part = press(visitor, text, "retry")
    assert ("a.jpg: retried." in part, shown(part)) == (True, "b.jpg")
    assert visitor.stack.table.jobs["job-of-a.jpg"].reason is Reason.RETRIED_BY_PERSON


def test_a_result_that_could_not_be_accepted_is_shown_with_the_problem(visitor: Visitor) -> None:
    """It is in the queue again."""
    decision = ReviewDecision(
        verdict=Verdict.ACCEPT, by=ANN, at=NOON, over=Reason.RESULT_OPAQUE, problem="it is gone"
    )
    visitor.stack.know(replace(reviewed(), decision=decision))
    assert "It could not be accepted: it is gone." in visitor.get("/review").text


def test_a_photo_that_browsers_cannot_show_has_a_message(visitor: Visitor) -> None:
    """HEIC and TIFF, for example."""
    visitor.stack.know(reviewed("new.heic", -1))
    assert "This file is no picture that browsers show." in visitor.get("/review").text


def test_a_long_queue_is_limited(visitor: Visitor) -> None:
    """A page reads a hundred results; decided ones make room."""
    visitor.stack.know(*(reviewed(f"{number}.jpg", 9) for number in range(LONGEST_QUEUE)))
    assert f"1 of {LONGEST_QUEUE} or more" in visitor.get("/review").text


def test_pages_of_the_queue_follow_each_other(visitor: Visitor) -> None:
    """Next leads from the last result of a page to the next one, as does a decision."""
    visitor.stack.know(*(reviewed(f"{number:03}.jpg", 9 + number) for number in range(150)))
    seen = [shown(text := visitor.get("/review").text)]
    while address := re.search(r'rel="next" href="([^"]*)"', text):
        seen.append(shown(text := visitor.get(unescape(address[1])).text))
    assert seen == [*(f"{name}.jpg" for name in "abc"), *(f"{it:03}.jpg" for it in range(150))]
    assert "53 of 53 older ones" in text
    [back] = re.findall(r'rel="prev" href="([^"]*)"', text)
    part = press(visitor, text, "accept")
    assert shown(part) == "148.jpg"
    text = visitor.get(re.sub("job=[^&]*&", "", unescape(back))).text
    assert shown(text) == "097.jpg"


def test_previous_leads_through_all_pages_of_the_queue(visitor: Visitor) -> None:
    """Result by result, in reverse order."""
    visitor.stack.know(*(reviewed(f"{number:03}.jpg", 9 + number) for number in range(220)))
    there = [shown(text := visitor.get("/review").text)]
    while address := re.search(r'rel="next" href="([^"]*)"', text):
        there.append(shown(text := visitor.get(unescape(address[1])).text))
    back = [shown(text)]
    while address := re.search(r'rel="prev" href="([^"]*)"', text):
        back.append(shown(text := visitor.get(unescape(address[1])).text))
    assert len(there) == 223
    assert back == there[::-1]


def test_a_url_leads_to_its_job_however_far_back(visitor: Visitor) -> None:
    """The board links to it; the first result is another photo's."""
    visitor.stack.know(
        *(replace(reviewed(f"{it:03}.jpg", 9 + it), id=f"{it:032x}") for it in range(150))
    )
    text = visitor.get(f"/review?job={140:032x}").text
    assert (shown(text), "1 of 10 older ones" in text) == ("140.jpg", True)
    assert ("Newest" in text, 'rel="prev" href="/review?"' in text) == (True, True)
    text = visitor.get("/review?job=job-of-a.jpg&prefix=shoes/").text
    assert shown(text) == "a.jpg"
    visitor.stack.know(make_job("done.jpg"))
    text = visitor.get("/review?job=job-of-done.jpg").text
    assert (shown(text), "done.jpg is completed." in text) == ("a.jpg", True)
    assert visitor.get("/review?job=nothing").status_code == 404


def test_the_queue_can_be_filtered_by_a_prefix(visitor: Visitor) -> None:
    """Decisions stay within it, and afterwards the others are mentioned."""
    for number, key in enumerate(["shoes/x.jpg", "shoes/y.jpg"]):
        visitor.stack.know(replace(reviewed(key, 5 + number), id=f"{number}"))
    text = visitor.get("/review?prefix=shoes/").text
    assert ("1 of 2" in text, 'name="prefix" value="shoes/"' in text) == (True, True)
    part = press(visitor, text, "accept")
    assert shown(part) == "shoes/y.jpg"
    assert "Nothing under shoes/ waits for a decision." in press(visitor, part, "reject")


@pytest.mark.parametrize("after", ["1-x", "nonsense", "999999999999999-x"])
def test_a_page_without_results_shows_the_first_one(visitor: Visitor, after: str) -> None:
    """All of its results were decided on, or its URL is wrong."""
    assert shown(visitor.get(f"/review?after={after}").text) == "a.jpg"


def test_an_unknown_job_cannot_be_decided_on(visitor: Visitor) -> None:
    """For example from a page of an earlier run of the local cloud."""
    assert visitor.post("/review/nothing/accept", {"version": "1"}).status_code == 404


def test_get_requests_decide_nothing(visitor: Visitor) -> None:
    """Nor do requests of other pages."""
    assert visitor.get("/review/job-of-a.jpg/accept").status_code == 405
    answer = visitor.send("POST", "/review/job-of-a.jpg/accept", headers={"Origin": ORIGIN})
    assert answer.status_code == 403
    assert visitor.stack.table.jobs["job-of-a.jpg"].state is State.REVIEW
