"""Corrections where MiniStack 1.5.33 differs from AWS in a way that matters to the stack.

Each correction describes what AWS does, with the source. The end-to-end tests rely on them, and
``tests/contract/test_ministack_as_published.py`` fails once MiniStack no longer needs one.
"""

import contextlib
import functools
import json
import os
import re
import uuid
from contextvars import ContextVar
from typing import Any

_version_of_event: ContextVar[str | None] = ContextVar("_version_of_event", default=None)


def apply_corrections() -> None:
    """Apply all corrections; call once MiniStack is imported, before it serves."""
    _put_versions_into_events()
    _check_batches_as_single_actions()
    _accept_saved_queries()
    _match_line_breaks_in_resources()
    if log := os.environ.get("CUTOUT_DECISIONS_LOG"):
        _log_decisions(log)


def _put_versions_into_events() -> None:
    """Put the object's version into S3's events on the bus, for buckets with versioning."""
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
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
    def dispatch_with_version(event: dict[str, Any], *args: Any) -> None:  # noqa: ANN401 - MiniStack's
        version = _version_of_event.get()
        if version and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        dispatch(event, *args)

    s3._fire_s3_event = fire_with_version  # noqa: SLF001
    eventbridge._dispatch_event = dispatch_with_version  # noqa: SLF001


def _check_batches_as_single_actions() -> None:
    """Check batches as their single action: SQS has no permissions for batches."""
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    from ministack.core import iam_actions  # noqa: PLC0415 - reads its environment

    extract = iam_actions.extract_iam_action

    @functools.wraps(extract)
    def extract_single(*args: Any, **kwargs: Any) -> str | None:  # noqa: ANN401 - MiniStack's own
        action: str | None = extract(*args, **kwargs)
        if action and action.startswith("sqs:"):
            return action.removesuffix("Batch")
        return action

    iam_actions.extract_iam_action = extract_single


def _accept_saved_queries() -> None:
    """Accept saved queries of Logs Insights in templates; nothing runs them here."""
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-querydefinition.html
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


def _match_line_breaks_in_resources() -> None:
    """Let `*` and `?` of a policy match every character, also the line breaks of a key."""
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    from ministack.core import iam_evaluator  # noqa: PLC0415 - reads its environment

    compiled = iam_evaluator._fnmatch_compile  # noqa: SLF001
    iam_evaluator._fnmatch_compile = lambda *pattern: re.compile(  # noqa: SLF001
        compiled(*pattern).pattern, compiled(*pattern).flags | re.DOTALL
    )


def _log_decisions(log: str) -> None:
    """Log role, action, resource and decision of each request, as CloudTrail does.

    One JSON object per line: `role`, `action`, `resource`, `decision`.
    """
    from ministack.core import iam_evaluator  # noqa: PLC0415 - reads its environment

    evaluate = iam_evaluator.evaluate
    lines = open(log, "a", buffering=1)  # noqa: SIM115, PTH123 - open as long as the process runs

    @functools.wraps(evaluate)
    def evaluate_and_log(ctx: Any, *args: Any) -> Any:  # noqa: ANN401 - MiniStack's own
        result = evaluate(ctx, *args)
        role = ctx.principal_arn.split("/")[1] if ":assumed-role/" in ctx.principal_arn else None
        entry = {"action": ctx.action, "resource": ctx.resource_arn, "decision": result.decision}
        with contextlib.suppress(OSError):  # Requests must work on a full disk, too.
            lines.write(json.dumps({"role": role, **entry}) + "\n")
        return result

    iam_evaluator.evaluate = evaluate_and_log
