"""The functions as Lambda runs them: environment, cold start, one event, and what they print."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.sqs import SqsCallbacks, SqsSubmissions
from cutout.adapters.system_clock import SystemClock
from cutout.cli.compose import reviews_on
from cutout.domain.metrics import TIME_IN_STATE
from cutout.operator.review import Reviews
from cutout.wiring.aws_clients import Clients
from cutout.wiring.gate_parts import GatePorts
from tests.contract.dynamodb.table import CALLS, TABLE, create_calls_table, create_table
from tests.support.aws_account import ACCOUNT, REGION
from tests.support.function_environment import USUAL_SETTINGS
from tests.support.samples import SIGNING_KEY
from tests.support.whole_table import WholeTable

UPLOADS, RESULTS, WORK = "cutout-uploads", "cutout-results", "cutout-work"
API_KEY = "sk-evo-a-key-that-must-never-be-printed"
ANN = "arn:aws:iam::123456789012:user/ann"
CALLBACK_URL = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"
PREPARE_ROLE_ID = USUAL_SETTINGS["CUTOUT_PREPARE_ROLE_ID"]
TIMES = frozenset(metric.value for metric in TIME_IN_STATE.values())
HANDLERS = {
    # service: module of the handler
    "submit": "submit.handler",
    "prepare": "prepare.handler",
    "receive-callback": "callback.receive",
    "store-result": "callback.store",
    "sweep": "sweep.handler",
}
_SERVICES = {
    # as the SDK's environment variables call them: host
    "S3": "s3",
    "DYNAMODB": "dynamodb",
    "SQS": "sqs",
    "STS": "sts",
    "EVENTBRIDGE": "events",
    "SECRETS_MANAGER": "secretsmanager",
}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What the stack deploys, empty."""

    clients: Clients
    jobs: WholeTable
    submissions_url: str
    preparations_url: str
    callbacks_url: str
    events_url: str

    def environment(self, provider_url: str) -> dict[str, str]:
        """The functions' environment; the provider is on loopback, as on the local cloud."""
        own = {
            "POWERTOOLS_METRICS_NAMESPACE": "Cutout",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "CUTOUT_MONITORING": "full",
            "CUTOUT_JOBS_TABLE": TABLE,
            "CUTOUT_CALLS_TABLE": CALLS,
            "CUTOUT_JOBS_TABLE_ARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLE}",
            "CUTOUT_UPLOADS_BUCKET": UPLOADS,
            "CUTOUT_UPLOAD_PREFIX": "",
            "CUTOUT_RESULTS_BUCKET": RESULTS,
            "CUTOUT_RESULT_PREFIX": "",
            "CUTOUT_WORK_BUCKET": WORK,
            "CUTOUT_SUBMISSIONS_QUEUE_URL": self.submissions_url,
            "CUTOUT_PREPARATIONS_QUEUE_URL": self.preparations_url,
            "CUTOUT_CALLBACKS_QUEUE_URL": self.callbacks_url,
            "CUTOUT_CALLBACK_URL": CALLBACK_URL,
            "CUTOUT_PHOTO_READER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/PhotoReader",
            "CUTOUT_EVOLINK_BASE_URL": provider_url,
            "CUTOUT_EVOLINK_FILES_URL": provider_url,
            "CUTOUT_ALLOW_LOOPBACK": "true",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            # No server listens there; each service in use has its own address, which moto answers.
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        }
        addresses = {
            f"AWS_ENDPOINT_URL_{name}": f"https://{host}.{REGION}.amazonaws.com"
            for name, host in _SERVICES.items()
        }
        return USUAL_SETTINGS | own | addresses

    def reviews(self) -> Reviews:
        """An operator's decisions on doubtful results."""
        sqs = self.clients.sqs
        submissions = SqsSubmissions(sqs, self.submissions_url)
        ports = GatePorts(clock=SystemClock(), jobs=self.jobs, submissions=submissions)
        return reviews_on(ports, self.jobs, SqsCallbacks(sqs, self.callbacks_url))

    def upload(self, key: str, data: bytes, **options: Any) -> str:
        """Put a photo into the uploads bucket; returns its version."""
        answer = self.clients.s3.put_object(Bucket=UPLOADS, Key=key, Body=data, **options)
        return answer["VersionId"]

    def received(self, queue_url: str) -> list[Any]:
        """The messages that a queue holds, as JSON."""
        bodies: list[Any] = []
        sqs = self.clients.sqs
        while told := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
            "Messages",
        ):
            bodies += [json.loads(message["Body"]) for message in told]
        return bodies


def deploy(clients: Clients) -> Stack:
    """Table, buckets, secrets, queues, and a queue that receives our events from the bus."""
    create_table(clients.dynamodb)
    create_calls_table(clients.dynamodb)
    s3, sqs, secrets = clients.s3, clients.sqs, clients.secrets
    for bucket in (UPLOADS, RESULTS, WORK):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=UPLOADS, VersioningConfiguration={"Status": "Enabled"})
    secrets.create_secret(Name="Cutout/evolink-api-key", SecretString=API_KEY)
    secrets.create_secret(Name="Cutout/callback-signing-key", SecretString=SIGNING_KEY.decode())
    urls = [
        sqs.create_queue(QueueName=name)["QueueUrl"]
        for name in ("Cutout-Submissions", "Cutout-Preparations", "Cutout-Callbacks", "Listener")
    ]
    events = clients.events
    events.put_rule(Name="ours", EventPattern=json.dumps({"source": ["cutout"]}))
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:Listener"
    events.put_targets(Rule="ours", Targets=[{"Id": "listener", "Arn": arn}])
    return Stack(
        clients=clients,
        jobs=WholeTable(Table(clients.dynamodb, TABLE)),
        submissions_url=urls[0],
        preparations_url=urls[1],
        callbacks_url=urls[2],
        events_url=urls[3],
    )


class Context(LambdaContext):
    """What Lambda tells a function about itself."""

    def __init__(self, name: str) -> None:
        """The first invocation."""
        self._function_name = name
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
        self._aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"


@dataclass
class Printed:
    """What a function wrote to its log.

    Attributes:
        text: all of it.
        lines: its log lines.
        metrics: values of its metrics by name, from the embedded metric format.
        times: values of those that say how long states took.
        dimensions: of those metrics.
    """

    text: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    dimensions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Printed:
        """Every line is JSON, or the log cannot be searched."""
        printed = cls(text=text)
        for line in map(json.loads, text.splitlines()):
            if "_aws" in line:
                printed._read_metrics(line)
            else:
                printed.lines.append(line)
        return printed

    def _read_metrics(self, line: Mapping[str, Any]) -> None:
        (described,) = line["_aws"]["CloudWatchMetrics"]
        assert described["Namespace"] == "Cutout"
        for metric in described["Metrics"]:
            kind = self.times if metric["Name"] in TIMES else self.metrics
            kind[metric["Name"]] = line[metric["Name"]]
        (names,) = described["Dimensions"]
        self.dimensions = {name: line[name] for name in names}


class Function:
    """A function after its cold start."""

    def __init__(
        self,
        service: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Import the handler's module afresh, with the environment as it is now."""
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", service)
        monkeypatch.delitem(sys.modules, HANDLERS[service], raising=False)
        self._module: Any = importlib.import_module(HANDLERS[service])
        self._service = service
        self._capsys = capsys
        # Loggers outlive a test; this one must write to where this test reads. Its own method for
        for handler in logging.getLogger(service).handlers:
            assert isinstance(handler, logging.StreamHandler)
            handler.stream = sys.stdout

    def __call__(self, event: Mapping[str, Any]) -> Any:
        """Invoke it."""
        return self._module.handler(dict(event), Context(self._service))

    @property
    def apps_made(self) -> int:
        """Return how often it composed its use cases: once at most."""
        return int(self._module.app.use_cases.cache_info().currsize)

    def printed(self) -> Printed:
        """Return what it wrote since the last time."""
        return Printed.read(self._capsys.readouterr().out)
