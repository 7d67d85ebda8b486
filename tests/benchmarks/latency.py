"""How long Cutout itself takes: from an upload to the paid request, and from the callback on.

    cutout up -c max_in_flight=50
    python -m tests.benchmarks.latency [--photos 500]

Photos that differ are uploaded to the running local cloud, so many at a time as `--at-once` says,
each when another has ended. The first span begins when S3 is sent the photo, and ends when the
stand-in reads the request for the cut-out; the second begins when the stand-in's callback is
answered, and ends when the job is completed, its cut-out stored. The clocks are this machine's, and
its emulators are slower than AWS and their time is in the figures: only runs on the same quiet
machine compare.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode
from uuid import uuid4

from PIL import Image

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.cli.aws.clients import Clients
from cutout.cli.aws.target import Target
from cutout.cli.progress.clock import MachineClock
from cutout.domain.job.source import Source
from cutout.domain.states import State
from infra.local.evolink.control_client import ControlClient
from infra.local.lifecycle import local_variables
from infra.local.processes.waiting import wait_until

_PHOTOS = 500
_AT_ONCE = 4
_SIDE = 320
_PATIENCE_SECONDS = 300.0
_PAUSE_SECONDS = 0.1
_GOLDEN = 0.618034
"""Its multiples, modulo 1, are far apart: no two photos have the same colour."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds of each photo.

    Attributes:
        to_request: from its upload to the paid request.
        to_result: from the callback's answer to the stored cut-out.
    """

    to_request: Sequence[float]
    to_result: Sequence[float]


class Cloud:
    """A running local cloud.

    Args:
        variables: Of its `local.env`.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        clients = Clients(Target(stack=variables["CUTOUT_STACK"], variables=variables))
        self._s3 = clients.client("s3")
        self._jobs = DynamoJobs(Table(clients.client("dynamodb"), variables["CUTOUT_JOBS_TABLE"]))
        self._bucket = variables["CUTOUT_UPLOADS_BUCKET"]
        self._provider = ControlClient(
            variables["CUTOUT_EVOLINK_URL"], variables["CUTOUT_EVOLINK_CONTROL_TOKEN"]
        )

    def through(self, key: str, photo: bytes) -> tuple[float, float]:
        """See a photo from its upload to its end; the seconds of both spans.

        Raises:
            RuntimeError: its job is not completed in time.
        """
        uploaded_at = datetime.now(UTC)
        version = self._s3.put_object(Bucket=self._bucket, Key=key, Body=photo)["VersionId"]
        source = Source(
            bucket=self._bucket, key=key, version_id=version, etag="", sequencer="", size=0
        )
        stored_at = self._completed_at(source)
        asked_at, called_at = (self._first(kind, key) for kind in ("post", "callback"))
        return (asked_at - uploaded_at).total_seconds(), (stored_at - called_at).total_seconds()

    def _completed_at(self, source: Source) -> datetime:
        found: list[datetime] = []

        def is_completed() -> bool:
            job = self._jobs.find(source.job_id)
            ends = [step.at for step in job.history if step.state is State.COMPLETED] if job else []
            found.extend(ends)
            return bool(ends)

        if not wait_until(
            is_completed,
            MachineClock(),
            timeout_seconds=_PATIENCE_SECONDS,
            pause_seconds=_PAUSE_SECONDS,
        ):
            raise RuntimeError(f"{source.key} is not completed")
        return found[0]

    def _first(self, kind: str, key: str) -> datetime:
        query = urlencode({"kind": kind, "photo": f"/{self._bucket}/{key}"})
        ledger = json.loads(self._provider.ask("GET", f"/_standin/ledger?{query}"))
        return min(datetime.fromisoformat(one["at"]) for one in ledger["entries"])


def measured(variables: Mapping[str, str], *, photos: int, at_once: int = _AT_ONCE) -> Latency:
    """Upload so many photos, and wait for each."""
    cloud, folder = Cloud(variables), f"latency/{uuid4().hex[:8]}"
    with ThreadPoolExecutor(at_once) as threads:
        spans = list(
            threads.map(
                lambda one: cloud.through(f"{folder}/{one[0]}.jpg", one[1]),
                enumerate(_photos(photos)),
            )
        )
    return Latency(to_request=[one for one, _ in spans], to_result=[one for _, one in spans])


def _photos(number: int) -> Iterator[bytes]:
    for one in range(number):
        hue = round(255 * (one * _GOLDEN % 1))
        picture = Image.new("HSV", (_SIDE, _SIDE), (hue, one % 256, 200)).convert("RGB")
        picture.putpixel((0, 0), (one % 256, one // 256 % 256, 0))
        file = io.BytesIO()
        picture.save(file, "PNG")
        yield file.getvalue()


def table(latency: Latency) -> list[str]:
    """The figures as a table of Markdown; two photos are the least."""
    lines = ["| seconds | p50 | p99 |", "|---|---|---|"]
    for name, spans in (
        ("upload to the paid request", latency.to_request),
        ("callback to the stored cut-out", latency.to_result),
    ):
        cuts = quantiles(spans, n=100, method="inclusive")
        lines.append(f"| {name} | {cuts[49]:.2f} | {cuts[98]:.2f} |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.latency")
    parser.add_argument("--photos", type=int, default=_PHOTOS)
    parser.add_argument("--at-once", type=int, default=_AT_ONCE)
    chosen = parser.parse_args()
    variables = local_variables(Path.cwd())
    if variables is None:
        raise SystemExit("Start a local cloud first: see the top of this file.")
    latency = measured(variables, photos=chosen.photos, at_once=chosen.at_once)
    sys.stdout.write("\n".join(table(latency)) + "\n")


if __name__ == "__main__":
    main()
