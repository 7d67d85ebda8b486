"""The operator's commands on the deployed stack, and on its broken parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cutout.cli.aws.deployed_stack import connect
from cutout.cli.aws.target import Target
from cutout.cli.commands.doctor import CHECKS
from cutout.cli.context import Context
from cutout.cli.doctor.check import CheckResult, Checkup, Severity
from cutout.cli.entry import cutout
from cutout.cli.local_cloud import LocalCloud
from cutout.cli.options.environment import CliSettings
from cutout.cli.progress.clock import Clock
from cutout.domain.states import State
from tests.e2e.bus import Listener, events_lost
from tests.e2e.deployed import STACK, Deployed
from tests.e2e.photos import Photos
from tests.e2e.queues import Queues
from tests.e2e.stand_in import StandIn

Run = Callable[..., Result]
_MAY_BE_WRONG = {"queues", "alarms"}
"""Other tests break things on purpose, which these remember for a while."""


@pytest.fixture
def target(deployed: Deployed) -> Target:
    """The target of the commands."""
    return Target(stack=STACK, variables=deployed.cloud.variables)


@pytest.fixture
def checkup(target: Target) -> Checkup:
    """The stack, as the doctor checks it."""
    clock, root = Clock(), Path(__file__).parents[2]
    return Checkup(stack=connect(target, clock), now=clock.now(), checkout=root)


@pytest.fixture
def run(target: Target, tmp_path: Path) -> Run:
    """Run a command on the deployed stack."""
    settings, clock = CliSettings(), Clock()
    context = Context(
        settings=settings,
        folder=tmp_path,
        clock=clock,
        connect=lambda _choice, **_options: connect(target, clock),
        local=LocalCloud(settings, tmp_path, clock),
    )
    return lambda *arguments: CliRunner().invoke(cutout, list(arguments), obj=context)


def _wrong(checkup: Checkup, check: str) -> list[str]:
    found: list[CheckResult] = list(CHECKS[check](checkup))
    return [one.message for one in found if one.severity is Severity.PROBLEM]


def test_doctor_finds_no_fault_in_the_stack(run: Run, deployed: Deployed) -> None:
    """All of its parts exist and are connected, and it is the version of this checkout."""
    deployed.sweep()
    found = json.loads(run("doctor", "--json", "--timeout", "120").stdout)["findings"]
    wrong = [it for it in found if it["severity"] == "problem" and it["check"] not in _MAY_BE_WRONG]
    assert wrong == []
    assert {it["check"] for it in found} == set(CHECKS)


def test_doctor_counts_forged_callbacks(checkup: Checkup, deployed: Deployed) -> None:
    """Its own, too, with which it tries the callback address."""

    def refused() -> str:
        now = replace(checkup, now=Clock().now())
        [said] = [
            one.message for one in CHECKS["callbacks"](now) if "refused within" in one.message
        ]
        return said

    def is_counted() -> bool:
        return not refused().startswith("0 ")

    deployed.wait(is_counted, "the count of a forged callback", found=refused)


@contextmanager
def _rule_off(deployed: Deployed) -> Iterator[None]:
    events, name = deployed.client("events"), deployed.resource("AWS::Events::Rule", "Upload")
    events.disable_rule(Name=name)
    try:
        yield
    finally:
        events.enable_rule(Name=name)


@contextmanager
def _bucket_silent(deployed: Deployed) -> Iterator[None]:
    s3, bucket = deployed.client("s3"), deployed.cloud.outputs["UploadsBucketName"]
    heard: dict[str, dict[str, str]] = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=heard)


@contextmanager
def _trigger_off(deployed: Deployed) -> Iterator[None]:
    client = deployed.client("lambda")
    uuid = deployed.resource("AWS::Lambda::EventSourceMapping", "Submit")
    client.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=uuid, Enabled=True)


@contextmanager
def _no_key(deployed: Deployed) -> Iterator[None]:
    secrets, name = deployed.client("secretsmanager"), deployed.cloud.outputs["ApiKeySecretName"]
    secrets.put_secret_value(SecretId=name, SecretString="not-set")
    try:
        yield
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=deployed.evolink_keys[0])


@pytest.mark.parametrize(
    ("check", "broken", "says"),
    [
        ("uploads", _rule_off, "the rule for uploads is off"),
        ("uploads", _bucket_silent, "does not send its events to EventBridge"),
        ("triggers", _trigger_off, "Submissions is not processed: its trigger is Dis"),
        ("API key", _no_key, "holds no API key"),
    ],
)
def test_doctor_finds_broken_parts(
    check: str,
    broken: Callable[[Deployed], Iterator[None]],
    says: str,
    checkup: Checkup,
    deployed: Deployed,
) -> None:
    """Until they are repaired; it reads the parts themselves, not the template."""
    assert _wrong(checkup, check) == []
    with broken(deployed):  # type: ignore[attr-defined] # a context manager
        assert [one for one in _wrong(checkup, check) if says in one]
    assert _wrong(checkup, check) == []


def test_doctor_finds_a_key_that_the_provider_refuses(
    checkup: Checkup, stand_in: StandIn, deployed: Deployed
) -> None:
    """By reading the balance."""
    stand_in.change_account(api_keys=["somebody-elses"])
    try:
        assert [one for one in _wrong(checkup, "API key") if "refuses the key" in one]
    finally:
        stand_in.change_account(api_keys=deployed.evolink_keys)


def test_dead_letter_is_shown_returned_and_processed(
    *, run: Run, deployed: Deployed, photos: Photos, queues: Queues, s3_events: Listener
) -> None:
    """An upload whose message became a dead letter gets its cut-out, and the alarm was raised."""
    queues.take_dead_letters()
    with events_lost(deployed, s3_events) as lost:
        upload = photos.put("redriven/one.jpg")
        lost.append(upload)
    event = {
        "detail-type": "Object Created",
        "detail": {
            "bucket": {"name": photos.bucket},
            "object": {
                "key": upload.key,
                "version-id": upload.version_id,
                "sequencer": "0A",
                "size": len(upload.content),
                "etag": "e",
            },
        },
    }
    url = deployed.cloud.outputs["SubmissionsDeadLetterQueueUrl"]
    deployed.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(event))
    shown = run("redrive", "--queue", "Submissions")
    assert (shown.exit_code, "the only trace of the upload" in shown.stdout) == (1, True)
    name = "SubmissionsDeadLettersDepth"
    deployed.wait(lambda: _has_gone_off(deployed, name), "the alarm on dead letters")
    assert run("redrive", "--queue", "Submissions", "--yes").exit_code == 0
    assert photos.settled(upload).state is State.COMPLETED
    assert "completed" in run("show", upload.key).stdout


def test_messages_that_fail_raise_an_alarm(deployed: Deployed) -> None:
    """Lambda counts no error for them: the function reports them to the queue and ends in order."""
    sqs, url = deployed.client("sqs"), deployed.cloud.outputs["SubmissionsQueueUrl"]
    for _ in range(4):
        sqs.send_message(QueueUrl=url, MessageBody="not a message of S3 or of ours")
    try:
        deployed.wait(lambda: _has_gone_off(deployed, "StepsFailed"), "the alarm on failed steps")
    finally:
        sqs.purge_queue(QueueUrl=url)


def _has_gone_off(deployed: Deployed, name: str) -> bool:
    deployed.sweep()
    found = deployed.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return any(one["StateValue"] == "ALARM" and name in one["AlarmName"] for one in found)


def test_dashboard_and_watch_show_what_happened(
    run: Run, photos: Photos, deployed: Deployed
) -> None:
    """From the metrics that the functions wrote, and from the table's indexes."""
    photos.settled(photos.put("watched/one.jpg"))
    watched = json.loads(run("watch", "--json").stdout)
    assert watched["settled_lately"]["completed"] > 0
    graphs: dict[str, dict[str, list[tuple[str, float]]]] = {}

    def are_drawn() -> bool:
        graphs.update(json.loads(run("dashboard", "--json").stdout)["graphs"])
        return (
            sum(value for _, value in graphs["Outcomes, photos a minute"]["completed"]) > 0
            and graphs["Time in each state, p90, seconds"]["processing"] != []
            and graphs["Function run, p90, milliseconds"]["Submit"] != []
        )

    # A function writes its metrics when its run ends: after the job that was waited for.
    deployed.wait(are_drawn, "the graphs of what happened", found=lambda: graphs)
