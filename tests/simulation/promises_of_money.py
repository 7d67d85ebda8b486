"""Promises 3, 6 and 10: what is paid, how often, and how much at once and in a day.

They are checked against the provider's own view: its tasks, its charges and its UTC days.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cutout.domain.gate.gate import holder
from cutout.domain.job.job import Job
from cutout.domain.polling_and_timing import PHOTO_LINK_LIFE
from cutout.domain.provider_outcomes import TaskStatus
from cutout.domain.reasons import Reason
from cutout.domain.states import HOLDING, AttemptOutcome, State
from tests.simulation.evidence import Evidence, job_charged, job_posted
from tests.simulation.inputs import ExpiringCopies, is_dead, is_taken, led_to, sent_of
from tests.simulation.promise import demand
from tests.support.fakes.evolink import CUT_OUT, PRICE, Charge

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_ADMITTED_BEFORE = timedelta(minutes=8)
"""A call follows its admission within the life of a worker, and clocks differ."""
_AROUND_MIDNIGHT = timedelta(minutes=8)
"""Clocks differ by up to five minutes, and a call follows its admission."""
_ACCEPTABLE = (CUT_OUT, b"webp 600 400 0 255")


class Money:
    """The checks of one run, and what they remember of it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.world = evidence.world
        self._posts_seen = 0
        self._charges_seen = 0
        self._first_posts: dict[str, datetime] = {}
        self._given_up: dict[str, datetime] = {}
        self._limits: list[tuple[datetime, int]] = []

    def check_always(self) -> None:
        self._note_limits()
        holding = {_holder(job) for job in self.world.jobs.jobs.values() if job.state in HOLDING}
        held = {name for shard in self.world.jobs.shards.values() for name in shard.holders}
        text = f"at the gate and in no job: {held - holding}; the other way: {holding - held}"
        demand(self.evidence, holding == held, 6, text)
        posts = self.world.evolink.posts
        for key, body in posts[self._posts_seen :]:
            self._check_post(key, body)
        self._posts_seen = len(posts)
        charges = self.world.evolink.charges
        for charge in charges[self._charges_seen :]:
            self._check_running(charge)
            self._check_asked(charge)
        self._charges_seen = len(charges)

    def check_write(self, job: Job) -> None:
        if job.state.is_settled:
            self._given_up[job.id] = self.world.evolink.clock.now()

    def check_at_end(self) -> None:
        self._check_charges()
        self._check_days()
        self._check_purchases()

    def _note_limits(self) -> None:
        gate = self.world.jobs.gate
        most = ((gate.limits if gate else None) or self.world.limits).max_in_flight
        if not self._limits or self._limits[-1][1] != most:
            self._limits.append((self.world.evolink.clock.now(), most))

    # Promise 6: from the provider's side

    def _check_running(self, new: Charge) -> None:
        """No more photos at the provider than the limits allowed since the oldest was let in.

        A job that was given up has left its slot, whatever the provider still does; and a repeat
        that was charged as well is counted as a possible double charge, not as another photo.
        """
        by_key: dict[str, list[Charge]] = defaultdict(list)
        for charge in self.world.evolink.charges:
            if self._given_up.get(job_charged(charge), _LONG_AGO) < charge.at:
                by_key[charge.key].append(charge)
        tasks = self.world.evolink.tasks
        running = {
            job_charged(charges[0]): self._admitted_at(charges[0])
            for key, charges in by_key.items()
            if all(tasks[charge.task_id].status is TaskStatus.RUNNING for charge in charges)
        }
        since = min(running.values(), default=new.at) - _ADMITTED_BEFORE
        begun = [at for at, _most in self._limits]
        most = max(
            most
            for (_at, most), ended in zip(self._limits, [*begun[1:], None], strict=True)
            if ended is None or ended >= since
        )
        demand(self.evidence, len(running) <= most, 6, f"{len(running)} tasks run, {most} may")

    def _admitted_at(self, charge: Charge) -> datetime:
        """When the job took its slot: the first call may never have been sent, a repeat be late."""
        job = self.evidence.row(job_charged(charge))
        began = [a.started_at for a in job.attempts if a.idempotency_key == charge.key]
        return min([self._first_posts[charge.key], *began])

    def _check_days(self) -> None:
        """Each UTC day's charges are within the cap.

        Around midnight the clocks of workers differ: there two days together take two caps.
        """
        times = [charge.at for charge in self.world.evolink.charges if self._is_known(charge)]
        posts = self.world.evolink.posts
        repeat_calls = len(posts) - len({key for key, _body in posts})
        allowed = self.world.limits.daily_credit_cap + repeat_calls * PRICE + self._unforeseen()
        days = {at.date() for at in times}
        for day in days:
            within = sum(at.date() == day and not _is_near_midnight(at) for at in times)
            text = f"{within * PRICE} credits on {day}, {allowed} may be"
            demand(self.evidence, within * PRICE <= allowed, 6, text)
        text = f"{len(times) * PRICE} credits on {len(days)} days, {allowed} a day may be"
        demand(self.evidence, len(times) * PRICE <= allowed * len(days), 6, text)

    def _is_known(self, charge: Charge) -> bool:
        """The credits are as expected; if the provider reports odd prices, that is recorded."""
        task = self.world.evolink.tasks[charge.task_id]
        if not self.evidence.has_odd_prices:
            return task.status is not TaskStatus.FAILED
        return task.credits_used is not None and task.credits_used >= PRICE

    def _unforeseen(self) -> Decimal:
        """The most tasks in flight: while a task runs, its price may be reported too low."""
        if not self.evidence.has_odd_prices:
            return Decimal(0)
        return max(most for _at, most in self._limits) * PRICE

    # Promises 3 and 10

    def _check_post(self, key: str, body: str) -> None:
        """A call names what the model takes: the job's own photo, or a copy of it that will last.

        A repeat says what was said before, whatever has become of the photo; but its link lives.
        """
        now = self.world.evolink.clock.now()
        url: str = json.loads(body)["image_urls"][0]
        demand(self.evidence, not is_dead(self.world, url, now), 3, f"{key}: its link is dead")
        if key in self._first_posts:
            return
        self._first_posts[key] = now
        copies = self.world.copies
        name = url.partition("?")[0].removeprefix("https://work.example/")
        if name in self.evidence.copies_lost:
            return
        job = self.evidence.row(job_posted(body))
        data = led_to(self.world, url, now)
        is_gone = data is None and self._is_source_gone(job)
        demand(self.evidence, is_gone or is_taken(data), 3, f"{key}: the call leads to {data!r}")
        if isinstance(copies, ExpiringCopies) and name != url.partition("?")[0]:
            is_lasting = copies.lasts(name, after=PHOTO_LINK_LIFE)
            demand(self.evidence, is_lasting, 3, f"{key}: the copy goes before the link to it")
        is_own = is_gone or data == sent_of(self.evidence.photo_of(job))
        demand(self.evidence, is_own, 4, f"{key}: the call leads to another photo")

    def _is_source_gone(self, job: Job) -> bool:
        return job.id in self.evidence.destroyed or not self.evidence.is_newest(job)

    def _check_asked(self, new: Charge) -> None:
        """Before a person's retry is paid for, each task that may still be had is asked about."""
        job = self.evidence.row(job_charged(new))
        retried = self.evidence.retries.get(job.id, [])
        if not retried:
            return
        read = {task_id for task_id, at in self.world.evolink.reads if at >= retried[-1]}
        for attempt in job.attempts:
            tasks = {attempt.task_id, attempt.named_task} - {None}
            is_open = attempt.is_open and bool(tasks)
            is_earlier = attempt.idempotency_key != new.key and attempt.started_at < retried[-1]
            # An earlier retry asked for the task already, and could not get it.
            was_asked = tasks <= read or attempt.is_asked_again
            is_asked = was_asked or not (is_open and is_earlier)
            text = f"{job.source.key}: of {tasks}, one was not asked about before another"
            demand(self.evidence, is_asked, 10, text)

    def _check_charges(self) -> None:
        """Paid once: every further charge of a job is one that its record counts as possible."""
        by_job: dict[str, list[str]] = defaultdict(list)
        tasks = self.world.evolink.tasks
        for charge in self.world.evolink.charges:
            by_job[job_charged(charge)].append(charge.task_id)
        for job_id, task_ids in by_job.items():
            if self.evidence.is_unclear(self.evidence.row(job_id).source.key):
                continue
            rows = [job for job in self.evidence.rows() if job.id == job_id]
            kept = [task for task in task_ids if tasks[task].status is not TaskStatus.FAILED]
            counted = sum(a.is_possible_double_charge for job in rows for a in job.attempts)
            retries = self.evidence.retries_of(job_id)
            key = rows[-1].source.key
            text = f"{key}: {len(kept)} charges, {counted} counted as possible doubles"
            demand(self.evidence, len(kept) <= 1 + counted + retries, 3, text)
            known = sum(a.outcome is AttemptOutcome.SUCCEEDED for job in rows for a in job.attempts)
            demand(self.evidence, known <= len(kept), 3, f"{key}: a result nobody charged")
        bodies: dict[str, set[str]] = defaultdict(set)
        for key, body in self.world.evolink.posts:
            if not self.evidence.is_unclear(self.evidence.row(job_posted(body)).source.key):
                bodies[key].add(body)
        demand(self.evidence, all(len(b) == 1 for b in bodies.values()), 3, "a key with two bodies")

    def _check_purchases(self) -> None:
        """The same picture is paid for once, unless requested again or the first result failed."""
        if self.world.job_writer.deduplication is None:
            return
        paid_for: Counter[str] = Counter()
        payers: set[str] = set()
        for charge in self.world.evolink.charges:
            task = self.world.evolink.tasks[charge.task_id]
            if task.result_url and self.world.evolink.results[task.result_url].startswith(
                _ACCEPTABLE
            ):
                paid_for[self._picture(charge)] += 1
                payers.add(job_charged(charge))
        allowed: Counter[str] = Counter()
        for job in self.evidence.rows():
            if job.photo is not None:
                allowed[job.photo.sha256] += self._reasons_to_buy_again(job, job.id in payers)
        for picture, times in paid_for.items():
            most = 1 + allowed[picture] + self.evidence.kept_lost[picture]
            text = f"one picture was paid for {times} times; {most} may be"
            demand(self.evidence, times <= most, 3, text)

    def _reasons_to_buy_again(self, job: Job, has_paid: bool) -> int:  # noqa: FBT001
        """Return how many times a job may pay for its picture, besides the first."""
        states = {step.state for step in job.history}
        # A result whose workers were killed again and again is stored for a person, undecoded.
        is_unchecked = any(step.reason is Reason.RESULT_UNCHECKED for step in job.history)
        ended_without_it = State.FAILED in states or State.STORING not in states or is_unchecked
        doubles = sum(attempt.is_possible_double_charge for attempt in job.attempts)
        bypass_cache = self.evidence.is_fresh(job)
        # A deletion removes the cached result, where that is set.
        deletion = self.evidence.deleted.get(job.source.key)
        is_removed = self.world.settlement_effects.removals is not None and (
            job.id in self.evidence.destroyed
            or (deletion is not None and deletion.order > job.source.order)
        )
        reasons = (bypass_cache, has_paid and (ended_without_it or is_removed))
        return sum(reasons) + doubles + self.evidence.retries_of(job.id)

    def _picture(self, charge: Charge) -> str:
        # A late event after its job has expired makes another job, without a photo.
        rows = (job for job in self.evidence.rows() if job.id == job_charged(charge))
        return next((job.photo.sha256 for job in rows if job.photo), "")


def _holder(job: Job) -> str | None:
    """Return the name under which a job's newest attempt holds its slot."""
    attempt = job.attempt
    return holder(job.id, attempt.number, attempt.started_at) if attempt else None


def _is_near_midnight(at: datetime) -> bool:
    """Return whether a time is so near to midnight that it may count for the other day."""
    return (at - _AROUND_MIDNIGHT).date() != at.date() or (
        at + _AROUND_MIDNIGHT
    ).date() != at.date()
