"""Checks of the flow of photos: uploads, queues, the gate, overdue jobs, alarms."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from cutout.cli.aws.stack_resources import EventRule, Queue, StackResources
from cutout.cli.dead_letters import dead_letter_queues
from cutout.cli.doctor.check import CheckResult, Checkup, note, ok, problem
from cutout.cli.output.dashboard.definition import Series
from cutout.cli.output.gate_text import gate_as_json, gate_in_words, what_to_do
from cutout.cli.output.units import counted, duration
from cutout.domain.function_settings import variable
from cutout.domain.gate.pauses_and_slots import PauseReason

_OLD_SECONDS = 900
_LOOK_BACK = timedelta(minutes=10)
_NEARLY = 0.8
_OVERDUE = timedelta(minutes=15)
_MILD = frozenset({PauseReason.OPERATOR, PauseReason.RATE_LIMITED})


def uploads(checkup: Checkup) -> Iterator[CheckResult]:
    """Events of the uploads bucket reach the submissions queue."""
    here = checkup.stack.resources
    outputs = here.outputs()
    bucket, queue = outputs.get("UploadsBucketName"), outputs.get("SubmissionsQueueUrl")
    if bucket is None or queue is None:
        yield problem(
            "the stack has no output for the uploads bucket or the submissions queue",
            "Deploy again.",
        )
        return
    if not here.sends_events(bucket):
        advice = f"Switch EventBridge on for {bucket} (Properties, Event notifications)."
        yield problem(f"{bucket} does not send its events to EventBridge", advice)
    yield from _ungranted_keys(here, outputs)
    submit = here.function("submit")
    prefix = submit.environment.get(variable("upload_prefix"), "") if submit else ""
    yield _routed(here.event_rules(), bucket, queue.rpartition("/")[2], prefix)


def _ungranted_keys(here: StackResources, outputs: Mapping[str, str]) -> Iterator[CheckResult]:
    for name in ("uploads", "results"):
        bucket = outputs.get(f"{name.capitalize()}BucketName")
        key = here.ungranted_key(bucket) if bucket else None
        if key is not None:
            advice = f"Deploy with `-c {name}_kms_key=ARN`, the ARN of that key."
            yield problem(
                f"{bucket} is encrypted with {key}, which the functions may not use", advice
            )


def _routed(rules: Iterable[EventRule], bucket: str, queue: str, prefix: str) -> CheckResult:
    to_queue = [one for one in rules if any(arn.endswith(f":{queue}") for arn in one.targets)]
    matching = [one for one in to_queue if _is_about(one.pattern, bucket)]
    if not to_queue:
        return problem("no rule sends uploads to the submissions queue", "Deploy again.")
    if not matching:
        return problem(f"the rule for uploads does not match {bucket}", "Deploy again.")
    if not any(one.is_enabled for one in matching):
        advice = f"`aws events enable-rule --name {matching[0].name}`, then `cutout audit --fix`."
        return problem("the rule for uploads is off: uploads are not processed", advice)
    watched = {_prefix(one.pattern) for one in matching if one.is_enabled}
    if prefix not in watched:
        rule = watched.pop() or "everything"
        return problem(f"the rule watches {rule!r}, Submit watches {prefix!r}", "Deploy again.")
    return ok(f"uploads to {bucket}/{prefix} reach the submissions queue")


def _is_about(pattern: Mapping[str, object], bucket: str) -> bool:
    detail: Any = pattern.get("detail", {})
    return bucket in detail.get("bucket", {}).get("name", ())


def _prefix(pattern: Mapping[str, object]) -> str:
    """Return the prefix of the keys; in a pattern with a suffix, a wildcard ends the prefix."""
    detail: Any = pattern.get("detail", {})
    for one in detail.get("object", {}).get("key", ()):
        if "prefix" in one:
            return str(one["prefix"])
        # No pattern takes a prefix and a suffix together. In a wildcard, a backslash escapes.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
        if "wildcard" in one:
            return str(one["wildcard"]).partition("*")[0].replace("\\\\", "\\")
    return ""


def queues(checkup: Checkup) -> Iterator[CheckResult]:
    """There are no dead letters and no old messages."""
    here = checkup.stack.resources
    found = here.queues()
    dead = [one.queue for one in dead_letter_queues(here)]
    for queue in dead:
        if queue.count:
            advice = "`cutout redrive` lists them and sends them back."
            yield problem(f"{counted(queue.count, 'dead letter')} in {queue.title}", advice)
    if dead and not any(queue.count for queue in dead):
        yield ok(f"no dead letters in {', '.join(queue.title for queue in dead)}")
    for queue in found:
        if queue.arn not in {one.arn for one in dead}:
            yield _age(checkup, queue)


def _age(checkup: Checkup, queue: Queue) -> CheckResult:
    age_of_oldest = Series(
        namespace="AWS/SQS",
        metric="ApproximateAgeOfOldestMessage",
        dimensions=(("QueueName", queue.name),),
        statistic="Maximum",
        period=60,
    )
    start, end = checkup.now - _LOOK_BACK, checkup.now
    oldest = checkup.stack.resources.latest_value(age_of_oldest, start, end)
    waiting = counted(queue.visible, "message")
    message = f"{queue.title}: {waiting} waiting, {queue.in_flight} being processed"
    # The metric is minutes old: the queue may have been emptied since.
    if queue.count and oldest and oldest[1] > _OLD_SECONDS:
        age = duration(timedelta(seconds=oldest[1]))
        advice = "See the triggers above and the log of its function."
        return problem(f"{message}, the oldest for {age}", advice)
    return ok(message)


def gate(checkup: Checkup) -> Iterator[CheckResult]:
    """The gate is open, and the daily cap is not nearly reached."""
    gate = checkup.stack.jobs.read_gate()
    facts = gate_as_json(gate, checkup.now)
    usage = gate_in_words(gate, checkup.now).splitlines()
    if gate.pause is not None and gate.is_paused(checkup.now):
        result = note if gate.pause.reason in _MILD else problem
        yield result(f"the gate was {usage[-1].partition(':')[0]}", what_to_do(gate.pause.reason))
    if facts["credits_today"] >= _NEARLY * facts["daily_credit_cap"]:
        advice = "At the cap, photos wait for the next day; `cutout limits` raises it."
        yield note(f"{usage[0]}: the daily cap is nearly reached", advice)
    else:
        yield ok(usage[0])
    if gate.deployed is None:
        yield note(
            "Sweep has not set the limits yet", "It does so within a minute of a deployment."
        )


def jobs(checkup: Checkup) -> Iterator[CheckResult]:
    """No job is overdue."""
    # A few are enough: only the first one is shown.
    late = next(iter(checkup.stack.jobs.due(checkup.now - _OVERDUE, limit=10).jobs), None)
    if late is None or late.due_at is None:
        yield ok("no job is overdue")
        return
    ago = duration(checkup.now - late.due_at)
    advice = f"`cutout show {late.id}`; see the triggers, function errors and Sweep."
    yield problem(f"{late.source.key} is {late.state} and overdue for {ago}", advice)


def alarms(checkup: Checkup) -> Iterator[CheckResult]:
    """No alarm has gone off, and somebody is notified of alarms."""
    found = checkup.stack.resources.alarms()
    for one in found:
        if one.state == "ALARM":
            message, _, runbook = one.description.partition(" Runbook: ")
            yield problem(f"{one.name}: {message}", f"See {runbook}.")
    if found and not any(one.state == "ALARM" for one in found):
        yield ok(f"none of {len(found)} alarms has gone off")
    if not found:
        yield problem("there are no alarms", "Deploy again.")
    for topic in sorted({topic for one in found for topic in one.topics}):
        subscribers = checkup.stack.resources.subscribers(topic)
        if not any(subscribers.values()):
            names = ", ".join(subscribers)
            unconfirmed = f"; {names} has not confirmed the subscription" if subscribers else ""
            advice = '`make deploy ARGS="-c alarm_email=you@example.com"`, and confirm the mail.'
            yield note(f"nobody is notified of alarms{unconfirmed}", advice)
