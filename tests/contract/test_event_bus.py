"""Completion events, as their receivers get them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import ANY, Stubber
from jsonschema import Draft202012Validator

from cutout.adapters.event_bus import EventBus, detail
from cutout.domain.errors import StoreBusyError
from cutout.domain.job.attempt import Attempt
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result, Reuse, ReviewDecision, Variant, Verdict
from cutout.domain.job.source import Source
from cutout.domain.reasons import Reason
from cutout.domain.states import AttemptOutcome, State
from cutout.wiring.aws_clients import Clients
from tests.support.aws_account import Account
from tests.support.samples import sample, schema

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

NOW = datetime(2026, 11, 20, 9, 16, 14, 250000, tzinfo=UTC)
SOURCE = Source(
    bucket="cutout-uploads",
    key="shoes/red.jpg",
    version_id="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
    etag="b1946ac92492d2347c6235b4d2611184",
    sequencer="00691ED95F3C4B2A11",
    size=19394,
)
ATTEMPT = Attempt(
    number=1,
    idempotency_key="cutout-1-1",
    started_at=NOW,
    outcome=AttemptOutcome.SUCCEEDED,
    credits_used=Decimal("5.4"),
)
MARKET = Variant(
    recipe="market",
    format="jpg",
    made_at=NOW,
    key="shoes/red.market.jpg",
    size=98214,
    width=1000,
    height=1000,
)
BANNER = Variant(
    recipe="banner",
    format="webp",
    made_at=NOW,
    problem="the margin leaves no room for the picture",
)
ACCEPTED = ReviewDecision(
    verdict=Verdict.ACCEPT,
    by="arn:aws:iam::123456789012:user/ann",
    at=NOW,
    over=Reason.RESULT_OPAQUE,
)
COMPLETED = Job(
    id=SOURCE.job_id,
    source=SOURCE,
    state=State.COMPLETED,
    created_at=NOW - timedelta(seconds=47.25),
    updated_at=NOW,
    entered_at=NOW,
    attempts=(ATTEMPT,),
    result=Result(
        bucket="cutout-results",
        key="shoes/red.png",
        size=214733,
        width=600,
        height=400,
        sha256="ab" * 32,
    ),
    variants=(MARKET, BANNER),
)
FAILED = replace(
    COMPLETED,
    state=State.FAILED,
    reason=Reason.TASK_FAILED,
    code="content_policy_violation",
    message="Content policy violation.\nThe image was not processed.",
    attempts=(replace(ATTEMPT, outcome=AttemptOutcome.FAILED, credits_used=None),),
    result=None,
)
REUSED = Reuse(
    job_id="ab" * 16,
    key="kept/x.png",
    sha256="cd" * 32,
    task_id="task-1",
    credits_saved=Decimal("5.4"),
)
QUEUE = "receiver"


@pytest.fixture
def clients(account: Account) -> Iterator[Clients]:
    """An account in which a queue receives every event of ours on the default bus."""
    with account() as clients:
        sqs, events = clients.sqs, clients.events
        url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        events.put_rule(Name="ours", EventPattern='{"source": ["cutout"]}')
        target: Any = {"Id": "1", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_targets(Rule="ours", Targets=[target])
        yield clients


def received(clients: Clients) -> dict[str, Any]:
    """Return the one received event."""
    sqs = clients.sqs
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    event: dict[str, Any] = json.loads(message["Body"])
    return event


@pytest.mark.parametrize(
    ("job", "name"), [(COMPLETED, "cutout-completed"), (FAILED, "cutout-failed")]
)
def test_event_equals_the_sample(clients: Clients, job: Job, name: str) -> None:
    """Source, type and detail, for which receivers write their rules."""
    EventBus(clients.events, "default").announce(job)
    event, expected = received(clients), sample(name)
    for member in ("source", "detail-type", "detail"):
        assert event[member] == expected[member]


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (COMPLETED, "cutout-completed"),
        (FAILED, "cutout-failed"),
        (replace(COMPLETED, state=State.REVIEW, reason=Reason.RESULT_EMPTY), "cutout-failed"),
        (
            replace(FAILED, state=State.REJECTED, reason=Reason.EMPTY_OBJECT, attempts=()),
            "cutout-failed",
        ),
        (
            replace(
                COMPLETED,
                reason=Reason.ACCEPTED_BY_PERSON,
                message=ACCEPTED.text,
                decision=ACCEPTED,
            ),
            "cutout-completed",
        ),
        (
            replace(
                COMPLETED,
                state=State.FAILED,
                reason=Reason.REJECTED_BY_PERSON,
                decision=replace(ACCEPTED, verdict=Verdict.REJECT),
            ),
            "cutout-failed",
        ),
        (replace(COMPLETED, reused=REUSED), "cutout-completed"),
        (
            replace(
                COMPLETED, state=State.REVIEW, reason=Reason.RESULT_ASPECT_DIFFERS, reused=REUSED
            ),
            "cutout-failed",
        ),
    ],
    ids=[
        "completed",
        "failed",
        "review",
        "rejected",
        "accepted by a person",
        "rejected by one",
        "reused",
        "reused and under review",
    ],
)
def test_event_is_described_by_its_schema(clients: Clients, job: Job, name: str) -> None:
    """Valid as received, and without a field of the detail that the schema does not have."""
    EventBus(clients.events, "default").announce(job)
    event, described = received(clients), schema(name)
    assert list(Draft202012Validator(described).iter_errors(event)) == []
    told = described["properties"]["detail"]["properties"]
    assert (set(event["detail"]), set(event["detail"]["source"])) == (
        set(told),
        set(told["source"]["properties"]),
    )


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.COMPLETED, "Cutout Completed"),
        (State.FAILED, "Cutout Failed"),
        (State.REVIEW, "Cutout Failed"),
        (State.REJECTED, "Cutout Failed"),
    ],
)
def test_every_end_but_completion_is_a_failure_that_names_its_state(
    clients: Clients, state: State, kind: str
) -> None:
    """`detail.state` is one of three."""
    EventBus(clients.events, "default").announce(replace(COMPLETED, state=state))
    event = received(clients)
    assert (event["detail-type"], event["detail"]["state"]) == (kind, state.value)


def test_event_of_a_rejected_upload_has_its_reason_and_no_costs() -> None:
    """Neither attempts nor a result; in a bucket without versioning no version either."""
    job = replace(
        FAILED,
        state=State.REJECTED,
        reason=Reason.NOT_A_PHOTO,
        code=None,
        message="the content is not a picture, whatever its name",
        attempts=(),
        source=replace(SOURCE, version_id=None),
        updated_at=COMPLETED.created_at,
    )
    assert detail(job) == {
        "schema": "1.2",
        "job": SOURCE.job_id,
        "state": "rejected",
        "reason": "not-a-photo",
        "code": None,
        "message": "the content is not a picture, whatever its name",
        "source": {"bucket": "cutout-uploads", "key": "shoes/red.jpg", "version": None},
        "result": None,
        "variants": [],
        "variants_failed": [],
        "credits": 0.0,
        "reused": None,
        "decision": None,
        "seconds": 0.0,
    }


def test_time_of_the_event_is_when_the_job_settled(clients: Clients) -> None:
    """Not when the event was sent, which may be a repeat."""
    events: EventBridgeClient = clients.events
    entry = {
        "EventBusName": "our-bus",
        "Source": "cutout",
        "DetailType": "Cutout Completed",
        "Time": NOW,
        "Detail": ANY,
    }
    with Stubber(events) as stubber:
        answer = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
        stubber.add_response("put_events", answer, {"Entries": [entry]})
        EventBus(events, "our-bus").announce(COMPLETED)
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"ErrorCode": "ThrottlingException", "ErrorMessage": "x"}, "ThrottlingException"),
        ({}, "the event was not taken"),
    ],
)
def test_event_that_was_not_accepted_is_an_error(
    clients: Clients, entry: dict[str, str], message: str
) -> None:
    """EventBridge answers 200 even then; the job stays due, and is announced again."""
    events = clients.events
    with Stubber(events) as stubber:
        stubber.add_response("put_events", {"FailedEntryCount": 1, "Entries": [entry]})
        with pytest.raises(StoreBusyError, match=f"^{message}$"):
            EventBus(events, "default").announce(COMPLETED)


def test_event_has_the_job_whose_result_was_reused() -> None:
    """Who paid for it, and what was saved; the schema allows it."""
    reused = Reuse(
        job_id="0" * 32,
        key="kept/ab-mj-v7-remove-bg.png",
        sha256="ab" * 32,
        task_id="task-1",
        credits_saved=Decimal("5.4"),
    )
    told = detail(replace(COMPLETED, attempts=(), reused=reused))
    assert (told["credits"], told["reused"]) == (0.0, {"job": "0" * 32, "credits_saved": 5.4})
    event = sample("cutout-completed") | {"detail": told}
    assert list(Draft202012Validator(schema("cutout-completed")).iter_errors(event)) == []


@pytest.mark.parametrize("count", [1, 100, 400], ids="{} variants".format)
def test_event_is_sent_however_many_variants_there_are(clients: Clients, count: int) -> None:
    """The bus refuses events over 256 KB: such an event lists none."""
    events = clients.events
    variants = tuple(replace(MARKET, key="ü" * 500 + str(number)) for number in range(count))
    told: list[str] = []
    events.meta.events.register(
        "before-call.events.PutEvents",
        lambda params, **_: told.append(json.loads(params["body"])["Entries"][0]["Detail"]),
    )
    EventBus(events, "default").announce(replace(COMPLETED, variants=variants))
    (text,) = told
    assert len(text.encode()) < 256 * 1024
    listed = json.loads(text)["variants"]
    assert listed is None if count == 400 else len(listed) == count
    event = sample("cutout-completed") | {"detail": json.loads(text)}
    assert list(Draft202012Validator(schema("cutout-completed")).iter_errors(event)) == []


def test_event_of_a_failed_job_lists_no_earlier_variants() -> None:
    """A retried job keeps them until there are others."""
    told = detail(replace(COMPLETED, state=State.FAILED, reason=Reason.TASK_FAILED, result=None))
    assert (told["variants"], told["variants_failed"]) == ([], [])
