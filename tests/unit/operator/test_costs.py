"""The costs of photos, and charges without a cut-out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Reuse
from cutout.domain.states import AttemptOutcome, State
from cutout.operator.costs import By, Charge, CostLine, Costs, Period, charges_of
from tests.support.builders import NOW, a_job, a_source, an_attempt

PRICE = Decimal("5.4")
DAY = timedelta(days=1)


def paid(number: int = 1, used: str | None = "5.4", **facts: Any) -> Attempt:
    """A successful attempt."""
    known: dict[str, Any] = {
        "outcome": AttemptOutcome.SUCCEEDED,
        "credits_used": None if used is None else Decimal(used),
    }
    return an_attempt(number, **(known | facts))


def photo(key: str, state: State, *attempts: Attempt, **facts: Any) -> Job:
    """A job with these attempts."""
    return replace(a_job(state), source=a_source(key=key), attempts=attempts, **facts)


def added(by: By, *jobs: Job, **options: Any) -> Costs:
    """The costs of these jobs."""
    costs = Costs(by=by, **options)
    for job in jobs:
        costs.add(job)
    return costs


def credits_by(costs: Costs) -> dict[str, Decimal]:
    """The credits of each line."""
    return {name: line.credits for name, line in costs.lines.items()}


def test_attempts_count_on_the_day_on_which_they_started() -> None:
    """A photo that took two days costs on both, and is counted once in the total."""
    job = photo(
        "a.jpg",
        State.COMPLETED,
        paid(1, used="2", outcome=AttemptOutcome.FAILED),
        paid(2, started_at=NOW + DAY),
        storing_attempt=2,
    )
    costs = added(By.DAY, job, photo("b.jpg", State.COMPLETED, paid()))
    assert credits_by(costs) == {"2026-11-20": Decimal("7.4"), "2026-11-21": PRICE}
    assert costs.lines["2026-11-20"].photos == 2
    assert costs.total == CostLine(photos=2, calls=3, credits=Decimal("12.8"), lost=Decimal(2))


@pytest.mark.parametrize(
    ("depth", "names"),
    [(1, ["", "a/"]), (2, ["", "a/", "a/b/"]), (9, ["", "a/", "a/b/", "a/b/c/"])],
)
def test_prefixes_are_folders_of_the_given_depth(depth: int, names: list[str]) -> None:
    """A key without a folder has none."""
    jobs = [photo(key, State.COMPLETED, paid()) for key in ("x.jpg", "a/x.jpg", "a/b/x", "a/b/c/x")]
    assert sorted(added(By.PREFIX, *jobs, depth=depth).lines) == names


@pytest.mark.parametrize(
    ("state", "is_lost"),
    [
        (State.COMPLETED, False),
        (State.FAILED, True),
        (State.REVIEW, True),
        (State.SUPERSEDED, True),
        (State.PROCESSING, False),
        (State.QUEUED, False),
    ],
)
def test_a_charge_for_a_photo_without_a_cut_out_is_lost(state: State, *, is_lost: bool) -> None:
    """Unless the job is still open."""
    costs = added(By.OUTCOME, photo("a.jpg", state, paid()))
    assert credits_by(costs) == {state.value: PRICE}
    assert costs.total.lost == (PRICE if is_lost else 0)
    assert [one.credits for one in costs.lost] == ([PRICE] if is_lost else [])


def test_an_attempt_that_another_one_replaced_is_lost() -> None:
    """The photo is completed by the other."""
    job = photo("a.jpg", State.COMPLETED, paid(1), paid(2), storing_attempt=2)
    costs = added(By.OUTCOME, job)
    assert credits_by(costs) == {"completed": PRICE, "replaced-attempt": PRICE}
    assert [one.attempt.number for one in costs.lost] == [1]
    assert costs.total == CostLine(photos=1, calls=2, credits=2 * PRICE, lost=PRICE)


@pytest.mark.parametrize(
    "outcome", [AttemptOutcome.FAILED, AttemptOutcome.REFUSED, AttemptOutcome.NOT_SENT]
)
def test_free_attempts_are_not_listed(outcome: AttemptOutcome) -> None:
    """Failed tasks are not charged unless the provider says so."""
    costs = added(By.DAY, photo("a.jpg", State.FAILED, paid(used=None, outcome=outcome)))
    assert (costs.lines, costs.total) == ({}, CostLine())


def test_reserved_credits_count_while_the_outcome_is_unknown() -> None:
    """The call may have been paid for."""
    unknown = paid(used=None, outcome=AttemptOutcome.UNKNOWN)
    assert added(By.DAY, photo("a.jpg", State.UNCONFIRMED, unknown)).total.credits == PRICE


def test_attempts_before_and_after_the_period_do_not_count() -> None:
    """Both ends are inclusive."""
    times = [NOW - DAY, NOW, NOW + DAY, NOW + 2 * DAY]
    jobs = [photo(f"{at}.jpg", State.COMPLETED, paid(started_at=at)) for at in times]
    period = Period(since=NOW, until=NOW + DAY)
    costs = added(By.DAY, *jobs, period=period)
    assert sorted(costs.lines) == ["2026-11-20", "2026-11-21"]
    assert (costs.total.photos, costs.total.calls) == (2, 2)


@pytest.mark.parametrize(
    ("facts", "at_risk"),
    [
        ({"posts": 2}, PRICE),
        ({"posts": 2, "is_replayed": True}, 0),
        ({"posts": 1}, 0),
        ({"posts": 2, "used": None, "outcome": AttemptOutcome.FAILED}, PRICE),
    ],
)
def test_a_repeated_call_may_have_been_charged_twice(
    facts: dict[str, Any], at_risk: Decimal
) -> None:
    """Unless the provider recognised the repeat."""
    job = photo("a.jpg", State.COMPLETED, paid(**facts))
    costs = added(By.DAY, job)
    assert costs.total.at_risk == at_risk
    assert [one.job.id for one in costs.doubtful] == ([job.id] if at_risk else [])


def test_a_charge_names_its_job_and_attempt() -> None:
    """For a refund claim."""
    job = photo("a.jpg", State.FAILED, paid(1, used="0"), paid(2))
    assert list(charges_of(job)) == [Charge(job=job, attempt=job.attempts[1], credits=PRICE)]


def reused(key: str, at: datetime = NOW, state: State = State.COMPLETED) -> Job:
    """A job completed from the cache at this time."""
    saved = Reuse(job_id="j", key="kept/k", sha256="0", task_id="task-1", credits_saved=PRICE)
    return photo(key, state, reused=saved, entered_at=at)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (By.DAY, ["2026-11-20", "2026-11-21"]),
        (By.PREFIX, ["", "shoes/"]),
        (By.OUTCOME, ["completed"]),
    ],
)
def test_credits_saved_by_reuse_are_added_up_separately(by: By, names: list[str]) -> None:
    """By the time of completion; a free photo does not count as paid."""
    costs = added(by, photo("a.jpg", State.COMPLETED, paid()), reused("shoes/b.jpg", NOW + DAY))
    assert sorted(costs.lines) == names
    saving = costs.lines[names[-1]]
    assert (saving.reused, saving.saved) == (1, PRICE)
    assert costs.total == CostLine(photos=1, calls=1, credits=PRICE, reused=1, saved=PRICE)


def test_savings_outside_the_period_do_not_count() -> None:
    """Both ends are inclusive."""
    jobs = [reused("a.jpg", NOW + days * DAY) for days in (-1, 0, 1, 2)]
    costs = added(By.DAY, *jobs, period=Period(since=NOW, until=NOW + DAY))
    assert sorted(costs.lines) == ["2026-11-20", "2026-11-21"]
    assert (costs.total.reused, costs.total.saved) == (2, 2 * PRICE)


@pytest.mark.parametrize("state", [State.STORING, State.REVIEW, State.SUPERSEDED])
def test_nothing_is_saved_without_a_cut_out(state: State) -> None:
    """As on the dashboard."""
    assert added(By.DAY, reused("a.jpg", state=state)).total == CostLine()
