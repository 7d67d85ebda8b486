"""The promises of the design, checked against what the buckets and the provider's ledger say."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

from cutout.job import Job
from cutout.keys import kept_key
from cutout.ports.buckets import PHOTO_LINK_LIVES
from cutout.provider import TaskStatus
from cutout.states import AttemptOutcome, State
from cutout.usecases.notes import leaves_a_note
from tests.fakes.buckets import StoredObject
from tests.fakes.evolink import CUT_OUT, PRICE, Charge
from tests.fakes.world import MODEL
from tests.simulation.engine import FUNCTION_TIMEOUT, Engine
from tests.simulation.inputs import ExpiringCopies, is_taken, led_to, sent_of


class PromiseBrokenError(AssertionError):
    """A promise does not hold; the message names it and the seed that shows it."""


def check_always(engine: Engine) -> None:
    """What must hold at every moment."""
    jobs = engine.world.jobs
    holding = sum(job.state.holds_slot for job in jobs.jobs.values())
    in_flight = jobs.gate.in_flight if jobs.gate else 0
    _demand(
        engine, holding == in_flight, 6, f"{holding} jobs hold slots, the gate says {in_flight}"
    )
    limits = (jobs.gate.limits if jobs.gate else None) or engine.world.limits
    # Lowering the limit ends no task: what is in flight may exceed it until it is done.
    most = max(limits.max_in_flight, engine.peak_in_flight)
    if holding > engine.holding_before:
        most = limits.max_in_flight
    _demand(engine, holding <= most, 6, f"{holding} jobs in flight, {most} allowed")
    engine.holding_before = holding
    engine.peak_in_flight = max(engine.peak_in_flight, holding)
    for job in jobs.writes[engine.writes_seen :]:
        _check_write(engine, job)
    engine.writes_seen = len(jobs.writes)
    puts = engine.world.results.puts
    for _key, stored in puts[engine.puts_seen :]:
        _check_put(engine, stored)
    engine.puts_seen = len(puts)
    posts = engine.world.evolink.posts
    for key, body in posts[engine.posts_seen :]:
        _check_input(engine, key, json.loads(body)["image_urls"][0])
    engine.posts_seen = len(posts)
    for job_id, deaths in engine.deaths.items():
        most = _MOST_DEATHS * (1 + engine.operators.retries[job_id])
        _demand(engine, deaths <= most, 2, f"a photo that no worker survives has ended {deaths}")


_MOST_DEATHS = 5


def _check_input(engine: Engine, key: str, url: str) -> None:
    """A call names what the model takes: the job's own photo, or a copy of it that will last.

    A repeat says what was said before, whatever has become of that.
    """
    if key in engine.keys_seen:
        return
    engine.keys_seen.add(key)
    world = engine.world
    source = world.jobs.jobs[key.split("-")[1]].source
    copies = world.copies
    assert isinstance(copies, ExpiringCopies)
    name = url.partition("?")[0].removeprefix("https://work.example/")
    if name in engine.operators.lost_copies:
        return
    data = led_to(world, url)
    _demand(engine, is_taken(data), 3, f"{source.key}: the call leads to {data!r}")
    own = sent_of(world.uploads.versions[source.key, source.version_id or ""].data)
    _demand(engine, data == own, 4, f"{source.key}: the call leads to another photo")
    is_lasting = name == url.partition("?")[0] or copies.lasts(name, after=PHOTO_LINK_LIVES)
    _demand(engine, is_lasting, 3, f"{source.key}: the copy goes before the link to it")


def _check_put(engine: Engine, stored: StoredObject) -> None:
    """Nothing is stored for a photo that was known to be outdated when its worker began."""
    metadata = stored.labels.metadata
    job = engine.world.jobs.jobs[metadata["cutout-job"]]
    order, noted_at = engine.noted.get(job.source.key, ("", engine.clock.now()))
    is_long_known = noted_at + FUNCTION_TIMEOUT < engine.clock.now()
    is_outdated = order > job.source.order and is_long_known
    _demand(engine, not is_outdated, 4, f"{job.source.key} was stored although outdated")


def _check_write(engine: Engine, job: Job) -> None:
    if not job.state.is_settled and not job.is_waiting:
        _demand(engine, job.due_at is not None, 2, f"{job.state} without a due time")
    if job.state is State.COMPLETED:
        put_by = {
            stored.labels.metadata.get("cutout-job")
            for key, stored in engine.world.results.puts
            if job.result is not None and key == job.result.key
        }
        _demand(engine, job.id in put_by, 4, "completed, but the object was never there")


def check_at_end(engine: Engine) -> None:
    """What must hold once nothing is left to do."""
    jobs = engine.world.jobs.jobs
    for source in engine.users.uploads:
        _demand(engine, source.job_id in jobs, 1, f"no job for {source.key} {source.version_id}")
    for job in jobs.values():
        _check_settled(engine, job)
    _check_charges(engine)
    _check_purchases(engine)
    _check_results(engine)
    _check_notes(engine)


def _check_settled(engine: Engine, job: Job) -> None:
    _demand(engine, job.state.is_settled, 2, f"{job.source.key} ended as {job.state}")
    has_reason = job.reason is not None or job.state is State.COMPLETED
    _demand(engine, has_reason, 2, f"{job.state} without a reason")
    announced = [told.state for told in engine.world.announcements.jobs if told.id == job.id]
    is_owed = job.state is not State.SUPERSEDED
    _demand(engine, not is_owed or job.state in announced, 2, f"{job.state} was never announced")


def _check_charges(engine: Engine) -> None:
    """Paid once: every further charge of a job is one that the row counts as possible."""
    world = engine.world
    by_job: dict[str, list[str]] = defaultdict(list)
    by_day: Counter[date] = Counter()
    for charge in world.evolink.charges:
        by_job[charge.key.split("-")[1]].append(charge.task_id)
        if world.evolink.tasks[charge.task_id].status is not TaskStatus.FAILED:
            by_day[charge.at.date()] += 1
    for job_id, task_ids in by_job.items():
        job = world.jobs.jobs[job_id]
        kept = [t for t in task_ids if world.evolink.tasks[t].status is not TaskStatus.FAILED]
        counted = sum(attempt.is_possible_double_charge for attempt in job.attempts)
        text = f"{job.source.key}: {len(kept)} charges, {counted} counted as possible doubles"
        _demand(engine, len(kept) <= 1 + counted + engine.operators.retries[job_id], 3, text)
        known = sum(a.outcome is AttemptOutcome.SUCCEEDED for a in job.attempts)
        _demand(engine, known <= len(kept), 3, f"{job.source.key}: a result nobody charged")
    bodies: dict[str, set[str]] = defaultdict(set)
    for key, body in world.evolink.posts:
        bodies[key].add(body)
    _demand(engine, all(len(b) == 1 for b in bodies.values()), 3, "a key with two bodies")
    repeats = Decimal(len(world.evolink.posts) - len(bodies)) * PRICE
    for day, count in by_day.items():
        cap = world.limits.daily_credit_cap + repeats
        _demand(engine, count * PRICE <= cap, 6, f"{count * PRICE} credits on {day}")


def _check_purchases(engine: Engine) -> None:
    """The same picture is bought once, unless asked for anew or the earlier purchase failed."""
    world = engine.world
    if world.recorder.purchases is None:
        return
    bought: Counter[str] = Counter()
    payers: set[str] = set()
    for charge in world.evolink.charges:
        task = world.evolink.tasks[charge.task_id]
        if task.result_url and world.evolink.results[task.result_url].startswith(_ACCEPTABLE):
            bought[_picture_of(engine, charge)] += 1
            payers.add(charge.key.split("-")[1])
    allowed: Counter[str] = Counter()
    for job in world.jobs.jobs.values():
        if job.photo is not None:
            allowed[job.photo.sha256] += _reasons_to_buy_again(engine, job, job.id in payers)
    for picture, times in bought.items():
        most = 1 + allowed[picture] + engine.operators.lost[kept_key(picture, MODEL)]
        text = f"one picture was bought {times} times; {most} may be"
        _demand(engine, times <= most, 3, text)


def _reasons_to_buy_again(engine: Engine, job: Job, has_paid: bool) -> int:  # noqa: FBT001
    """How many purchases of its picture a job accounts for, besides the first."""
    states = {step.state for step in job.history}
    ended_without_it = State.FAILED in states or State.STORING not in states
    doubles = sum(attempt.is_possible_double_charge for attempt in job.attempts)
    reasons = (job.id in engine.users.fresh, has_paid and ended_without_it)
    return sum(reasons) + doubles + engine.operators.retries[job.id]


def _picture_of(engine: Engine, charge: Charge) -> str:
    photo = engine.world.jobs.jobs[charge.key.split("-")[1]].photo
    return photo.sha256 if photo else ""


_ACCEPTABLE = (CUT_OUT, b"webp 600 400 0 255")


def _check_results(engine: Engine) -> None:
    """Whole, accepted, of the newest upload; and never replaced by an older one's."""
    world = engine.world
    orders: dict[str, str] = {}
    pictures = {charge.task_id: _picture_of(engine, charge) for charge in world.evolink.charges}
    for key, stored in world.results.puts:
        task_id = stored.data.rpartition(b" ")[2].decode()
        photo = world.jobs.jobs[stored.labels.metadata["cutout-job"]].photo
        is_own = photo is not None and pictures.get(task_id) == photo.sha256
        _demand(engine, is_own, 4, f"{key} holds another photo's picture")
        order = stored.labels.metadata["cutout-source-order"]
        _demand(engine, order >= orders.get(key, ""), 4, f"{key} went back to an older photo")
        orders[key] = order
        if not key.startswith("review/"):
            is_cut_out = stored.data.startswith(CUT_OUT)
            _demand(engine, is_cut_out, 4, f"{key} holds {stored.data!r}")
    for job in world.jobs.jobs.values():
        newest = engine.users.newest[job.source.key].job_id == job.id
        if job.state is State.COMPLETED and newest and job.result is not None:
            stands = world.results.objects[job.result.key].labels.metadata["cutout-job"]
            _demand(engine, stands == job.id, 4, f"{job.result.key} is not its newest photo's")
        if job.state is State.SUPERSEDED:
            _demand(engine, not newest, 4, f"{job.source.key} superseded, yet the newest")


def _check_notes(engine: Engine) -> None:
    """One stands exactly for the keys whose newest upload has no cut-out, and names its job."""
    jobs = engine.world.jobs.jobs
    newest = [jobs[it.job_id] for it in engine.users.newest.values() if it.job_id in jobs]
    expected = {f"{job.source.key}.error.json": job.id for job in newest if leaves_a_note(job)}
    stored = engine.world.notes.stored
    stand = {key: note.note.job_id for key, note in stored.items() if not key.startswith("review/")}
    _demand(engine, stand == expected, 4, f"notes stand for {stand}, not for {expected}")


def _demand(engine: Engine, holds: bool, promise: int, text: str) -> None:  # noqa: FBT001
    if not holds:
        raise PromiseBrokenError(f"promise {promise}, seed {engine.seed}: {text}")
