"""`cutout costs`."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cutout.domain.job.result import Reuse
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World

DAY = timedelta(days=1)


@pytest.fixture
def spent(world: World) -> World:
    """Three photos: one charged without a cut-out, one perhaps charged twice."""
    twice = make_job("shoes/b.jpg", at=NOON - DAY)
    (attempt,) = twice.attempts
    failed = make_job("=cmd|x.jpg", state=State.FAILED, reason=Reason.TASK_FAILED)
    (charged,) = failed.attempts
    world.stack.know(
        make_job("shoes/a.jpg"),
        replace(twice, attempts=(replace(attempt, posts=2, credits_reserved=Decimal("5.4")),)),
        replace(
            failed,
            attempts=(
                replace(
                    charged,
                    outcome=AttemptOutcome.FAILED,
                    code="content_policy_violation",
                    message="two\nlines",
                ),
            ),
        ),
        make_job("r.jpg", state=State.REJECTED, credits_used="0"),
    )
    return world


def test_costs_are_added_up_by_day(spent: World) -> None:
    """Photos, calls, credits, money; charges without a cut-out; possible double charges."""
    told = spent.run("costs")
    assert told.exit_code == 0
    rows = [line.split() for line in told.stdout.splitlines()[:4]]
    assert rows == [
        ["day", "photos", "calls", "credits", "US", "$", "no", "cut-out", "maybe", "twice"],
        ["2026-11-21", "1", "1", "5.4", "0.08", "0", "5.4"],
        ["2026-11-22", "2", "2", "10.8", "0.16", "5.4", "0"],
        ["all", "3", "3", "16.2", "0.24", "5.4", "5.4"],
    ]
    assert (
        "charged without a cut-out: 1 call, 5.4 credits, about $0.08\n"
        "  task-1  content_policy_violation  =cmd|x.jpg\n"
        "possibly charged twice: 1 call, 5.4 credits, about $0.08\n"
    ) in told.stdout
    assert told.stderr == "4 jobs read in 0.0 s\n"


@pytest.mark.parametrize(
    ("by", "names"),
    [("prefix", ["", "shoes/"]), ("outcome", ["completed", "failed"])],
)
def test_costs_are_added_up_by_folder_and_by_state(spent: World, by: str, names: list[str]) -> None:
    """With the same total."""
    told = json.loads(spent.run("costs", "--by", by, "--json").stdout)
    assert [line[by] for line in told["lines"]] == names
    assert told["total"] == {
        "photos": 3,
        "calls": 3,
        "credits": 16.2,
        "dollars": 0.24,
        "credits_without_cut_out": 5.4,
        "credits_maybe_twice": 5.4,
        "photos_reused": 0,
        "credits_saved": 0,
        "dollars_saved": 0,
    }


def test_savings_by_cached_results_are_shown(spent: World) -> None:
    """Photos, credits and money, in the JSON, too."""
    saved = Reuse(
        job_id="j", key="kept/k", sha256="0", task_id="task-1", credits_saved=Decimal("5.4")
    )
    spent.stack.know(
        *(
            replace(make_job(key), attempts=(), reused=saved)
            for key in ("shoes/c.jpg", "shoes/d.jpg")
        )
    )
    told = spent.run("costs", "--by", "prefix")
    header, *rows = (line.split() for line in told.stdout.splitlines()[:4])
    assert header[-2:] == ["reused", "saved"]
    assert [row[-2:] for row in rows] == [["0", "0"], ["2", "10.8"], ["2", "10.8"]]
    assert "saved by cached results: 2 photos, 10.8 credits, about $0.16\n" in told.stdout
    line = json.loads(spent.run("costs", "--by", "prefix", "--json").stdout)["lines"][1]
    assert (line["prefix"], line["photos"], line["photos_reused"]) == ("shoes/", 2, 2)
    assert (line["credits_saved"], line["dollars_saved"]) == (10.8, 0.16)


def test_costs_of_a_period_and_a_prefix(spent: World) -> None:
    """Calls that started in the period."""
    told = json.loads(spent.run("costs", "--since", "2026-11-22", "--json").stdout)
    assert told["total"]["calls"] == 2
    told = json.loads(spent.run("costs", "--until", "2026-11-21", "--json").stdout)
    assert told["total"]["calls"] == 1
    told = json.loads(spent.run("costs", "--prefix", "shoes/", "--json").stdout)
    assert told["total"]["calls"] == 2


def test_a_claim_lists_every_charge_without_a_cut_out(spent: World) -> None:
    """Task, time, credits, code, job, key; no cell is a spreadsheet formula."""
    file = spent.folder / "claim.csv"
    told = spent.run("costs", "--csv", file)
    assert (told.exit_code, "2 calls written" in told.stderr) == (0, True)
    with file.open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first == {
        "why": "no-cut-out",
        "task": "task-1",
        "called_at": "2026-11-22T12:00:00+00:00",
        "credits": "5.4",
        "dollars": "0.08",
        "outcome": "failed",
        "code": "content_policy_violation",
        "message": r"two\nlines",
        "state": "failed",
        "reason": "task-failed",
        "posts": "1",
        "job": "job-of-=cmd|x.jpg",
        "bucket": "the-uploads",
        "key": "'=cmd|x.jpg",
    }
    assert (second["why"], second["posts"], second["key"]) == ("maybe-twice", "2", "shoes/b.jpg")


def test_a_claim_that_cannot_be_written_is_an_error(spent: World) -> None:
    """With the reason."""
    told = spent.run("costs", "--csv", spent.folder / "no" / "claim.csv")
    assert told.exit_code == 1
    assert "claim.csv cannot be written: No such file or directory." in told.stderr


def test_the_price_of_a_credit_can_be_set(spent: World) -> None:
    """An option takes precedence over the environment."""
    assert json.loads(spent.run("costs", "--json").stdout)["cents_per_credit"] == 1.47
    spent.environment["CUTOUT_CENTS_PER_CREDIT"] = "2"
    assert json.loads(spent.run("costs", "--json").stdout)["total"]["dollars"] == 0.32
    told = spent.run("costs", "--cents-per-credit", "10", "--json")
    assert json.loads(told.stdout)["total"]["dollars"] == 1.62


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "much", "inf"])
def test_an_invalid_price_is_refused(spent: World, amount: str) -> None:
    """As an option it is a usage error, in the environment a problem."""
    assert spent.run("costs", "--cents-per-credit", amount).exit_code == 2
    spent.environment["CUTOUT_CENTS_PER_CREDIT"] = amount
    told = spent.run("costs")
    assert told.exit_code == 1
    assert told.stderr.startswith("Error: CUTOUT_CENTS_PER_CREDIT: ")


def test_an_empty_table_costs_nothing(world: World) -> None:
    """The exit status is 0."""
    told = json.loads(world.run("costs", "--json").stdout)
    assert (told["lines"], told["total"]["credits"]) == ([], 0)
