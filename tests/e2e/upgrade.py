"""An upgrade with photos in every state, from the old deployment to the last job."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cutout.adapters.dynamodb.item_table import Table
from cutout.domain.gate.gate import Gate
from cutout.domain.job.job import Job
from cutout.domain.states import State
from tests.e2e.deployed import Deployed
from tests.e2e.deploying import Checkout, on_the_local_cloud, stack_of
from tests.e2e.gate import GateKeeper
from tests.e2e.operator import Operator
from tests.e2e.photos import Photos, Upload
from tests.e2e.pictures import small_photo
from tests.e2e.stand_in import StandIn
from tests.e2e.updating import deploy_again
from tests.support.whole_table import WholeTable

STAGE = "upgraded"
_STACK = f"Cutout-{STAGE}"
_SLOTS = 4
_SETTINGS = {
    "stage": STAGE,
    "min_side": "1",
    "lease_seconds": "60",
    "max_in_flight": str(_SLOTS),
}
_AN_HOUR = 3600.0
_UPLOADS_MEANWHILE = 5
_UPLOAD_EVERY_SECONDS = 2.0
_A_WHILE = timedelta(minutes=10)
_BOUGHT_ONCE = small_photo(311)
"""The picture of no other photo of these tests."""
STATEFUL = (
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
    # Callback URLs of running tasks name it.
    "AWS::ApiGatewayV2::Api",
)
"""What holds data, or an address that others use."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What an outsider sees of the stack at one moment.

    Attributes:
        version: The deployed version.
        stateful: Physical ids by type and logical id.
        jobs: The photos' jobs, by key; those that are uploaded meanwhile are not among them.
        gate: The gate.
        items: The table's items as they are stored.
    """

    version: str
    stateful: Mapping[str, str]
    jobs: Mapping[str, Job]
    gate: Gate
    items: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """The state after the upgrade.

    Attributes:
        earlier: The stack as the earlier sources deployed it, with photos in flight.
        upgraded: The same, right after the upgrade.
        jobs: Every photo's job at the end, by key.
        charges: How often each photo was paid for, by key.
        posts: How often its creation was asked for, by key.
        results: Which job each photo's cut-out is of, by the photo's key.
        dead_letters: How many messages were given up, by queue.
        rows: How many jobs the table holds.
    """

    earlier: Snapshot
    upgraded: Snapshot
    jobs: Mapping[str, Job]
    charges: Mapping[str, int]
    posts: Mapping[str, int]
    results: Mapping[str, str]
    dead_letters: Mapping[str, int]
    rows: int


@dataclass(frozen=True, kw_only=True)
class RolledBack:
    """A roll-back to the earlier version, and the upgrade after it.

    Attributes:
        jobs: the jobs of photos that were in flight or came meanwhile, at the end, by key.
        charges: how often each of these photos was paid for, by key.
        most_in_flight: tasks of both versions that ran at the same time, at most.
        dead_letters: how many messages were given up, by queue.
    """

    jobs: Mapping[str, Job]
    charges: Mapping[str, int]
    most_in_flight: int
    dead_letters: Mapping[str, int]


@dataclass
class Upgrade:
    """The story; `tell` is all that there is to call.

    Attributes:
        cloud: Any stack in the local cloud.
        before: The earlier sources.
        after: The present ones.
    """

    cloud: Deployed
    before: Checkout
    after: Checkout
    uploads: dict[str, Upload] = field(default_factory=dict)

    def tell(self) -> Upgraded:
        """Deploy the earlier sources, upload, upgrade, and let everything come to its end."""
        arguments = on_the_local_cloud(self.cloud, **_SETTINGS)
        self.before.must("deploy", *arguments, key=self.cloud.cloud.api.key)
        self._see()
        self._put_what_settles_or_waits_for_a_time()
        self._put_what_is_under_way()
        self._put_what_waits_at_the_gate()
        earlier = self._snapshot()
        with self._uploads_go_on():
            self.after.must("deploy", *arguments, key=self.cloud.cloud.api.key)
        self._see()
        upgraded = self._snapshot()
        self._let_everything_go_on()
        return self._at_the_end(earlier, upgraded)

    def roll_back(self) -> RolledBack:
        """Deploy the earlier sources again while photos are in flight, and then the present ones.

        The earlier version may not understand the jobs and the gate of the present one. What it
        leaves alone is finished after the second upgrade.
        """
        slow = [self._put(f"back/slow-{n}.jpg", "task:slow") for n in range(_SLOTS)]
        for upload in slow:
            self.photos.in_state(upload, State.PROCESSING)
        self._deploy_again(self.before)
        late = [self._put(f"back/late-{n}.jpg") for n in range(2)]
        for upload in late:
            self.photos.reached(upload, lambda job: job.is_waiting, "to wait at the gate")
        running = sum(self.stand_in.charges(upload.key) for upload in [*slow, *late])
        self.stand_in.let_pass(seconds=_AN_HOUR)
        self._deploy_again(self.after)
        for upload in slow:
            self.photos.age(upload, _A_WHILE)
        ends = self.photos.all_settled([*slow, *late], is_swept=True)
        return RolledBack(
            jobs={job.source.key: job for job in ends},
            charges={job.source.key: self.stand_in.charges(job.source.key) for job in ends},
            most_in_flight=running,
            dead_letters=self._dead_letters(),
        )

    def _deploy_again(self, checkout: Checkout) -> None:
        """Deploy what `make deploy` synthesized there before."""
        deploy_again(self.cloud, checkout.folder / ".cutout" / "cdk" / _STACK, _STACK)
        self._see()

    def _see(self) -> None:
        """Read the present state of the stack."""
        self.stack = stack_of(self.cloud, _STACK)
        outputs = self.stack.cloud.outputs
        self.jobs = WholeTable(Table(self.stack.client("dynamodb"), outputs["JobsTableName"]))
        self.photos = Photos(self.stack, self.jobs)
        self.gate = GateKeeper(jobs=self.jobs)
        self.stand_in = StandIn(
            url=self.stack.evolink_url,
            token=self.stack.cloud.api.control_token,
            bucket=outputs["UploadsBucketName"],
        )

    def _put(
        self, key: str, *faults: str, picture: bytes | None = None, bypass_cache: bool = True
    ) -> Upload:
        for fault in faults:
            once = {"times": 1} if fault in {"task:failed", "create:400"} else {}
            slow = {"seconds": _AN_HOUR} if fault.endswith(":slow") else {}
            self.stand_in.commit(fault, key, **once, **slow)
        upload = self.photos.put(key, picture, bypass_cache=bypass_cache)
        self.uploads[key] = upload
        return upload

    def _put_what_settles_or_waits_for_a_time(self) -> None:
        """Upload photos that end, one to be repeated, and one whose result cannot be fetched."""
        note = self.photos.put("note.txt.jpg", b"no photo")
        self.uploads[note.key] = note
        standing = {
            self._put("done.jpg"): State.COMPLETED,
            self._put("failed.jpg", "create:400"): State.FAILED,
            self._put("doubted.jpg", "result:opaque"): State.REVIEW,
            self._put("storing.jpg", "result:500"): State.STORING,
            note: State.REJECTED,
        }
        for upload, state in standing.items():
            self.photos.in_state(upload, state)
        again = self._put("again.jpg", "task:failed")
        self.photos.reached(
            again, lambda job: job.state is State.QUEUED and bool(job.attempts), "to be tried again"
        )

    def _put_what_is_under_way(self) -> None:
        """Upload for tasks of an hour, one with a lost answer, and an identical photo."""
        slow = ("task:slow",)
        processing = self._put("processing.jpg", *slow)
        unconfirmed = self._put("unconfirmed.jpg", *slow, "create:accept-then-reset")
        bought = self._put("bought.jpg", *slow, picture=_BOUGHT_ONCE, bypass_cache=False)
        self.photos.in_state(processing, State.PROCESSING)
        self.photos.in_state(unconfirmed, State.UNCONFIRMED)
        self.photos.in_state(bought, State.PROCESSING)
        twin = self._put("twin.jpg", picture=_BOUGHT_ONCE, bypass_cache=False)
        self.photos.reached(twin, lambda job: job.reason == "same-picture", "to wait for its twin")

    def _put_what_waits_at_the_gate(self) -> None:
        """Upload for a call with the last slot, one that waits for a slot, one for a pause."""
        submitting = self._put("submitting.jpg", "create:slow", "task:slow")
        self.photos.in_state(submitting, State.SUBMITTING)
        behind = self._put("behind.jpg")
        self.photos.reached(behind, lambda job: job.is_waiting, "to wait for a slot")
        self.gate.pause()
        paused = self._put("paused.jpg")
        self.photos.reached(paused, lambda job: job.is_waiting, "to wait for the end of the pause")

    @contextmanager
    def _uploads_go_on(self) -> Iterator[None]:
        """Upload during an upgrade: a photo every other second, the first few."""
        over = threading.Event()

        def upload() -> None:
            for number in range(_UPLOADS_MEANWHILE):
                if over.wait(_UPLOAD_EVERY_SECONDS):
                    return
                key = f"meanwhile/{number}.jpg"
                self.uploads[key] = self.photos.put(key)

        uploading = threading.Thread(target=upload)
        uploading.start()
        try:
            yield
        finally:
            over.set()
            uploading.join()

    def _let_everything_go_on(self) -> None:
        """End the pause and the tasks, send callbacks, let results be fetched, and retry one."""
        self.stand_in.forgive()
        self.gate.resume()
        self.stand_in.let_pass(seconds=_AN_HOUR)
        for key in ("storing.jpg", "again.jpg"):
            self.photos.age(self.uploads[key], _A_WHILE)
        told = Operator(deployed=self.stack).run("retry", "failed.jpg", "--yes")
        assert told.status == 0, told.data

    def _at_the_end(self, earlier: Snapshot, upgraded: Snapshot) -> Upgraded:
        ends = self.photos.all_settled(self.uploads.values(), is_swept=True)
        jobs = {job.source.key: job for job in ends}
        stored = {
            key: self.photos.result(job.result.key)
            for key, job in jobs.items()
            if job.result is not None and job.state is State.COMPLETED
        }
        return Upgraded(
            earlier=earlier,
            upgraded=upgraded,
            jobs=jobs,
            charges={key: self.stand_in.charges(key) for key in jobs},
            posts={key: self.stand_in.posts(key) for key in jobs},
            results={key: it.metadata["cutout-job"] for key, it in stored.items() if it},
            dead_letters=self._dead_letters(),
            rows=sum(item["pk"]["S"].startswith("job#") for item in self._items()),
        )

    def _snapshot(self) -> Snapshot:
        known = {
            key: upload for key, upload in self.uploads.items() if not key.startswith("meanwhile/")
        }
        found = self.jobs.find_all([upload.job_id for upload in known.values()])
        return Snapshot(
            version=self.stack.cloud.outputs["Version"],
            stateful={
                name: physical_id
                for name, physical_id in self.stack.resources.items()
                if name.rpartition("/")[0] in STATEFUL
            },
            jobs={job.source.key: job for job in found},
            gate=self.gate.read(),
            items=self._items(),
        )

    def _items(self) -> list[dict[str, Any]]:
        pages = self.stack.client("dynamodb").get_paginator("scan")
        table = self.stack.cloud.outputs["JobsTableName"]
        return [item for page in pages.paginate(TableName=table) for item in page["Items"]]

    def _dead_letters(self) -> dict[str, int]:
        sqs = self.stack.client("sqs")
        named = "ApproximateNumberOfMessages"
        return {
            logical_id: int(
                sqs.get_queue_attributes(
                    QueueUrl=self.stack.resource("AWS::SQS::Queue", logical_id),
                    AttributeNames=[named],
                )["Attributes"][named]
            )
            for logical_id in self.stack.logical_ids("AWS::SQS::Queue")
            if "DeadLetters" in logical_id or "Undeliverable" in logical_id
        }
