"""`cutout review`: the list of doubtful results, and decisions about them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.job.job import Job
from cutout.domain.job.result import ReviewDecision, Verdict
from cutout.domain.reasons import Reason
from cutout.domain.states import Move
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job, reviewed
from tests.support.cli.stack import carried_out
from tests.support.cli.world import World

ANN, BEN = "arn:aws:iam::123456789012:user/ann", "arn:aws:iam::123456789012:user/ben"


def test_results_in_review_are_listed_newest_first(world: World) -> None:
    """With the reason in words, the cost, the age, the size and both pictures."""
    world.stack.know(reviewed("old.jpg", 5), reviewed("new.jpg", 2), make_job("done.jpg"))
    told = world.run("review", "list")
    assert told.exit_code == 0
    lines = [line.split() for line in told.stdout.splitlines()]
    assert [line[0] for line in lines] == ["photo", "new.jpg", "old.jpg"]
    assert "The result has no transparent pixels: nothing was cut out." in told.stdout
    assert lines[1][-5:] == [
        "2",
        "h",
        "600x400",
        "s3://the-uploads/new.jpg",
        "s3://the-results/review/new.png",
    ]


def test_links_can_be_opened_in_a_browser(world: World) -> None:
    """The photo's link is to the version that the job is about."""
    world.stack.know(reviewed())
    told = json.loads(world.run("review", "list", "--links", "--json").stdout)
    assert [(one["photo_url"], one["result_url"]) for one in told] == [
        (
            "https://the-uploads.example/a.jpg?version=v1",
            "https://the-results.example/review/a.png?version=None",
        )
    ]
    assert (told[0]["reason"], told[0]["credits"], told[0]["decision"]) == (
        "result-opaque",
        5.4,
        None,
    )


def test_an_empty_or_limited_list_is_reported(world: World) -> None:
    """On stderr, as programs read stdout."""
    told = world.run("review", "list")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "Nothing waits for a decision" in told.stderr
    world.stack.know(reviewed("a.jpg"), reviewed("b.jpg", 1))
    told = world.run("review", "list", "--limit", "1", "--json")
    assert [one["key"] for one in json.loads(told.stdout)] == ["a.jpg"]
    assert told.stderr == "There are more than 1 result; see --limit.\n"


def test_a_result_that_could_not_be_accepted_is_shown_with_the_problem(world: World) -> None:
    """It needs another decision."""
    decision = ReviewDecision(
        verdict=Verdict.ACCEPT, by=ANN, at=NOON, over=Reason.RESULT_OPAQUE, problem="it is gone"
    )
    world.stack.know(reviewed(decision=decision))
    assert "It could not be accepted: it is gone." in world.run("review", "list").stdout


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("accept", "a.jpg: accepted, s3://the-results/a.png"),
        ("reject", "a.jpg: rejected, 5.4 credits without a cut-out"),
    ],
)
def test_a_decision_is_recorded_with_the_operators_arn_and_awaited(
    world: World, verb: str, said: str
) -> None:
    """StoreResult gets a message; photos are named by key or job id."""
    job = reviewed()
    world.stack.know(job, reviewed("b.jpg"))
    told = world.run("review", verb, "a.jpg", "b.jpg")
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, said)
    decision = world.stack.table.jobs[job.id].decision
    assert decision is not None
    assert (decision.verdict, decision.by) == (Verdict(verb), ANN)
    assert [check.job_id for check in world.stack.checks.checks] == [job.id, "job-of-b.jpg"]


def test_a_second_decision_is_refused_with_the_first_ones_author(world: World) -> None:
    """With status 1; the other named results are decided on."""
    world.stack.know(reviewed(), reviewed("b.jpg"))
    world.run("review", "accept", "a.jpg")
    world.stack.caller = BEN
    told = world.run("review", "reject", "a.jpg", "b.jpg")
    assert told.exit_code == 1
    assert f"a.jpg: it was accepted by {ANN} at 2026-" in told.stderr
    assert told.stdout == "b.jpg: rejected, 5.4 credits without a cut-out\n"


def test_only_results_under_review_are_decided_on(world: World) -> None:
    """The message names the state."""
    world.stack.know(make_job())
    told = world.run("review", "accept", "a.jpg", "--json")
    assert told.exit_code == 1
    assert "it is completed: only jobs in the state review can be decided" in told.stderr
    assert json.loads(told.stdout)[0]["state"] == "completed"
    assert world.stack.checks.checks == []


def _still_reviewed(job: Job) -> Job:
    assert job.decision is not None
    problem = "the result under review no longer exists"
    return replace(job, decision=replace(job.decision, problem=problem)).settle(
        Move.KEEP_FOR_REVIEW,
        now=job.updated_at,
        retention=timedelta(days=90),
        reason=job.decision.over,
    )


def _superseded(job: Job) -> Job:
    return job.settle(
        Move.SUPERSEDE,
        now=job.updated_at,
        retention=timedelta(days=90),
        reason=Reason.NEWER_UPLOAD,
    )


def _retried_since(job: Job) -> Job:
    rejected = replace(carried_out(job), decision=None)
    return rejected.move(Move.RETRY, now=job.updated_at)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (_still_reviewed, "still under review: the result under review no longer exists."),
        (_superseded, "no effect: A newer upload of the key replaced it."),
        (_retried_since, "the job is queued now."),
        (None, "recorded, but not carried out yet; Sweep has StoreResult try again."),
    ],
)
def test_a_decision_without_effect_is_reported_with_the_reason(
    world: World, ends: object, said: str
) -> None:
    """With status 1, after the time limit."""
    world.stack.know(reviewed())
    world.stack.checks.ends = ends  # type: ignore[assignment]
    told = world.run("review", "reject", "a.jpg", "--timeout", "3")
    assert told.exit_code == 1
    assert f"a.jpg: {said}" in told.stderr


def test_a_rejected_photo_is_listed_with_its_reason(world: World) -> None:
    """Its result is no cut-out."""
    world.stack.know(reviewed())
    world.run("review", "reject", "a.jpg")
    told = world.run("ls", "--state", "failed").stdout
    assert f"rejected-by-person (rejected by {ANN}" in told
