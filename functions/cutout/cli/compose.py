"""The use cases of operators, composed from the same ports as those of the functions.

Each is imported when it is composed: a command needs one or two of them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cutout.cli.aws.deployed_stack import Stack
    from cutout.domain.gate.gate import Limits
    from cutout.operator.audit import Audit
    from cutout.operator.backfill import BucketImport, MissingUploads, QueuePacer
    from cutout.operator.control import Control
    from cutout.operator.estimate import Estimate
    from cutout.operator.review import Reviews
    from cutout.ports.listings import BucketListing, JobIndex, ObjectCopies
    from cutout.ports.queues import TaskCheckQueue
    from cutout.wiring.gate_parts import GatePorts


def operate(ports: GatePorts, limits: Limits) -> Control:
    """Compose what an operator does to the gate and to single jobs."""
    from cutout.operator.control import Control  # noqa: PLC0415 - see above

    return Control(
        jobs=ports.jobs,
        gates=ports.jobs,
        backlog=ports.jobs,
        submissions=ports.submissions,
        clock=ports.clock,
        limits=limits,
        # Sweep looks at a retried job after this time if its message is lost.
        lease=timedelta(minutes=2),
    )


def control(stack: Stack) -> Control:
    """Compose the same for a stack, with the limits in its table."""
    # The functions know the limits by their environment; a person's are in the gate's item.
    gate = stack.jobs.read_gate()
    return operate(stack.ports, gate.limits_in_force)


def reviews_on(ports: GatePorts, index: JobIndex, checks: TaskCheckQueue) -> Reviews:
    """Compose what lists results under review, and records decisions on them."""
    from cutout.operator.review import Reviews  # noqa: PLC0415 - see above

    return Reviews(jobs=ports.jobs, index=index, checks=checks, clock=ports.clock)


def reviews(stack: Stack) -> Reviews:
    """Compose the same for a stack."""
    return reviews_on(stack.ports, stack.index, stack.ports.checks)


def estimate(stack: Stack, photos: int) -> Estimate:
    """Return what this number of photos costs, and when they are done at the current rate."""
    from cutout.operator.estimate import Estimator  # noqa: PLC0415 - see above

    return Estimator(records=stack.index, clock=stack.clock).estimate(
        photos, stack.jobs.read_gate()
    )


def survey(stack: Stack) -> Audit:
    """Return what compares the uploads bucket with the jobs table."""
    from cutout.operator.audit import Audit  # noqa: PLC0415 - see above

    return Audit(
        uploads=uploads(stack),
        results=stack.ports.objects(stack.outputs.results_bucket),
        records=stack.index,
        clock=stack.clock,
        rules=stack.rules(),
    )


def queueing(stack: Stack, on_wait: Callable[[int], None]) -> MissingUploads:
    """Return what queues uploads that have no job; `on_wait` gets the length of the queue."""
    from cutout.operator.backfill import MissingUploads  # noqa: PLC0415 - see above

    return MissingUploads(
        uploads=uploads(stack), upload_queue=stack.ports.upload_queue, pace=_pace(stack, on_wait)
    )


def import_from(
    stack: Stack, bucket: str, transfers: ObjectCopies, on_wait: Callable[[int], None]
) -> BucketImport:
    """Return what copies photos from another bucket; `on_wait` gets the length of the queue."""
    from cutout.operator.backfill import BucketImport  # noqa: PLC0415 - see above

    return BucketImport(
        source=stack.ports.objects(bucket),
        uploads=uploads(stack),
        transfers=transfers,
        rules=stack.rules(),
        pace=_pace(stack, on_wait),
    )


def uploads(stack: Stack) -> BucketListing:
    """Return the uploads bucket."""
    return stack.ports.objects(stack.outputs.uploads_bucket)


def _pace(stack: Stack, on_wait: Callable[[int], None]) -> QueuePacer:
    from cutout.operator.backfill import QueuePacer  # noqa: PLC0415 - see above

    queue, sleep = stack.ports.upload_queue, stack.clock.sleep
    return QueuePacer(upload_queue=queue, sleep=sleep, on_wait=on_wait)
