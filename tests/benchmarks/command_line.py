"""CPU time of `cutout --help` and `cutout ls`: `python -m tests.benchmarks.command_line [ROUNDS]`.

Each is a ratio to `python -c "import click"` in the same round, the median of fresh processes. `ls`
asks a server on loopback that has a stack without jobs, and one with fifty: their table takes the
import of rich.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cutout.adapters.dynamodb.attribute_values import written
from cutout.adapters.dynamodb.job_item import job_item
from cutout.domain.states import State
from tests.support.cli.jobs import make_job

_FULL = "full"
"""The stack with jobs, and its table."""
_JOBS = [written(job_item(make_job(f"{number}.jpg")))["M"] for number in range(50)]
_OUTPUTS = {
    "UploadsBucketName": "uploads",
    "ResultsBucketName": "results",
    "JobsTableName": "{table}",
    "SubmissionsQueueUrl": "https://sqs.example/1/submissions",
    "CallbacksQueueUrl": "https://sqs.example/1/callbacks",
}
_STACK = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Cutout</StackName>"
    "<StackId>arn:aws:cloudformation:eu-central-1:123456789012:stack/Cutout/1</StackId>"
    "<StackStatus>CREATE_COMPLETE</StackStatus><Outputs>"
    + "".join(
        f"<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for name, value in _OUTPUTS.items()
    )
    + "</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
)
_CUTOUT = "from cutout.cli import main; main()"
_CASES = {
    "import click": ("import click",),
    "cutout --help": (_CUTOUT, "--help"),
    "cutout ls": (_CUTOUT, "ls", "--aws"),
    "cutout ls, 50 jobs": (_CUTOUT, "ls", "--aws", "--stack", _FULL),
}


class _Aws(BaseHTTPRequestHandler):
    """CloudFormation, and a DynamoDB with the jobs of one table."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    """Headers and body of an answer leave together, as DynamoDB's do. A body that follows alone
    waits for the kernel's delayed acknowledgement of the headers, 40 ms."""

    def do_POST(self) -> None:
        """Answer."""
        request = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = self.headers.get("X-Amz-Target")
        body = (_found(target, json.loads(request)) if target else _stack(request)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def _stack(request: str) -> str:
    return _STACK.format(table=_FULL if f"StackName={_FULL}" in request else "empty")


def _found(target: str, request: dict[str, Any]) -> str:
    if not target.endswith("Query"):
        return json.dumps({"Responses": {_FULL: _JOBS}})
    of = request["ExpressionAttributeValues"][":p"]["S"]
    items = _JOBS if (request["TableName"], of) == (_FULL, State.COMPLETED) else []
    return json.dumps({"Items": items, "Count": len(items)})


def main(rounds: int = 15) -> None:
    """Print the medians."""
    seconds: dict[str, list[float]] = {name: [] for name in _CASES}
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), _Aws) as server,
        tempfile.TemporaryDirectory() as home,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "made-up",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_REGION": "eu-central-1",
        }
        for _ in range(rounds + 1):  # the first one writes bytecode
            for name, arguments in _CASES.items():
                seconds[name].append(_cpu_seconds(arguments, environment, home))
        server.shutdown()
    base = seconds["import click"][1:]
    for name, taken in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(taken[1:], base, strict=True))
        milliseconds = 1000 * statistics.median(taken[1:])
        sys.stdout.write(f"{name:18} {milliseconds:6.0f} ms  {ratio:5.2f} x\n")


def _cpu_seconds(arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", *arguments],
        env=environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
