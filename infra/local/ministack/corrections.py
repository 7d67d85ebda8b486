"""Where MiniStack 1.5.33 differs from AWS in what the stack relies on, it is put right here.

Each mend says what AWS does, with its source. Tests look at each from outside, here and on
MiniStack as published, so that an upgrade that breaks one, or makes it needless, is noticed.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import uuid
from contextvars import ContextVar
from typing import Any

_version_of_event: ContextVar[str | None] = ContextVar("_version_of_event", default=None)

_BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def mend_ministack() -> None:
    """Put everything right; call once MiniStack is imported, before it serves."""
    _name_versions_in_events()
    _judge_batches_by_their_single_action()
    _take_saved_queries()
    if log := os.environ.get("CUTOUT_DECISIONS_LOG"):
        _write_down_decisions(log)


def _name_versions_in_events() -> None:
    """S3's events on the bus name the object's version, in buckets that keep versions.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    from ministack.services import eventbridge, s3  # noqa: PLC0415 - reads its environment

    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event  # noqa: SLF001

    @functools.wraps(fire)
    def fire_with_version(
        *args: Any,  # noqa: ANN401 - MiniStack's own
        version_id: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - MiniStack's own
    ) -> None:
        token = _version_of_event.set(version_id)
        try:
            fire(*args, version_id=version_id, **kwargs)
        finally:
            _version_of_event.reset(token)

    @functools.wraps(dispatch)
    def dispatch_with_version(event: dict[str, Any], *args: Any) -> None:  # noqa: ANN401 - its own
        version = _version_of_event.get()
        if version and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, *args)

    s3._fire_s3_event = fire_with_version  # noqa: SLF001
    eventbridge._dispatch_event = dispatch_with_version  # noqa: SLF001


def _judge_batches_by_their_single_action() -> None:
    """SQS has no permissions for batches: who may send one message may send a batch.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    from ministack.core import iam_actions  # noqa: PLC0415 - reads its environment

    extract = iam_actions.extract_iam_action

    @functools.wraps(extract)
    def extract_single(*args: Any, **kwargs: Any) -> str | None:  # noqa: ANN401 - MiniStack's own
        action: str | None = extract(*args, **kwargs)
        return _BATCHES.get(action, action) if action else None

    iam_actions.extract_iam_action = extract_single


def _take_saved_queries() -> None:
    """CloudFormation takes saved queries of Logs Insights; nothing runs them here.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-querydefinition.html
    """
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415 - reads its own

    def create(logical_id: str, _properties: object, stack: str) -> tuple[str, dict[str, str]]:
        query_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{stack}/{logical_id}"))
        return query_id, {"QueryDefinitionId": query_id}

    def update(query_id: str, *_: object) -> tuple[str, dict[str, str]]:
        return query_id, {"QueryDefinitionId": query_id}

    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = {  # noqa: SLF001
        "create": create,
        "update": update,
        "delete": lambda _query_id, _properties: None,
    }


def _write_down_decisions(log: str) -> None:
    """Say of each request who asked for what and what was decided, as CloudTrail does.

    One JSON object a line: `role`, `action`, `resource`, `decision`.
    """
    from ministack.core import iam_evaluator  # noqa: PLC0415 - reads its environment

    evaluate = iam_evaluator.evaluate
    lines = open(log, "a", buffering=1)  # noqa: SIM115, PTH123 - open as long as the process runs

    @functools.wraps(evaluate)
    def evaluate_and_tell(ctx: Any, *args: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        result = evaluate(ctx, *args)
        role = ctx.principal_arn.split("/")[1] if ":assumed-role/" in ctx.principal_arn else None
        told = {"action": ctx.action, "resource": ctx.resource_arn, "decision": result.decision}
        with contextlib.suppress(OSError):  # A full disk is no reason to refuse a request.
            lines.write(json.dumps({"role": role, **told}) + "\n")
        return result

    iam_evaluator.evaluate = evaluate_and_tell
