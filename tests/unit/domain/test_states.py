"""Every state with every move."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cutout.domain.errors import IllegalMoveError
from cutout.domain.states import HOLDING, SETTLED, TRANSITIONS, Move, State
from tests.support.builders import LATER, NOW, a_job

OPEN = ["queued", "submitting", "unconfirmed", "processing", "storing"]
TABLE = {
    # what happens: (from where it is allowed, where it leads), as design.md tells it
    "hold": (["queued"], "queued"),
    "admit": (["queued"], "submitting"),
    "repeat": (["unconfirmed"], "submitting"),
    "repeat-later": (["unconfirmed"], "unconfirmed"),
    "back-off": (["submitting", "unconfirmed"], "queued"),
    "lose-sight": (["submitting"], "unconfirmed"),
    "accept": (["submitting", "unconfirmed"], "processing"),
    "poll-later": (["processing"], "processing"),
    "try-again": (["submitting", "unconfirmed", "processing"], "queued"),
    "fetch": ([*OPEN, "failed", "rejected"], "storing"),
    "buy": (["storing"], "queued"),
    "fetch-later": (["storing"], "storing"),
    "complete": (["storing"], "completed"),
    "keep-for-review": (["storing"], "review"),
    "decide": (["review"], "storing"),
    "fail": (OPEN, "failed"),
    "reject": (["queued"], "rejected"),
    "supersede": (OPEN, "superseded"),
    "retry": (["failed", "review", "rejected"], "queued"),
}
EVERY = [(state, move) for state in State for move in Move]
ALLOWED = [(state, move) for state, move in EVERY if state.value in TABLE[move.value][0]]
FORBIDDEN = sorted(set(EVERY) - set(ALLOWED))


def test_table_covers_every_move_and_agrees_with_the_promise() -> None:
    """The one table of transitions says what design.md says, for every move there is."""
    told = {
        move.value: (sorted(s.value for s in allowed), target.value)
        for move, (allowed, target) in TRANSITIONS.items()
    }
    assert told == {move: (sorted(allowed), target) for move, (allowed, target) in TABLE.items()}
    assert set(TRANSITIONS) == set(Move)


@pytest.mark.parametrize(("state", "move"), ALLOWED)
def test_allowed_move_leads_to_its_target(state: State, move: Move) -> None:
    """A move that the table allows puts the job into the state the table names."""
    moved = a_job(state).move(move, now=LATER)
    assert moved.state == TABLE[move.value][1]
    assert moved.updated_at == LATER


@pytest.mark.parametrize(("state", "move"), FORBIDDEN)
def test_other_move_is_refused_and_changes_nothing(state: State, move: Move) -> None:
    """Any other move is a defect of ours: it is refused and the job stays as it was."""
    job = a_job(state)
    with pytest.raises(IllegalMoveError, match=f"^{move} is not allowed from {state}$"):
        job.move(move, now=LATER)
    assert job == a_job(state)


@pytest.mark.parametrize(("state", "move"), FORBIDDEN)
def test_settling_is_bound_by_the_same_table(state: State, move: Move) -> None:
    """Settling a job is no way around the table."""
    with pytest.raises(IllegalMoveError):
        a_job(state).settle(move, now=LATER, retention=timedelta(days=1))


def test_every_open_state_can_end_well_or_badly() -> None:
    """No state is a trap: whatever is open can fail, be superseded, or bring a result home."""
    for state in State:
        leaving = {move for move, (allowed, _) in TRANSITIONS.items() if state in allowed}
        if not state.is_settled:
            assert {Move.FAIL, Move.SUPERSEDE, Move.FETCH} <= leaving


@pytest.mark.parametrize("state", State)
def test_state_is_settled_or_open(state: State) -> None:
    """Five states end a job; all others have a next step."""
    ends = {"completed", "review", "failed", "rejected", "superseded"}
    assert state.is_settled == (state.value in ends) == (state in SETTLED)


@pytest.mark.parametrize("state", State)
def test_slot_is_held_while_a_task_may_be_running(state: State) -> None:
    """A job counts at the gate from its POST until its task is known to have ended."""
    holds = {"submitting", "unconfirmed", "processing"}
    assert state.holds_slot == (state.value in holds) == (state in HOLDING)


def test_a_job_that_completed_is_never_moved_again() -> None:
    """Completed and superseded are for good: not even a person moves them."""
    for state in (State.COMPLETED, State.SUPERSEDED):
        assert [move for move, (allowed, _) in TRANSITIONS.items() if state in allowed] == []


def test_a_move_back_to_queued_forgets_the_wait_it_came_from() -> None:
    """Due time, code and message belong to one stay in a state, not to the next."""
    job = replace(a_job(State.PROCESSING), code="service_error", message="busy", due_at=NOW)
    moved = job.move(Move.RETRY_TASK, now=LATER)
    assert (moved.code, moved.message, moved.due_at) == (None, None, None)
