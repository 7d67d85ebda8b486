"""What a move of a job changes at the gate: slots, and the credits of each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutout.domain.gate.gate import holder
from cutout.domain.gate.pauses_and_slots import Shard, ShardChange
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.states import HOLDING, AttemptOutcome, State
from cutout.usecases.shared.job_writer import gate_changes
from tests.support.builders import NOW, PRICE, a_job, an_attempt

TODAY, TOMORROW = NOW.date(), (NOW + timedelta(days=1)).date()
OPEN = an_attempt(credits_reserved=PRICE, shard=4)
REPEATED = replace(OPEN, posts=2, repeat_day=TOMORROW)
HELD = sorted(HOLDING)
NOT_HELD = sorted(set(State) - HOLDING)


def a_name(number: int = 1) -> str:
    """The holder's name of an attempt of the job."""
    return holder(a_job().id, number, NOW)


def job(state: State, *attempts: Attempt) -> Job:
    """The job in a state, with these attempts."""
    return a_job(state, attempts=attempts)


def charged(before: Sequence[Attempt], after: Sequence[Attempt]) -> dict[int, dict[date, Decimal]]:
    """The charges of a move that touches no slot, by shard."""
    changes = gate_changes(job(State.QUEUED, *before), job(State.QUEUED, *after))
    assert not any(change.takes or change.frees for change in changes)
    return {change.shard: dict(change.charges) for change in changes if change.shard is not None}


def test_admitting_takes_a_slot_and_charges_the_price() -> None:
    """In the shard that has the free slot, in one change."""
    assert gate_changes(job(State.QUEUED), job(State.SUBMITTING, OPEN)) == [
        ShardChange(shard=4, takes=a_name(), charges={TODAY: PRICE})
    ]


@pytest.mark.parametrize("state", NOT_HELD)
@pytest.mark.parametrize("held", HELD)
def test_a_slot_becomes_free_when_the_job_leaves_the_states_that_hold_it(
    held: State, state: State
) -> None:
    """Nothing else changes if the cost of the attempt stays the same."""
    assert gate_changes(job(held, OPEN), job(state, OPEN)) == [ShardChange(shard=4, frees=a_name())]


@pytest.mark.parametrize("after", HELD)
@pytest.mark.parametrize("before", HELD)
def test_an_attempt_keeps_its_slot_while_its_task_may_run(before: State, after: State) -> None:
    """The slot stays taken when its outcome becomes known or is unknown."""
    accepted = replace(OPEN, outcome=AttemptOutcome.ACCEPTED, task_id="task-1")
    assert gate_changes(job(before, OPEN), job(after, accepted)) == []


@pytest.mark.parametrize("after", NOT_HELD)
@pytest.mark.parametrize("before", NOT_HELD)
def test_a_job_without_a_slot_frees_none(before: State, after: State) -> None:
    """However often it moves."""
    assert gate_changes(job(before, OPEN), job(after, OPEN)) == []


def test_a_refused_call_frees_its_slot_and_is_refunded() -> None:
    """In the same change of the same shard."""
    refused = OPEN.ended(AttemptOutcome.REFUSED)
    assert gate_changes(job(State.SUBMITTING, OPEN), job(State.QUEUED, refused)) == [
        ShardChange(shard=4, frees=a_name(), charges={TODAY: -PRICE})
    ]


def test_each_attempt_is_charged_in_its_own_shard() -> None:
    """A late response for the first attempt changes its shard; the slot of the second stays."""
    second = an_attempt(2, shard=1)
    before = job(State.PROCESSING, OPEN, second)
    after = job(State.PROCESSING, replace(OPEN, credits_reserved=Decimal(6)), second)
    assert gate_changes(before, after) == [ShardChange(shard=4, charges={TODAY: Decimal("0.6")})]


def test_a_second_attempt_takes_a_slot_of_its_own() -> None:
    """The first attempt's slot became free when it failed."""
    failed = OPEN.ended(AttemptOutcome.FAILED)
    second = an_attempt(2, shard=1)
    assert gate_changes(job(State.QUEUED, failed), job(State.SUBMITTING, failed, second)) == [
        ShardChange(shard=1, takes=a_name(2), charges={TODAY: PRICE})
    ]


def test_the_cost_of_an_earlier_attempt_is_corrected_in_its_own_shard() -> None:
    """The slot is taken in the new attempt's shard."""
    second = an_attempt(2, shard=1)
    after = job(State.SUBMITTING, OPEN.ended(AttemptOutcome.FAILED), second)
    assert gate_changes(job(State.QUEUED, OPEN), after) == [
        ShardChange(shard=1, takes=a_name(2), charges={TODAY: PRICE}),
        ShardChange(shard=4, charges={TODAY: -PRICE}),
    ]


def test_the_slot_of_an_attempt_becomes_free_when_another_one_runs() -> None:
    """Each attempt has a holder of its own."""
    second = an_attempt(2, shard=1)
    before, after = job(State.PROCESSING, OPEN), job(State.SUBMITTING, OPEN, second)
    assert gate_changes(before, after) == [
        ShardChange(shard=1, takes=a_name(2), charges={TODAY: PRICE}),
        ShardChange(shard=4, frees=a_name()),
    ]


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ((), (OPEN,), {TODAY: "5.4"}),
        ((OPEN,), (OPEN,), {}),
        ((OPEN,), (replace(OPEN, credits_reserved=Decimal(6)),), {TODAY: "0.6"}),
        ((OPEN,), (OPEN.ended(AttemptOutcome.REFUSED),), {TODAY: "-5.4"}),
        ((OPEN,), (replace(OPEN, credits_used=Decimal(0)),), {TODAY: "-5.4"}),
        ((OPEN,), (REPEATED,), {TOMORROW: "5.4"}),
        ((REPEATED,), (replace(REPEATED, is_replayed=True),), {TOMORROW: "-5.4"}),
        ((REPEATED,), (replace(REPEATED, posts=1),), {TOMORROW: "-5.4"}),
        ((REPEATED,), (REPEATED.ended(AttemptOutcome.FAILED),), {TODAY: "-5.4"}),
        ((OPEN,), (), {}),
    ],
)
def test_a_move_changes_a_days_credits_by_the_difference_of_its_attempts(
    before: tuple[Attempt, ...], after: tuple[Attempt, ...], changed: Mapping[date, str]
) -> None:
    """A repeat counts on its own day until it proves free; a removed attempt changes nothing."""
    days = {day: Decimal(it) for day, it in changed.items()}
    assert charged(before, after) == ({4: days} if days else {})


@pytest.mark.parametrize(
    ("repeated", "changed"),
    [
        (replace(OPEN, posts=2), {4: {TODAY: PRICE}}),
        (replace(REPEATED, credits_reserved=None), {}),
    ],
)
def test_a_repeat_counts_only_what_the_job_records(
    repeated: Attempt, changed: dict[int, dict[date, Decimal]]
) -> None:
    """Earlier versions recorded no day for a repeat, and a call may have reserved nothing."""
    assert charged((), (repeated,)) == changed


CARRIED = an_attempt(credits_reserved=PRICE)
"""An attempt that an earlier version admitted: it names no shard."""


def test_an_attempt_of_an_earlier_version_frees_a_slot_of_that_versions_count() -> None:
    """That version counted its tasks, and named no holders."""
    assert gate_changes(job(State.PROCESSING, CARRIED), job(State.STORING, CARRIED)) == [
        ShardChange(shard=None, frees=a_name())
    ]


def test_an_attempt_of_an_earlier_version_is_refunded_in_the_first_shard() -> None:
    """On the day that the earlier version charged; its own sum is no longer changed."""
    yesterday = TODAY - timedelta(days=1)
    old = replace(CARRIED, day=yesterday)
    refused = old.ended(AttemptOutcome.FAILED)
    assert gate_changes(job(State.PROCESSING, old), job(State.QUEUED, refused)) == [
        ShardChange(shard=0, charges={yesterday: -PRICE}),
        ShardChange(shard=None, frees=a_name()),
    ]


def test_a_new_attempt_after_one_of_an_earlier_version_takes_a_slot() -> None:
    """Only the new attempt is charged and has a holder."""
    failed = CARRIED.ended(AttemptOutcome.FAILED)
    second = an_attempt(2, shard=3)
    assert gate_changes(job(State.QUEUED, failed), job(State.SUBMITTING, failed, second)) == [
        ShardChange(shard=3, takes=a_name(2), charges={TODAY: PRICE})
    ]


_ATTEMPTS = st.builds(
    replace,
    st.sampled_from([OPEN, REPEATED, CARRIED]),
    outcome=st.sampled_from(AttemptOutcome),
    credits_reserved=st.none() | st.decimals(0, 20, places=2),
    credits_used=st.none() | st.decimals(0, 20, places=2),
    is_replayed=st.booleans(),
)


@given(states=st.lists(st.tuples(st.sampled_from(State), _ATTEMPTS), min_size=1, max_size=8))
def test_after_any_sequence_of_moves_the_shards_match_the_job(
    states: list[tuple[State, Attempt]],
) -> None:
    """Slots and credits follow from the last state of the job; nothing is charged twice."""
    before, shards = job(State.QUEUED), dict.fromkeys((0, 4), Shard())
    for state, attempt in states:
        after = job(state, replace(attempt, shard=OPEN.shard))
        for change in [*gate_changes(before, after), *gate_changes(after, after)]:
            assert change.shard is not None
            shards[change.shard] = _changed(shards[change.shard], change)
        before = after
    held = frozenset().union(*(it.holders for it in shards.values()))
    assert held == ({a_name()} if before.state in HOLDING else set())
    expected = gate_changes(job(State.QUEUED), replace(before, state=State.QUEUED))
    spent = {day: some for it in shards.values() for day, some in it.spent.items() if some}
    assert spent == {day: some for it in expected for day, some in it.charges.items()}


def _changed(shard: Shard, change: ShardChange) -> Shard:
    spent = dict(shard.spent)
    for day, credits_ in change.charges.items():
        spent[day] = spent.get(day, Decimal(0)) + credits_
    taken = shard.holders | ({change.takes} if change.takes else set())
    return Shard(holders=taken - {change.frees}, spent=spent)
