"""The quotas of a new AWS account: no variant of the template exceeds them.

Each quota is the default of a new account, by the page that its row names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytest

from infra.settings.settings import Settings
from tests.infra.static_checks import VARIANTS
from tests.infra.template_view import Synthesize, TemplateView, many

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
_EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
_DYNAMODB = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"
_ALARM = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"


class Quota(NamedTuple):
    """A quota: what counts against it in a template, the limit, and its source."""

    name: str
    counts: Callable[[TemplateView], Iterable[float]]
    most: float
    source: str


def _each(
    kind: str, count: Callable[[dict[str, Any]], float]
) -> Callable[[TemplateView], list[float]]:
    return lambda reading: [count(one) for one in reading.of_type(kind).values()]


def _inline_policies(reading: TemplateView) -> list[float]:
    """Return the characters of all inline policies of each role, without white space."""
    sizes = dict.fromkeys(reading.of_type("AWS::IAM::Role"), 0)
    for policy in reading.of_type("AWS::IAM::Policy").values():
        for role in many(policy["Roles"]):
            text = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
            sizes[role.strip("<>")] += len(text)
    return list(sizes.values())


def _environment(function: dict[str, Any]) -> int:
    variables = function["Environment"]["Variables"]
    return sum(len(f"{name}{value}".encode()) for name, value in variables.items())


QUOTAS = (
    Quota(
        "memory of a function, MB (new accounts; 10,240 after a request)",
        _each("AWS::Lambda::Function", lambda one: one["MemorySize"]),
        3008,
        _LAMBDA,
    ),
    Quota(
        "time-out of a function, s",
        _each("AWS::Lambda::Function", lambda it: it["Timeout"]),
        900,
        _LAMBDA,
    ),
    Quota(
        "environment of a function, bytes",
        _each("AWS::Lambda::Function", _environment),
        4096,
        _LAMBDA,
    ),
    Quota("inline policies of a role, characters", _inline_policies, 10_240, _IAM),
    Quota("resources of a stack", lambda reading: [len(reading.resources)], 500, _CFN),
    Quota("outputs of a stack", lambda reading: [len(reading.outputs)], 200, _CFN),
    Quota(
        "pattern of a rule, characters",
        _each("AWS::Events::Rule", lambda one: len(json.dumps(one["EventPattern"]))),
        2048,
        _EVENTS,
    ),
    Quota(
        "targets of a rule", _each("AWS::Events::Rule", lambda it: len(it["Targets"])), 5, _EVENTS
    ),
    Quota(
        "visibility time-out of a queue, s",
        _each("AWS::SQS::Queue", lambda one: one.get("VisibilityTimeout", 30)),
        43_200,
        _SQS,
    ),
    Quota(
        "retention of a queue, s",
        _each("AWS::SQS::Queue", lambda one: one["MessageRetentionPeriod"]),
        1_209_600,
        _SQS,
    ),
    Quota(
        "indexes of a table",
        _each("AWS::DynamoDB::Table", lambda one: len(one.get("GlobalSecondaryIndexes", ()))),
        20,
        _DYNAMODB,
    ),
    Quota(
        "description of an alarm, characters",
        _each("AWS::CloudWatch::Alarm", lambda one: len(one["AlarmDescription"])),
        1024,
        _ALARM,
    ),
)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("quota", QUOTAS, ids=[one.name for one in QUOTAS])
def test_new_account_can_create_the_stack(
    synthesize: Synthesize, quota: Quota, variant: str
) -> None:
    """Otherwise CreateStack would fail half-way."""
    asked = list(quota.counts(synthesize(VARIANTS[variant])))
    assert asked
    assert max(asked) <= quota.most, quota.source


def test_most_suffixes_and_the_longest_prefix_fit_into_a_rule(synthesize: Synthesize) -> None:
    """The pattern grows with both."""
    settings = Settings(upload_prefix="p" * 100 + "/", upload_suffixes=(".jpeg", ".jpg", ".png"))
    [rule] = synthesize(settings).of_type("AWS::Events::Rule").values()
    assert len(json.dumps(rule["EventPattern"])) <= 2048
