"""How long `audit` and `backfill --dry-run` take, and how many requests they make.

    python -m tests.benchmarks.audit --objects 100000

Starts an embedded AWS of its own, fills a bucket, and runs the commands themselves: first
`backfill --dry-run`, before any object has a job; then `audit`, once each has its job and its
cut-out but for one in a thousand. Objects are put there by the thousand, past the protocol; what
the commands do goes over the wire, with TLS and IAM enforced.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from click.testing import CliRunner

from cutout.adapters.dynamodb.job_item import job_item
from cutout.adapters.s3.listing import S3Listing
from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.deployed_stack import connect
from cutout.cli.aws.description import Description, StackOutputs
from cutout.cli.aws.target import Target
from cutout.cli.context import Context
from cutout.cli.entry import cutout
from cutout.domain.job.job import Job
from cutout.domain.job.result import Result
from cutout.domain.states import State
from cutout.ports.listings import ListedObject
from infra.local.ministack.ministack_process import bare_interpreter
from infra.local.sdk_access import make_operator, root_credentials, sdk_variables
from tests.benchmarks import filled_ministack
from tests.benchmarks.filled_ministack import FILL
from tests.contract.dynamodb.table import create_table
from tests.support.running_ministack import running_ministack

STACK = "Figures"
_ROWS_A_REQUEST = 25
_AT_ONCE = 8
_MISSING = 1000
"""One in so many has no row."""


@contextmanager
def embedded_aws(folder: Path) -> Iterator[Target]:
    """MiniStack as the local cloud runs it, and how to reach it."""
    root, interpreter = root_credentials(), bare_interpreter(folder)
    server = filled_ministack.__name__
    with running_ministack(folder, root=root, interpreter=interpreter, server=server) as running:
        operator = make_operator(running.endpoint, root)
        yield Target(stack=STACK, variables=sdk_variables(running.endpoint, operator))


def make_stack(clients: TargetClients) -> StackOutputs:
    """The resources that the commands read: buckets, table, queue, Submit's settings."""
    create_table(clients.client("dynamodb"), "Figures-Jobs")
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    submit = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/none",
        "Code": {"ZipFile": "def handler(event, context): return None"},
        "Environment": {"Variables": {"CUTOUT_MAX_BYTES": "10000000"}},
    }
    template = {
        "Resources": {
            "Uploads": {"Type": "AWS::S3::Bucket", "Properties": versioned},
            "Results": {"Type": "AWS::S3::Bucket", "Properties": versioned},
            "Submissions": {"Type": "AWS::SQS::Queue"},
            "SubmitFunction": {"Type": "AWS::Lambda::Function", "Properties": submit},
        },
        "Outputs": {
            "UploadsBucketName": {"Value": {"Ref": "Uploads"}},
            "ResultsBucketName": {"Value": {"Ref": "Results"}},
            "SubmissionsQueueUrl": {"Value": {"Ref": "Submissions"}},
            "JobsTableName": {"Value": "Figures-Jobs"},
        },
    }
    cloudformation = clients.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    outputs = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    description = Description(
        status="CREATE_COMPLETE",
        outputs={one["OutputKey"]: one["OutputValue"] for one in outputs},
    )
    return StackOutputs.read(description, stack=STACK)


def timed(what: str, count: int, work: Callable[[], object]) -> None:
    """Do something, and return how long it took."""
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    _say(f"{what}: {count:,} in {seconds:.1f} s, {count / seconds:,.0f} a second")


def put_all(s3: Any, bucket: str, keys: Iterable[str]) -> None:
    """Put a tiny object at each key, a thousand in a request."""
    left = iter(keys)
    while names := list(islice(left, 1000)):
        s3.put_object(Bucket=bucket, Key=FILL, Body="\n".join(names).encode())


def put_rows(dynamodb: Any, table: str, jobs: Iterator[Job]) -> None:
    """Write jobs, as many as fit into a request."""
    serialize = TypeSerializer().serialize

    def write(batch: list[Job]) -> None:
        items = [{name: serialize(value) for name, value in job_item(job).items()} for job in batch]
        requests = [{"PutRequest": {"Item": item}} for item in items]
        while requests:
            answer = dynamodb.batch_write_item(RequestItems={table: requests})
            requests = answer.get("UnprocessedItems", {}).get(table, [])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(write, iter(lambda: list(islice(jobs, _ROWS_A_REQUEST)), [])):
            pass


def completed(listed: ListedObject, outputs: StackOutputs) -> Job:
    """Return the job of an upload whose cut-out exists."""
    at = datetime.now(UTC)
    job = Job.begin(listed.source(outputs.uploads_bucket, "0A"), now=at, due_at=at)
    result = Result(
        bucket=outputs.results_bucket,
        key=result_key(listed.key),
        size=1,
        width=600,
        height=400,
        sha256="0" * 64,
    )
    return replace(
        job, state=State.COMPLETED, result=result, due_at=None, expires_at=at + timedelta(days=90)
    )


def result_key(key: str) -> str:
    """Return the key of an upload's cut-out."""
    return key.removesuffix(".jpg") + ".png"


def run(target: Target, *arguments: str) -> dict[str, Any]:
    """Run a command, and return its JSON."""
    context = Context.of_this_process({}, Path.cwd())
    stack = connect(target, context.clock)
    context = replace(context, connect=lambda _choice, **_options: stack)
    began = time.monotonic()
    result = CliRunner().invoke(cutout, [*arguments, "--json"], obj=context)
    _say(f"$ cutout {' '.join(arguments)}   # {time.monotonic() - began:.1f} s")
    _say(result.stderr.strip())
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def measure(target: Target, objects: int) -> None:
    """Fill the bucket and run both commands."""
    clients = TargetClients(target)
    outputs = make_stack(clients)
    s3 = clients.client("s3")
    keys = [f"shop/{number // 1000:04}/{number:07}.jpg" for number in range(objects)]
    timed("uploads", objects, lambda: put_all(s3, outputs.uploads_bucket, keys))
    dry_run = ("backfill", f"s3://{outputs.uploads_bucket}/", "--dry-run")
    answer = run(target, *dry_run)
    _say(f"{answer['photos']:,} to queue, {answer['skipped']} skipped")
    pages = S3Listing(s3, outputs.uploads_bucket).pages("")
    listed = [one for page in pages for one in page]
    done = [one for number, one in enumerate(listed) if number % _MISSING]
    rows = (completed(one, outputs) for one in done)
    dynamodb = clients.client("dynamodb")
    timed("rows", len(done), lambda: put_rows(dynamodb, outputs.jobs_table, rows))
    places = (result_key(one.key) for one in done)
    timed("cut-outs", len(done), lambda: put_all(s3, outputs.results_bucket, places))
    answer = run(target, "audit")
    _say(json.dumps(answer["findings"]))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=int, default=100_000)
    objects = parser.parse_args().objects
    with (
        tempfile.TemporaryDirectory(prefix="figures-") as folder,
        embedded_aws(Path(folder)) as target,
    ):
        measure(target, objects)


if __name__ == "__main__":
    main()
