"""The log, the metrics and the use cases of every handler, composed once."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from cutout.adapters import telemetry_powertools
from cutout.domain.dataclass import dataclass
from cutout.domain.function_settings import Settings
from cutout.domain.serialization import json_object
from cutout.wiring.environment_reader import read_settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from cutout.ports.telemetry import Telemetry

UseCases = TypeVar("UseCases")
Returned = TypeVar("Returned")
Event = dict[str, Any]
Handler = Callable[[Event, "LambdaContext"], Any]


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message of a queue; `sender_id` is ROLE-ID:SESSION, which SQS itself notes.

    `receives` is how often it was delivered, this time included.
    """

    body: str
    id: str = ""
    sender_id: str = ""
    receives: str = "1"


class LambdaApp(Generic[UseCases]):
    """One function: its telemetry, and its use cases, which `build` composes once.

    Lambda runs imports with a whole processor and events with a share of one, so on Lambda the use
    cases are composed when the handler is imported. Elsewhere an import composes nothing and makes
    no client.
    """

    def __init__(self, build: Callable[[Mapping[str, str], Telemetry], UseCases]) -> None:
        self._logger = telemetry_powertools.json_logger()
        self._metrics = telemetry_powertools.metrics_of_all()
        self.telemetry = telemetry_powertools.PowertoolsTelemetry(self._logger, self._metrics)
        self._build = build
        self.use_cases = cache(self._compose)
        # Only Lambda sets this variable.
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
            self.use_cases()
            # What is made here lives as long as the process: later collections need not walk it.
            gc.freeze()
            gc.enable()

    def _compose(self) -> UseCases:
        settings = read_settings(Settings, os.environ)
        # Two deployments in one account share the namespace; alarms look for this dimension.
        self._metrics.set_default_dimensions(stack=settings.stack)
        self.telemetry.monitoring = settings.monitoring
        return self._build(os.environ, self.telemetry)

    def on_event(self, answer: Callable[[UseCases, Event], Returned]) -> Handler:
        """Return a handler that answers each event."""

        def handler(event: Event, context: LambdaContext) -> Returned:  # noqa: ARG001 - as Lambda calls
            return answer(self.use_cases(), event)

        return self._observed(handler)

    def on_messages(self, take: Callable[[UseCases, Message], None]) -> Handler:
        """Return a handler that takes each message of a batch.

        A message that raises is reported to SQS, which delivers it again. The others of its batch
        are not affected.
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
        """

        def handler(event: Event, context: LambdaContext) -> Event:  # noqa: ARG001 - as Lambda calls
            messages = map(_message, event["Records"])
            # An exception here would return the whole batch, with messages that are done.
            failed = [one.id for one in messages if not self._is_taken(take, one)]
            return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

        return self._observed(handler)

    def _is_taken(self, take: Callable[[UseCases, Message], None], message: Message) -> bool:
        try:
            take(self.use_cases(), message)
        except Exception:  # noqa: BLE001 - whatever it is, SQS delivers the message again
            # Nothing else writes a log line, and Lambda counts no error.
            self.telemetry.failed(
                "message failed: it is delivered again, and after the last time a dead letter",
                job_id=_job_named(message.body),
                message_id=message.id,
                receives=message.receives,
            )
            return False
        return True

    def _observed(self, handler: Handler) -> Handler:
        """Log the invocation's context with every line, and write out metrics at its end."""
        logged: Handler = self._logger.inject_lambda_context(handler)
        measured: Handler = self._metrics.log_metrics(logged)
        return measured


def _message(record: Event) -> Message:
    attributes = record["attributes"]
    return Message(
        body=record["body"],
        id=record["messageId"],
        sender_id=attributes["SenderId"],
        receives=attributes["ApproximateReceiveCount"],
    )


def _job_named(body: str) -> str | None:
    """The job that one of our own messages names; None for an S3 event or an unreadable body."""
    job_id = json_object(body).get("job")
    return job_id if isinstance(job_id, str) else None
