"""What the functions add to a photo: seconds, CPU time and requests to AWS.

    python -m tests.benchmarks.latency --photos 500
    python -m tests.benchmarks.latency --photos 100 1000

It starts a local cloud of its own, whose provider takes no time but that of its model, and uploads
different photos, `--at-once` at a time; a row for each number of photos. The first span begins when
the photo is sent to S3 and ends when the provider answers the paid request; the second begins when
the callback is answered and ends when the job is completed, its cut-out stored. All functions are
warm.

CPU time is that of the functions' processes. Requests are counted as the permissions that MiniStack
checks for roles: one for a request or for each item of a transaction, and one more if the resource
has a policy of its own; `tests.benchmarks.counting` counts the requests themselves. Both include
the runs of Sweep meanwhile. The emulators share the machine and are slower than AWS: only runs on
the same quiet machine compare (Linux).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlencode
from uuid import uuid4

from cutout.adapters.dynamodb.item_table import Table
from cutout.adapters.dynamodb.jobs import DynamoJobs
from cutout.cli.aws.clients import TargetClients
from cutout.cli.aws.target import Target
from cutout.cli.progress.clock import Clock
from cutout.domain.job.job import Job
from cutout.domain.job.source import Source
from cutout.domain.states import State
from infra.local.evolink.control_client import ControlClient
from infra.local.lifecycle import stop_local_cloud
from infra.local.place import Place, find_place
from infra.local.processes.background import record
from infra.local.processes.run_ledger import read_ledger
from infra.local.processes.waiting import wait_until
from infra.local.start import CloudRequest, start_local_cloud
from tests.e2e.pictures import opened, small_photo
from tests.support.builders import PRICE
from tests.support.local_cloud import NoProgress

_PHOTOS = (500,)
_AT_ONCE = 4
_PICTURES = 24
_SETTINGS = {"max_in_flight": "50", "daily_credit_cap": "1000000", "min_side": "1"}
_STAND_IN = (
    *("--seconds", "0", "0", "--side-limits", "1", "9000"),
    *("--balance", "1000000"),
)
_TIMEOUT_SECONDS = 300.0
_PAUSE_SECONDS = 0.2
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a number of photos took.

    Attributes:
        to_request: Seconds from the upload to the paid request's answer, for each photo.
        to_result: Seconds from the callback's answer to the stored cut-out, for each photo.
        cpu_seconds: Of the functions' processes, all photos together.
        permission_checks: For requests of roles to AWS, all photos together.
    """

    to_request: Sequence[float]
    to_result: Sequence[float]
    cpu_seconds: float
    permission_checks: int


class RunningCloud:
    """A running local cloud.

    Args:
        place: Where it lives.
        variables: Those of its `local.env`.
    """

    def __init__(self, place: Place, variables: Mapping[str, str]) -> None:
        clients = TargetClients(Target(stack=variables["CUTOUT_STACK"], variables=variables))
        self._s3 = clients.client("s3")
        table = Table(clients.client("dynamodb"), variables["CUTOUT_JOBS_TABLE"])
        self._jobs = DynamoJobs(table, PRICE)
        self._bucket = variables["CUTOUT_UPLOADS_BUCKET"]
        self._provider = ControlClient(
            variables["CUTOUT_EVOLINK_URL"], variables["CUTOUT_EVOLINK_CONTROL_TOKEN"]
        )
        self._decisions = place.decisions_file
        ledger = read_ledger(place.ledger_file)
        processes = ledger.processes if ledger else ()
        (self._server,) = (one.pid for one in processes if one.name == "ministack")

    def measure(self, photos: int, *, at_once: int = _AT_ONCE) -> Figures:
        """Upload so many photos, each when another is completed.

        Raises:
            RuntimeError: A job ends otherwise, or does not in time.
        """
        folder = f"latency/{uuid4().hex[:8]}"
        contents = list(_photos(folder, photos))
        cpu, checks = self._cpu_seconds(), self._permission_checks()
        with ThreadPoolExecutor(at_once) as threads:
            times = dict(threads.map(self._complete, contents))
        cpu, checks = self._cpu_seconds() - cpu, self._permission_checks() - checks
        asked, called = (self._first(kind, folder, photos) for kind in ("post", "callback"))
        return Figures(
            to_request=[(asked[key] - sent).total_seconds() for key, (sent, _) in times.items()],
            to_result=[(end - called[key]).total_seconds() for key, (_, end) in times.items()],
            cpu_seconds=cpu,
            permission_checks=checks,
        )

    def _complete(self, photo: tuple[str, bytes]) -> tuple[str, tuple[datetime, datetime]]:
        """Upload a photo; its key, and when it was sent and completed."""
        key, content = photo
        sent_at = datetime.now(UTC)
        version = self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)["VersionId"]
        source = Source(
            bucket=self._bucket, key=key, version_id=version, etag="", sequencer="", size=0
        )
        ended: list[Job] = []

        def is_over() -> bool:
            job = self._jobs.find(source.job_id)
            ended.extend([job] if job and job.state.is_settled else [])
            return bool(ended)

        clock = Clock()
        wait_until(is_over, clock, timeout_seconds=_TIMEOUT_SECONDS, pause_seconds=_PAUSE_SECONDS)
        times = [step.at for job in ended for step in job.history if step.state is State.COMPLETED]
        if not times:
            raise RuntimeError(f"{key} is not completed: {ended}")
        return key, (sent_at, times[0])

    def _first(self, kind: str, folder: str, count: int) -> Mapping[str, datetime]:
        """When the provider noted a kind of entry first, by the photo's key."""
        bucket = f"/{self._bucket}/"
        query = urlencode({"kind": kind, "photo": bucket + folder, "count": count})
        entries = json.loads(self._provider.ask("GET", f"/_standin/ledger?{query}"))["entries"]
        return {
            entry["photo"].removeprefix(bucket): datetime.fromisoformat(entry["at"])
            for entry in reversed(entries)
        }

    def _permission_checks(self) -> int:
        lines = self._decisions.read_text().splitlines()
        return sum(json.loads(line)["role"] is not None for line in lines)

    def _cpu_seconds(self) -> float:
        """CPU time of all processes that the embedded AWS started, those that ended included."""
        stats = dict(_process_stats())
        parents = {pid: int(fields[1]) for pid, fields in stats.items()}
        ticks = sum(map(int, stats[self._server][13:15]))
        for pid, fields in stats.items():
            if self._server in _ancestors(pid, parents):
                ticks += sum(map(int, fields[11:15]))
        return ticks / _TICKS


def _process_stats() -> Iterator[tuple[int, Sequence[str]]]:
    """proc(5)'s `stat` after the name: field 1 is the parent, 11 to 14 are ticks of CPU time."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # It has ended since.
            yield int(file.parent.name), file.read_text().rpartition(")")[2].split()


def _ancestors(pid: int, parents: Mapping[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


def _photos(folder: str, number: int) -> Iterator[tuple[str, bytes]]:
    """Keys and contents; the key in each makes it different, so that each is paid for."""
    for one in range(number):
        key, file = f"{folder}/{one}.jpg", io.BytesIO()
        opened(small_photo(one % _PICTURES)).save(file, "JPEG", comment=key.encode())
        yield key, file.getvalue()


def table(figures: Sequence[Figures]) -> list[str]:
    """The figures as a table of Markdown, spans as p50 / p99; two photos are the least."""
    lines = [
        "| photos | upload to paid request | callback to stored | CPU | permission checks |",
        "|---|---|---|---|---|",
    ]
    for one in figures:
        number = len(one.to_request)
        lines.append(
            f"| {number:,} | {_percentiles(one.to_request)} | {_percentiles(one.to_result)} "
            f"| {1000 * one.cpu_seconds / number:.0f} ms | {one.permission_checks / number:.1f} |"
        )
    return lines


def _percentiles(seconds: Sequence[float]) -> str:
    cuts = quantiles(seconds, n=100, method="inclusive")
    return f"{cuts[49]:.2f} / {cuts[98]:.2f} s"


@contextmanager
def _local_cloud() -> Iterator[RunningCloud]:
    """Start a local cloud whose provider is instant; stop it at the end."""
    project, clock = find_place(Path(__file__)), Clock()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(source=project.source, state=Path(folder), cache=project.cache / "latency")
        try:
            cloud = start_local_cloud(
                place,
                CloudRequest(settings=_SETTINGS, stand_in_arguments=_STAND_IN),
                progress=NoProgress(),
                clock=clock,
                owner=record("latency", os.getpid()),
                environment=os.environ,
                stays_up=False,
            )
            yield RunningCloud(place, cloud.variables)
        finally:
            stop_local_cloud(place, clock)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.latency")
    parser.add_argument("--photos", type=int, nargs="+", default=_PHOTOS)
    parser.add_argument("--at-once", type=int, default=_AT_ONCE)
    chosen = parser.parse_args()
    with _local_cloud() as cloud:
        cloud.measure(5 * chosen.at_once, at_once=chosen.at_once)
        figures = [cloud.measure(number, at_once=chosen.at_once) for number in chosen.photos]
    sys.stdout.write("\n".join(table(figures)) + "\n")


if __name__ == "__main__":
    main()
