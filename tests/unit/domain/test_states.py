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
    # move: (states in which it is allowed, state it leads to), as in design.md
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


def test_the_table_covers_every_move_and_agrees_with_the_design() -> None:
    """The table of transitions is that of design.md."""
    told = {
        move.value: (sorted(s.value for s in allowed), target.value)
        for move, (allowed, target) in TRANSITIONS.items()
    }
    assert told == {move: (sorted(allowed), target) for move, (allowed, target) in TABLE.items()}
    assert set(TRANSITIONS) == set(Move)


@pytest.mark.parametrize(("state", "move"), ALLOWED)
def test_an_allowed_move_leads_to_its_target(state: State, move: Move) -> None:
    """The state that the table names."""
    moved = a_job(state).move(move, now=LATER)
    assert moved.state == TABLE[move.value][1]
    assert moved.updated_at == LATER


@pytest.mark.parametrize(("state", "move"), FORBIDDEN)
def test_any_other_move_is_refused_and_changes_nothing(state: State, move: Move) -> None:
    """It would be a bug."""
    job = a_job(state)
    with pytest.raises(IllegalMoveError, match=f"^{move} is not allowed from {state}$"):
        job.move(move, now=LATER)
    assert job == a_job(state)


@pytest.mark.parametrize(("state", "move"), FORBIDDEN)
def test_settling_uses_the_same_table(state: State, move: Move) -> None:
    """An illegal end is refused, too."""
    with pytest.raises(IllegalMoveError):
        a_job(state).settle(move, now=LATER, retention=timedelta(days=1))


def test_every_open_state_can_end() -> None:
    """An open job can fail, be superseded, or fetch a result."""
    for state in State:
        leaving = {move for move, (allowed, _) in TRANSITIONS.items() if state in allowed}
        if not state.is_settled:
            assert {Move.FAIL, Move.SUPERSEDE, Move.FETCH} <= leaving


@pytest.mark.parametrize("state", State)
def test_a_state_is_settled_or_open(state: State) -> None:
    """Five states are settled; jobs in all others continue."""
    ends = {"completed", "review", "failed", "rejected", "superseded"}
    assert state.is_settled == (state.value in ends) == (state in SETTLED)


@pytest.mark.parametrize("state", State)
def test_a_slot_is_held_while_a_task_may_be_running(state: State) -> None:
    """From the call until its task is known to have ended."""
    holds = {"submitting", "unconfirmed", "processing"}
    assert (state.value in holds) == (state in HOLDING)


def test_a_completed_or_superseded_job_is_never_moved_again() -> None:
    """Not even by an operator."""
    for state in (State.COMPLETED, State.SUPERSEDED):
        assert [move for move, (allowed, _) in TRANSITIONS.items() if state in allowed] == []


def test_a_move_back_to_queued_drops_due_time_code_and_message() -> None:
    """They belong to the state that the job left."""
    job = replace(a_job(State.PROCESSING), code="service_error", message="busy", due_at=NOW)
    moved = job.move(Move.RETRY_TASK, now=LATER)
    assert (moved.code, moved.message, moved.due_at) == (None, None, None)
