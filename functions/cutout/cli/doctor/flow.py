"""Do photos flow: do uploads arrive, are queues worked off, is the gate open, are alarms quiet?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cutout.cli.dead_letters import dead_letter_queues
from cutout.cli.doctor.finding import note, ok, problem
from cutout.cli.doctor.parts import service
from cutout.cli.output.describe import counted, duration
from cutout.cli.output.gate_text import gate_as_json, gate_in_words, what_to_do
from cutout.domain.gate import PauseReason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cutout.cli.aws.deployment import Deployment, QueueFact, RuleFact
    from cutout.cli.doctor.finding import Finding, Patient

_OLD_SECONDS = 900
_NEARLY = 0.8
_OVERDUE = timedelta(minutes=15)
_MILD = frozenset({PauseReason.OPERATOR, PauseReason.RATE_LIMITED})


def uploads(patient: Patient) -> Iterator[Finding]:
    """What happens in the bucket reaches the submissions queue."""
    here = patient.deployment
    described = here.description()
    outputs = described.outputs if described else {}
    bucket, queue = outputs.get("UploadsBucketName"), outputs.get("SubmissionsQueueUrl")
    if bucket is None or queue is None:
        yield problem("the stack names no uploads bucket or no submissions queue", "Deploy again.")
        return
    if not here.announces(bucket):
        do = f"Switch EventBridge on for {bucket} (Properties, Event notifications)."
        yield problem(f"EventBridge does not hear of uploads to {bucket}", do)
    yield from _locked(here, outputs)
    submit = service(here.functions(), "submit")
    prefix = submit.environment.get("CUTOUT_UPLOAD_PREFIX", "") if submit else ""
    yield _wired(here.rules(), bucket, queue.rpartition("/")[2], prefix)


def _locked(here: Deployment, outputs: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("uploads", "results"):
        bucket = outputs.get(f"{name.capitalize()}BucketName")
        key = here.ungranted_key(bucket) if bucket else None
        if key is not None:
            do = f"Deploy with `-c {name}_kms_key=ARN`, the ARN of that key."
            yield problem(f"{bucket} is encrypted with {key}, which the functions may not use", do)


def _wired(rules: Sequence[RuleFact], bucket: str, queue: str, prefix: str) -> Finding:
    to_queue = [one for one in rules if any(arn.endswith(f":{queue}") for arn in one.targets)]
    matching = [one for one in to_queue if _is_about(one.pattern, bucket)]
    if not to_queue:
        return problem("no rule sends uploads to the submissions queue", "Deploy again.")
    if not matching:
        return problem(f"the rule for uploads is not about {bucket}", "Deploy again.")
    if not any(one.is_enabled for one in matching):
        do = f"`aws events enable-rule --name {matching[0].name}`, then `cutout audit --fix`."
        return problem("the rule for uploads is off: they are not taken note of", do)
    watched = {_prefix(one.pattern) for one in matching if one.is_enabled}
    if prefix not in watched:
        said = f"the rule watches {watched.pop() or 'everything'!r}, Submit takes {prefix!r}"
        return problem(said, "Deploy again.")
    return ok(f"uploads to {bucket}/{prefix} reach the submissions queue")


def _is_about(pattern: Mapping[str, object], bucket: str) -> bool:
    detail: Any = pattern.get("detail", {})
    return bucket in detail.get("bucket", {}).get("name", ())


def _prefix(pattern: Mapping[str, object]) -> str:
    """What the watched keys begin with: a wildcard stands between a prefix and a suffix."""
    detail: Any = pattern.get("detail", {})
    for one in detail.get("object", {}).get("key", ()):
        if "prefix" in one:
            return str(one["prefix"])
        if "wildcard" in one:
            return str(one["wildcard"]).partition("*")[0].replace("\\\\", "\\")
    return ""


def queues(patient: Patient) -> Iterator[Finding]:
    """No dead letters, and nothing that waits for long."""
    here = patient.deployment
    found = here.queues()
    dead = [one.queue for one in dead_letter_queues(here)]
    for queue in dead:
        if queue.count:
            do = "`cutout redrive` shows what they are and sends them back."
            yield problem(f"{counted(queue.count, 'dead letter')} in {queue.title}", do)
    if dead and not any(queue.count for queue in dead):
        yield ok(f"no dead letters in {', '.join(queue.title for queue in dead)}")
    for queue in found:
        if queue.arn not in {one.arn for one in dead}:
            yield _age(patient, queue)


def _age(patient: Patient, queue: QueueFact) -> Finding:
    told = patient.deployment.latest(
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        statistic="Maximum",
        of=("QueueName", queue.name),
        within=timedelta(minutes=10),
    )
    held = f"{queue.title}: {queue.visible} messages wait, {queue.in_flight} are being handled"
    if queue.count and told and told[1] > _OLD_SECONDS:
        do = "See the triggers above and the log of its function."
        return problem(f"{held}, the oldest for {duration(timedelta(seconds=told[1]))}", do)
    return ok(held)


def gate(patient: Patient) -> Iterator[Finding]:
    """Limits, what is used of them, and whether intake is paused."""
    stands = patient.deployment.gate()
    told = gate_as_json(stands, patient.now)
    said = gate_in_words(stands, patient.now).splitlines()
    if stands.pause is not None and stands.is_paused(patient.now):
        found = note if stands.pause.reason in _MILD else problem
        yield found(f"intake is {said[1].partition(':')[0]}", what_to_do(stands.pause.reason))
    if told["credits_today"] >= _NEARLY * told["daily_credit_cap"]:
        do = "At the cap, photos wait for the next day; `cutout limits` raises it."
        yield note(f"{said[0]}: the day's cap is nearly used up", do)
    else:
        yield ok(said[0])
    if stands.deployed is None:
        yield note(
            "Sweep has not been at the gate yet", "It comes within a minute of a deployment."
        )


def jobs(patient: Patient) -> Iterator[Finding]:
    """Nothing that is due is left lying."""
    late = patient.deployment.overdue(_OVERDUE)
    if late is None or late.due_at is None:
        yield ok("no job is overdue")
        return
    ago = duration(patient.now - late.due_at)
    do = f"`cutout show {late.id}`; see the triggers, function errors and Sweep."
    yield problem(f"{late.source.key} is {late.state} and overdue for {ago}", do)


def alarms(patient: Patient) -> Iterator[Finding]:
    """Which alarms have gone off, and whether anybody hears them."""
    found = patient.deployment.alarms()
    for one in found:
        if one.state == "ALARM":
            says, _, runbook = one.description.partition(" Runbook: ")
            yield problem(f"{one.name}: {says}", f"See {runbook}.")
    if found and not any(one.state == "ALARM" for one in found):
        yield ok(f"none of {len(found)} alarms has gone off")
    if not found:
        yield problem("there are no alarms", "Deploy again.")
    for topic in sorted({topic for one in found for topic in one.topics}):
        told = patient.deployment.listeners(topic)
        if not any(told.values()):
            waits = f"; {', '.join(told)} has not confirmed" if told else ""
            do = '`make deploy ARGS="-c alarm_email=you@example.com"`, and confirm the mail.'
            yield note(f"nobody is told of alarms{waits}", do)
