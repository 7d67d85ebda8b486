"""What `cutout doctor` finds in a deployment with one fault, and its advice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cutout.cli.aws.description import Description
from cutout.cli.commands.doctor import CHECKS
from cutout.cli.doctor.check import CheckResult, Checkup, Severity, ok
from cutout.cli.output.dashboard.definition import Series
from cutout.domain.callback_token import verify
from cutout.domain.errors import CallbackRefusedError, NotSentError
from cutout.domain.gate.pauses_and_slots import PauseReason
from cutout.domain.states import State
from cutout.ports.provider_api import Balance
from tests.support.builders import a_shard
from tests.support.cli.clock import NOON
from tests.support.cli.jobs import make_job
from tests.support.cli.stack import FakeStack, healthy_stack
from tests.support.fakes.resources import (
    KEY,
    OUTPUTS,
    arn,
    queue,
)

Break = Callable[[FakeStack], object]
MINUTE = timedelta(minutes=1)


def _found(stack: FakeStack, check: str) -> list[CheckResult]:
    return list(CHECKS[check](Checkup(stack=stack, now=NOON, checkout=None)))


def _status(word: str) -> Break:
    def act(it: FakeStack) -> None:
        it.resources.described = Description(status=word, outputs=OUTPUTS)

    return act


def _without_output(name: str) -> Break:
    def act(it: FakeStack) -> None:
        outputs = {key: value for key, value in OUTPUTS.items() if key != name}
        it.resources.described = Description(status="CREATE_COMPLETE", outputs=outputs)

    return act


def _set(name: str, value: object) -> Break:
    return lambda it: setattr(it.resources, name, value)


def _change(name: str, **facts: object) -> Break:
    """Change facts of the first item of a list."""

    def act(it: FakeStack) -> None:
        first, *rest = getattr(it.resources, name)
        setattr(it.resources, name, [replace(first, **facts), *rest])

    return act


def _answers(account: Balance) -> Break:
    return lambda it: setattr(it.resources.network, "account", account)


def _door(answer: int | NotSentError) -> Break:
    return lambda it: setattr(it.resources.network, "door", answer)


def _knows(**environment: str | None) -> Break:
    return lambda it: it.resources.knows(**environment)


def _drop_function(service: str) -> Break:
    def act(it: FakeStack) -> None:
        found = it.resources.found
        it.resources.found = [one for one in found if one.service != service]

    return act


def _pause(reason: PauseReason) -> Break:
    def act(it: FakeStack) -> None:
        it.table.gate = it.table.read_gate().pausing(reason, NOON - MINUTE, NOON + 10 * MINUTE)

    return act


def _spend(credits_: int) -> Break:
    def act(it: FakeStack) -> None:
        it.table.shards[0] = a_shard(spent=credits_, at=NOON)

    return act


def _refuse(count: int) -> Break:
    """Let this many callbacks be refused, a minute apart."""
    values = [(NOON - number * MINUTE, 1.0) for number in range(count)]
    return _set("stored", lambda _series: values)


def _silent(it: FakeStack) -> None:
    it.resources.is_announcing = False


def _keys(*patterns: dict[str, str]) -> dict[str, object]:
    """The pattern of a rule that matches these keys of the bucket."""
    return {"detail": {"bucket": {"name": ["the-uploads"]}, "object": {"key": list(patterns)}}}


PROBLEM, NOTE = Severity.PROBLEM, Severity.NOTE
BROKEN: list[tuple[str, Break, Severity, str]] = [
    ("stack", _set("described", None), PROBLEM, "there is no stack Cutout"),
    ("stack", _status("UPDATE_IN_PROGRESS"), NOTE, "a deployment is running"),
    ("stack", _status("UPDATE_ROLLBACK_COMPLETE"), NOTE, "was rolled back"),
    ("stack", _status("ROLLBACK_COMPLETE"), PROBLEM, "is ROLLBACK_COMPLETE"),
    ("stack", _status("UPDATE_ROLLBACK_FAILED"), PROBLEM, "is UPDATE_ROLLBACK_FAILED"),
    ("stack", _without_output("JobsTableName"), PROBLEM, "has no output JobsTableName"),
    ("version", _without_output("Version"), NOTE, "has no output Version"),
    ("API key", _drop_function("submit"), PROBLEM, "no function submit"),
    ("API key", _set("secrets", {}), PROBLEM, "holds no API key"),
    ("API key", _set("secrets", {"Cutout/evolink-api-key": "not-set"}), PROBLEM, "no API key"),
    ("API key", _set("secrets", {"Cutout/evolink-api-key": " \n"}), PROBLEM, "no API key"),
    (
        "API key",
        _answers(Balance(server="https://api.example", status=401, message="bad")),
        PROBLEM,
        "refuses the key: bad",
    ),
    (
        "API key",
        _answers(Balance(server="https://api.example", status=403, message="no")),
        PROBLEM,
        "refuses the key",
    ),
    ("API key", _answers(Balance(server="https://api.example", status=403)), NOTE, "answers 403"),
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
    (
        "API key",
        _answers(Balance(server="https://api.example", status=402)),
        PROBLEM,
        "out of credits",
    ),
    ("API key", _answers(Balance(server="https://api.example", status=503)), NOTE, "answers 503"),
    (
        "API key",
        _answers(Balance(server="https://api.example", status=None, message="no name")),
        NOTE,
        "cannot be reached",
    ),
    (
        "API key",
        _answers(Balance(server="https://api.example", status=200, credits=5.3)),
        PROBLEM,
        "for about 0 photos",
    ),
    (
        "API key",
        _answers(Balance(server="https://api.example", status=200, credits=54)),
        NOTE,
        "for about 10 photos",
    ),
    ("signing key", _set("secrets", {}), PROBLEM, "holds no key"),
    ("signing key", _drop_function("submit"), PROBLEM, "holds no key"),
    (
        "signing key",
        _set("secrets", {"Cutout/callback-signing-key": "short"}),
        PROBLEM,
        "has only 5 characters",
    ),
    ("callbacks", _knows(CUTOUT_CALLBACK_URL=None), NOTE, "callbacks are off"),
    ("callbacks", _without_output("CallbackUrl"), PROBLEM, "has no output CallbackUrl"),
    ("callbacks", _door(202), PROBLEM, "accepts a forged token (202)"),
    ("callbacks", _door(404), PROBLEM, "leads elsewhere (404)"),
    ("callbacks", _door(502), PROBLEM, "answers 502"),
    ("callbacks", _door(NotSentError("ConnectError")), PROBLEM, "ConnectError"),
    ("callbacks", _refuse(21), NOTE, "21 callbacks refused within the last 1 h"),
    ("uploads", _without_output("UploadsBucketName"), PROBLEM, "no output for the uploads bucket"),
    ("uploads", _silent, PROBLEM, "does not send its events to EventBridge"),
    (
        "uploads",
        _set("ungranted", {"the-uploads": "arn:aws:kms:eu-west-1:1:key/a"}),
        PROBLEM,
        "the-uploads is encrypted with arn:aws:kms:eu-west-1:1:key/a",
    ),
    ("uploads", _set("all_rules", []), PROBLEM, "no rule sends uploads"),
    ("uploads", _change("all_rules", targets=[arn("Other")]), PROBLEM, "no rule sends uploads"),
    ("uploads", _change("all_rules", pattern={}), PROBLEM, "does not match the-uploads"),
    ("uploads", _change("all_rules", is_enabled=False), PROBLEM, "the rule for uploads is off"),
    (
        "uploads",
        _knows(CUTOUT_UPLOAD_PREFIX="in/"),
        PROBLEM,
        "watches 'everything', Submit watches",
    ),
    (
        "uploads",
        _change("all_rules", pattern=_keys({"wildcard": "in/*.jpg"}, {"wildcard": "in/*.JPG"})),
        PROBLEM,
        "watches 'in/', Submit watches ''",
    ),
    ("functions", _drop_function("sweep"), PROBLEM, "there is no function sweep"),
    ("functions", _change("found", state="Failed"), PROBLEM, "submit is Failed"),
    ("functions", _change("found", last_update="Failed"), PROBLEM, "its last update Failed"),
    ("triggers", _set("all_triggers", []), PROBLEM, "Submissions triggers no function"),
    ("triggers", _change("all_triggers", state="Disabled"), PROBLEM, "its trigger is Disabled"),
    ("Sweep", _set("all_schedules", []), PROBLEM, "no schedule starts Sweep"),
    ("Sweep", _drop_function("sweep"), PROBLEM, "no schedule starts Sweep"),
    ("Sweep", _change("all_schedules", is_enabled=False), PROBLEM, "the schedule of Sweep is off"),
    (
        "Sweep",
        _set("metrics", {"Invocations": (NOON - 20 * MINUTE, 1.0)}),
        PROBLEM,
        "last ran 20 min ago",
    ),
    ("Sweep", _set("metrics", {}), NOTE, "no run of Sweep"),
    ("queues", _set("letters", {"CallbacksDead": [None]}), PROBLEM, "1 dead letter in Callbacks"),
    ("queues", _set("letters", {"Undeliverable": [None]}), PROBLEM, "1 dead letter in Undeliv"),
    ("gate", _pause(PauseReason.KEY_REFUSED), PROBLEM, "paused 1 min ago"),
    ("gate", _pause(PauseReason.OUT_OF_CREDITS), PROBLEM, "paused 1 min ago"),
    ("gate", _pause(PauseReason.RATE_LIMITED), NOTE, "paused 1 min ago"),
    ("gate", _pause(PauseReason.OPERATOR), NOTE, "paused 1 min ago"),
    ("gate", _spend(4000), NOTE, "the daily cap is nearly reached"),
    ("alarms", _change("all_alarms", state="ALARM"), PROBLEM, "SweepErrors: Sweep failed."),
    ("alarms", _set("all_alarms", []), PROBLEM, "there are no alarms"),
    ("alarms", _set("told", {}), NOTE, "nobody is notified of alarms"),
    ("alarms", _set("told", {"me@x.y": False}), NOTE, "me@x.y has not confirmed"),
    ("clock", _set("time", NOON + 45 * MINUTE / 60), NOTE, "clock is 45 s off"),
    ("clock", _set("time", NOON - 5 * MINUTE), PROBLEM, "clock is 5 min off"),
]


@pytest.mark.parametrize(("check", "breaks", "severity", "says"), BROKEN)
def test_each_fault_is_found_with_advice(
    check: str, breaks: Break, severity: Severity, says: str
) -> None:
    """Without the fault, the check finds nothing."""
    stack = healthy_stack()
    assert {one.severity for one in _found(stack, check)} == {Severity.OK}
    breaks(stack)
    found = [one for one in _found(stack, check) if one.severity is not Severity.OK]
    assert (severity, True) in [(one.severity, says in one.message) for one in found]
    assert [one for one in found if one.severity is PROBLEM and not one.advice] == []


def test_an_overdue_job_is_named() -> None:
    """With the command that shows its history."""
    late = replace(make_job("a.jpg", state=State.PROCESSING), due_at=NOON - 16 * MINUTE)
    stack = healthy_stack()
    stack.know(late)
    [found] = _found(stack, "jobs")
    assert found.severity is PROBLEM
    assert found.message == "a.jpg is processing and overdue for 16 min"
    assert f"`cutout show {late.id}`" in found.advice
    stack.know(replace(late, due_at=NOON - MINUTE))
    [found] = _found(stack, "jobs")
    assert found == ok("no job is overdue")


def test_an_old_message_is_a_problem_while_it_exists() -> None:
    """CloudWatch reports an age for some time after the queue is empty."""
    ages = {"ApproximateAgeOfOldestMessage": (NOON - MINUTE, 3600.0)}
    full = [queue("Submissions", "SubmissionsDead", visible=3), queue("SubmissionsDead")]
    found = _found(healthy_stack(metrics=ages, all_queues=full), "queues")
    assert [one.severity for one in found if "the oldest for 1 h" in one.message] == [PROBLEM]
    found = _found(healthy_stack(metrics=ages), "queues")
    assert {one.severity for one in found} == {Severity.OK}


def test_a_new_queue_is_checked_too() -> None:
    """The queues are those of the deployed stack."""
    stack = healthy_stack()
    stack.resources.all_queues += [
        queue("Preparations", "PreparationsDead"),
        queue("PreparationsDead"),
    ]
    stack.resources.letters = {"PreparationsDead": [None, None]}  # type: ignore[list-item] # counted
    assert "Preparations triggers no function" in [one.message for one in _found(stack, "triggers")]
    found = _found(stack, "queues")
    assert "2 dead letters in PreparationsDead" in [one.message for one in found]


def test_the_api_key_is_tried_at_the_url_that_submit_calls() -> None:
    """Without surrounding white space, as the functions send it."""
    stack = healthy_stack()
    stack.resources.secrets["Cutout/evolink-api-key"] = f" {KEY}\n"
    _found(stack, "API key")
    requests = stack.resources.network.requests
    assert requests == [("https://api.example/v1/credits", f"Bearer {KEY}")]


def test_the_forged_token_is_well_formed() -> None:
    """Otherwise it would be refused for its form, and the signature would not be tested."""
    stack = healthy_stack()
    _found(stack, "callbacks")
    [(url, _)] = stack.resources.network.requests
    token = url.rpartition("/")[2]
    with pytest.raises(CallbackRefusedError, match=r"^the signature does not match$"):
        verify(token, [b"key"], NOON)


def test_a_few_forged_callbacks_are_no_problem() -> None:
    """Scanners find every address. The count is the metric of this stack."""
    asked: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []

    def stored(series: Series) -> list[tuple[datetime, float]]:
        asked.append((series.metric, series.statistic, series.dimensions))
        return [(NOON - MINUTE, 19.0), (NOON, 1.0)]

    found = _found(healthy_stack(stored=stored), "callbacks")
    assert ok("20 callbacks refused within the last 1 h") in found
    dimensions = (("service", "cutout"), ("stack", "Cutout"))
    assert asked == [("CallbacksRefused", "Sum", dimensions)]
