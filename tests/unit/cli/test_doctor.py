"""`cutout doctor`: every finding, by breaking one thing at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cutout.cli.aws.deployment import Balance
from cutout.cli.commands.doctor import CHECKS
from cutout.cli.doctor.finding import Finding, Patient, Severity, examine, ok
from cutout.cli.output.dashboard.definition import Series
from cutout.domain.errors import NotSentError
from cutout.domain.gate import PauseReason
from cutout.domain.states import State
from tests.support.cli.jobs import make_job
from tests.support.cli.world import World
from tests.support.fakes.deployment import (
    KEY,
    NOON,
    OUTPUTS,
    FakeDeployment,
    a_function,
    arn,
    queue,
)

Break = Callable[[FakeDeployment], object]
MINUTE = timedelta(minutes=1)


def _found(deployment: FakeDeployment, check: str) -> list[Finding]:
    patient = Patient(deployment=deployment, now=NOON, checkout=None)
    return list(CHECKS[check](patient))


def _status(word: str) -> Break:
    def act(it: FakeDeployment) -> None:
        assert it.described is not None
        it.described = replace(it.described, status=word)

    return act


def _without_output(name: str) -> Break:
    def act(it: FakeDeployment) -> None:
        assert it.described is not None
        outputs = {key: value for key, value in OUTPUTS.items() if key != name}
        it.described = replace(it.described, outputs=outputs)

    return act


def _set(name: str, value: object) -> Break:
    return lambda it: setattr(it, name, value)


def _change(name: str, **facts: object) -> Break:
    """Change facts of the first of a list."""

    def act(it: FakeDeployment) -> None:
        first, *rest = getattr(it, name)
        setattr(it, name, [replace(first, **facts), *rest])

    return act


def _knows(**environment: str | None) -> Break:
    """Change what Submit is told."""

    def act(it: FakeDeployment) -> None:
        submit, *rest = it.found
        knows = {**submit.environment, **environment}
        kept = {key: value for key, value in knows.items() if value is not None}
        it.found = [replace(submit, environment=kept), *rest]

    return act


def _drop_function(service: str) -> Break:
    def act(it: FakeDeployment) -> None:
        it.found = [one for one in it.found if one.service != service]

    return act


def _pause(reason: PauseReason) -> Break:
    def act(it: FakeDeployment) -> None:
        it.stands = it.stands.pausing(reason, NOON - MINUTE, NOON + 10 * MINUTE)

    return act


def _spend(credits_: int) -> Break:
    def act(it: FakeDeployment) -> None:
        it.stands = replace(it.stands, day=NOON.date(), spent=Decimal(credits_))

    return act


def _refuse(count: int) -> Break:
    """Let so many callbacks be refused, a minute apart."""
    values = [(NOON - number * MINUTE, 1.0) for number in range(count)]
    return _set("stored", lambda _series: values)


def _silent(it: FakeDeployment) -> None:
    it.is_announcing = False


def _keys(*patterns: dict[str, str]) -> dict[str, object]:
    """The pattern of a rule that watches these keys of the bucket."""
    return {"detail": {"bucket": {"name": ["the-uploads"]}, "object": {"key": list(patterns)}}}


PROBLEM, NOTE = Severity.PROBLEM, Severity.NOTE
BROKEN: list[tuple[str, Break, Severity, str]] = [
    ("stack", _set("described", None), PROBLEM, "there is no stack Cutout"),
    ("stack", _status("UPDATE_IN_PROGRESS"), NOTE, "a deployment is under way"),
    ("stack", _status("UPDATE_ROLLBACK_COMPLETE"), NOTE, "was taken back"),
    ("stack", _status("ROLLBACK_COMPLETE"), PROBLEM, "is ROLLBACK_COMPLETE"),
    ("stack", _status("UPDATE_ROLLBACK_FAILED"), PROBLEM, "is UPDATE_ROLLBACK_FAILED"),
    ("stack", _without_output("JobsTableName"), PROBLEM, "has no output JobsTableName"),
    ("version", _without_output("Version"), NOTE, "does not say its version"),
    ("API key", _drop_function("submit"), PROBLEM, "no function submit"),
    ("API key", _set("secrets", {}), PROBLEM, "no API key is in the secret"),
    ("API key", _set("secrets", {"Cutout/evolink-api-key": "not-set"}), PROBLEM, "no API key"),
    ("API key", _set("secrets", {"Cutout/evolink-api-key": " \n"}), PROBLEM, "no API key"),
    ("API key", _set("account", Balance(status=401, says="bad")), PROBLEM, "refuses the key: bad"),
    ("API key", _set("account", Balance(status=403, says="no")), PROBLEM, "refuses the key"),
    ("API key", _set("account", Balance(status=403)), NOTE, "answers 403"),
    (
        "API key",
        _set("secrets", {"Cutout/evolink-api-key": "sk-\N{ZERO WIDTH SPACE}1"}),
        PROBLEM,
        "the API key holds ZERO WIDTH SPACE, U+200B (character 4)",
    ),
    (
        "API key",
        _set("secrets", {"Cutout/evolink-api-key": '{"key": "sk-1"}'}),
        PROBLEM,
        "holds JSON",
    ),
    ("API key", _set("account", Balance(status=402)), PROBLEM, "out of credits"),
    ("API key", _set("account", Balance(status=503)), NOTE, "answers 503"),
    ("API key", _set("account", Balance(status=None, says="no name")), NOTE, "cannot be reached"),
    ("API key", _set("account", Balance(status=200, credits=5.3)), PROBLEM, "for about 0 photos"),
    ("API key", _set("account", Balance(status=200, credits=54)), NOTE, "for about 10 photos"),
    ("signing key", _set("secrets", {}), PROBLEM, "no key is in the secret"),
    ("signing key", _drop_function("submit"), PROBLEM, "no key is in the secret"),
    (
        "signing key",
        _set("secrets", {"Cutout/callback-signing-key": "short"}),
        PROBLEM,
        "has only 5 characters",
    ),
    ("callbacks", _knows(CUTOUT_CALLBACK_URL=None), NOTE, "callbacks are off"),
    ("callbacks", _without_output("CallbackUrl"), PROBLEM, "names no callback URL"),
    ("callbacks", _set("door", 202), PROBLEM, "takes a forged token (202)"),
    ("callbacks", _set("door", 404), PROBLEM, "leads elsewhere (404)"),
    ("callbacks", _set("door", 502), PROBLEM, "answers 502"),
    ("callbacks", _set("door", NotSentError("ConnectError")), PROBLEM, "ConnectError"),
    ("callbacks", _refuse(21), NOTE, "21 callbacks refused within the last 1 h"),
    ("uploads", _without_output("UploadsBucketName"), PROBLEM, "names no uploads bucket"),
    ("uploads", _silent, PROBLEM, "EventBridge does not hear"),
    (
        "uploads",
        _set("ungranted", {"the-uploads": "arn:aws:kms:eu-west-1:1:key/a"}),
        PROBLEM,
        "the-uploads is encrypted with arn:aws:kms:eu-west-1:1:key/a",
    ),
    ("uploads", _set("all_rules", []), PROBLEM, "no rule sends uploads"),
    ("uploads", _change("all_rules", targets=[arn("Other")]), PROBLEM, "no rule sends uploads"),
    ("uploads", _change("all_rules", pattern={}), PROBLEM, "is not about the-uploads"),
    ("uploads", _change("all_rules", is_enabled=False), PROBLEM, "the rule for uploads is off"),
    ("uploads", _knows(CUTOUT_UPLOAD_PREFIX="in/"), PROBLEM, "watches 'everything', Submit takes"),
    (
        "uploads",
        _change("all_rules", pattern=_keys({"wildcard": "in/*.jpg"}, {"wildcard": "in/*.JPG"})),
        PROBLEM,
        "watches 'in/', Submit takes ''",
    ),
    ("functions", _drop_function("sweep"), PROBLEM, "there is no function sweep"),
    ("functions", _change("found", state="Failed"), PROBLEM, "submit is Failed"),
    ("functions", _change("found", last_update="Failed"), PROBLEM, "its last update Failed"),
    ("triggers", _set("all_feeds", []), PROBLEM, "nobody works off Submissions"),
    ("triggers", _change("all_feeds", state="Disabled"), PROBLEM, "its trigger is Disabled"),
    ("Sweep", _set("all_schedules", []), PROBLEM, "nothing starts Sweep"),
    ("Sweep", _drop_function("sweep"), PROBLEM, "nothing starts Sweep"),
    ("Sweep", _change("all_schedules", is_enabled=False), PROBLEM, "the schedule of Sweep is off"),
    (
        "Sweep",
        _set("metrics", {"Invocations": (NOON - 20 * MINUTE, 1.0)}),
        PROBLEM,
        "last came 20 min ago",
    ),
    ("Sweep", _set("metrics", {}), NOTE, "has not come"),
    ("queues", _set("letters", {"CallbacksDead": [None]}), PROBLEM, "1 dead letter in Callbacks"),
    ("queues", _set("letters", {"Undeliverable": [None]}), PROBLEM, "1 dead letter in Undeliv"),
    ("gate", _pause(PauseReason.KEY_REFUSED), PROBLEM, "paused 1 min ago"),
    ("gate", _pause(PauseReason.OUT_OF_CREDITS), PROBLEM, "paused 1 min ago"),
    ("gate", _pause(PauseReason.RATE_LIMITED), NOTE, "paused 1 min ago"),
    ("gate", _pause(PauseReason.OPERATOR), NOTE, "paused 1 min ago"),
    ("gate", _spend(4000), NOTE, "the day's cap is nearly used up"),
    ("alarms", _change("all_alarms", state="ALARM"), PROBLEM, "SweepErrors: Sweep failed."),
    ("alarms", _set("all_alarms", []), PROBLEM, "there are no alarms"),
    ("alarms", _set("told", {}), NOTE, "nobody is told of alarms"),
    ("alarms", _set("told", {"me@x.y": False}), NOTE, "me@x.y has not confirmed"),
    ("clock", _set("aws_time", NOON + 45 * MINUTE / 60), NOTE, "clock is 45 s off"),
    ("clock", _set("aws_time", NOON - 5 * MINUTE), PROBLEM, "clock is 5 min off"),
]


def test_of_a_healthy_deployment_nothing_is_wrong(world: World) -> None:
    """A line a check, and the exit status is 0."""
    told = world.run("doctor")
    assert told.exit_code == 0
    assert "no problems, no notes." in told.stderr
    lines = told.stdout.splitlines()
    assert {line[0] for line in lines} == {"✓"}
    assert [name for name in CHECKS if not any(line[2:].startswith(name) for line in lines)] == []


@pytest.mark.parametrize(("check", "breaks", "severity", "says"), BROKEN)
def test_what_is_broken_is_found_and_what_to_do_is_told(
    check: str, breaks: Break, severity: Severity, says: str
) -> None:
    """Before it, nothing is found; with it, this is, with advice unless there is nothing to do."""
    deployment = FakeDeployment()
    assert {one.severity for one in _found(deployment, check)} == {Severity.OK}
    breaks(deployment)
    found = [one for one in _found(deployment, check) if one.severity is not Severity.OK]
    assert (severity, True) in [(one.severity, says in one.says) for one in found]
    assert [one for one in found if one.severity is PROBLEM and not one.do] == []


def test_a_job_that_is_overdue_is_named() -> None:
    """With the command that tells its history."""
    late = replace(make_job("a.jpg", state=State.PROCESSING), due_at=NOON - 16 * MINUTE)
    [found] = _found(FakeDeployment(late=late), "jobs")
    assert found.severity is PROBLEM
    assert found.says == "a.jpg is processing and overdue for 16 min"
    assert f"`cutout show {late.id}`" in found.do
    [found] = _found(FakeDeployment(late=replace(late, due_at=NOON - MINUTE)), "jobs")
    assert found == ok("no job is overdue")


def test_an_old_message_is_a_problem_while_it_is_there() -> None:
    """The age is CloudWatch's, which goes on telling of a queue that is empty by now."""
    ages = {"ApproximateAgeOfOldestMessage": (NOON - MINUTE, 3600.0)}
    full = [queue("Submissions", "SubmissionsDead", visible=3), queue("SubmissionsDead")]
    found = _found(FakeDeployment(metrics=ages, all_queues=full), "queues")
    assert [one.severity for one in found if "the oldest for 1 h" in one.says] == [PROBLEM]
    found = _found(FakeDeployment(metrics=ages), "queues")
    assert {one.severity for one in found} == {Severity.OK}


def test_a_queue_that_somebody_adds_is_looked_at_too() -> None:
    """What is looked at follows from what is deployed."""
    deployment = FakeDeployment()
    deployment.all_queues += [queue("Preparations", "PreparationsDead"), queue("PreparationsDead")]
    deployment.letters = {"PreparationsDead": [None, None]}  # type: ignore[list-item] # counted
    assert "nobody works off Preparations" in [one.says for one in _found(deployment, "triggers")]
    found = _found(deployment, "queues")
    assert "2 dead letters in PreparationsDead" in [one.says for one in found]


def test_the_key_is_tried_at_the_address_that_submit_calls() -> None:
    """Nothing around it, as the functions send it."""
    deployment = FakeDeployment()
    deployment.secrets["Cutout/evolink-api-key"] = f" {KEY}\n"
    _found(deployment, "API key")
    assert deployment.asked == [("https://api.example", KEY)]


def test_the_forged_token_has_the_form_of_a_real_one() -> None:
    """Or it would be refused for its form, and say nothing of the signature."""
    deployment = FakeDeployment()
    _found(deployment, "callbacks")
    [url] = deployment.knocked
    job, attempt, signature = url.rpartition("/")[2].split(".")
    assert (len(job), attempt, len(signature)) == (32, "1", 43)


def test_a_few_forged_callbacks_are_told_and_no_more() -> None:
    """Scanners find every address; what counts is read from the series of this deployment."""
    asked: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []

    def stored(series: Series) -> list[tuple[datetime, float]]:
        asked.append((series.metric, series.statistic, series.dimensions))
        return [(NOON - MINUTE, 19.0), (NOON, 1.0)]

    found = _found(FakeDeployment(stored=stored), "callbacks")
    assert ok("20 callbacks refused within the last 1 h") in found
    dimensions = (("service", "cutout"), ("stack", "Cutout"))
    assert asked == [("CallbacksRefused", "Sum", dimensions)]


@pytest.mark.parametrize(("here", "severity"), [("11111111", "ok"), ("22222222", "note")])
def test_the_checkout_is_compared_with_what_is_deployed(
    tmp_path: Path, here: str, severity: str
) -> None:
    """The checkout says itself what version it is."""
    source = f"def version_of(root):\n    assert root.name\n    return '0.1.0+{here}'\n"
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "version.py").write_text(source)
    patient = Patient(deployment=FakeDeployment(), now=NOON, checkout=tmp_path)
    [found] = CHECKS["version"](patient)
    assert (found.severity, here in found.says) == (severity, True)


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Any")
AWAY = EndpointConnectionError(endpoint_url="https://sqs.example")


@pytest.mark.parametrize("error", [DENIED, AWAY, ZeroDivisionError("ours")])
def test_what_cannot_be_looked_at_is_a_finding_and_the_others_go_on(
    world: World, error: Exception
) -> None:
    """A broken stack is what it is for: no traceback, whatever breaks."""
    world.deployment.fails = {"queues": error, "functions": error}
    told = world.run("doctor", "--json")
    assert told.exit_code == 1
    found = json.loads(told.stdout)["findings"]
    failed = {one["check"] for one in found if one["says"].startswith("cannot be looked at")}
    assert failed == {"queues", "triggers", "functions", "Sweep", *_asking_functions()}
    assert all(one["do"] for one in found if one["severity"] == "problem")
    assert {"stack", "gate", "alarms", "clock"} <= {
        one["check"] for one in found if one["severity"] == "ok"
    }


def test_what_hinders_many_checks_is_told_once(world: World) -> None:
    """Without credentials, say: who reads fourteen times the same looks for fourteen causes."""
    world.deployment.fails = {"queues": AWAY, "functions": AWAY}
    told = world.run("doctor")
    assert told.stdout.count("AWS cannot be reached") == told.stdout.count("Check the network") == 1
    assert told.stdout.count("cannot be looked at, for the same reason") == 7


def _asking_functions() -> set[str]:
    return {"API key", "signing key", "callbacks", "uploads"}


def test_where_there_is_no_stack_every_check_says_something(world: World) -> None:
    """Before the first deployment, too."""
    world.deployment.described = None
    world.deployment.found = []
    told = world.run("doctor")
    assert told.exit_code == 1
    assert "there is no stack Cutout on a made-up account" in told.stdout
    assert "Traceback" not in told.stdout + told.stderr


def test_a_check_that_never_ends_is_given_up_and_the_others_are_told() -> None:
    """Nothing hangs because something hangs."""
    patient = Patient(deployment=FakeDeployment(), now=NOON, checkout=None)
    for_ever = threading.Event()

    def hang(_patient: Patient) -> Iterator[Finding]:
        for_ever.wait()
        yield ok("never")

    def fine(_patient: Patient) -> Iterator[Finding]:
        yield ok("fine")

    try:
        found = list(examine(patient, {"hangs": hang, "fine": fine}, timeout_seconds=0.05))
    finally:
        for_ever.set()
    assert [one.check for one in found] == ["hangs", "fine"]
    assert found[0].findings[0].says == "no answer within 0.05 s"
    assert found[1].findings == [ok("fine")]


def test_checks_run_at_the_same_time() -> None:
    """Each waits for the others: one after the other, they would wait for ever."""
    patient = Patient(deployment=FakeDeployment(), now=NOON, checkout=None)
    together = threading.Barrier(3, timeout=10)

    def check(_patient: Patient) -> Iterator[Finding]:
        together.wait()
        yield ok("met")

    found = list(examine(patient, dict.fromkeys("abc", check), timeout_seconds=20))
    assert [one.findings for one in found] == [[ok("met")]] * 3


def test_programs_get_findings_and_their_count(world: World) -> None:
    """Severities by their words."""
    world.deployment.door = 502
    world.deployment.told = {}
    told = world.run("doctor", "--json")
    answer = json.loads(told.stdout)
    assert (told.exit_code, answer["problems"], answer["notes"]) == (1, 1, 1)
    [wrong] = [one for one in answer["findings"] if one["severity"] == "problem"]
    assert wrong["check"] == "callbacks"
    assert set(wrong) == {"check", "severity", "says", "do"}


def test_notes_alone_are_no_failure(world: World) -> None:
    """The exit status is for what is wrong."""
    world.deployment.told = {}
    told = world.run("doctor")
    assert (told.exit_code, "no problems, 1 note." in told.stderr) == (0, True)


def test_no_key_is_ever_printed(world: World) -> None:
    """Neither by a check that is well nor by one that is not."""
    world.deployment.account = Balance(status=401, says="unknown key")
    told = world.run("doctor", "--json")
    assert KEY not in told.output
    assert "ssssssss" not in told.output


def test_what_a_function_is_told_does_not_show_where_it_is_printed() -> None:
    """Its environment is nobody's business, whatever goes wrong."""
    assert "the-value" not in repr(a_function("submit", NAME="the-value"))
