"""What each function of a deployment is told, and what it may do, of the resources that were made.

`environment` and `permissions` say which function gets which line; here the lines get their names.
"""

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from ..access.permissions import Reach, photo_reader_statements, statements
from ..deployed_functions import FunctionName
from .environment import Names, bounds, environment
from .function import account_arn

if TYPE_CHECKING:
    from .cutout import Cutout


def tell_functions(cutout: "Cutout", *, event_bus: str) -> None:
    """Put into each function's environment where the others are.

    Args:
        cutout: The deployment, with everything made but its monitoring.
        event_bus: What functions call the bus: its name, or the ARN of one that was given.
    """
    preparations = cutout.preparations.queue if cutout.preparations else None
    prepare = cutout.functions.get(FunctionName.PREPARE)
    names = Names(
        stack=cutout.name,
        jobs_table=cutout.table.table_name,
        calls_table=cutout.calls_table.table_name,
        jobs_table_arn=cutout.table.table_arn,
        uploads_bucket=cutout.uploads_bucket.bucket_name,
        results_bucket=cutout.results_bucket.bucket_name,
        work_bucket=cutout.work_bucket.bucket_name,
        submissions_queue_url=cutout.submissions.queue.queue_url,
        preparations_queue_url=preparations.queue_url if preparations else None,
        callbacks_queue_url=cutout.callbacks.queue.queue_url,
        api_key_secret=cutout.api_key_name,
        signing_key_secret=cutout.signing_key_name,
        callback_url=cutout.callback_url,
        photo_reader_role_arn=cutout.photo_reader.role_arn,
        prepare_role_id=prepare.role.role_id if prepare else None,
        event_bus=event_bus,
    )
    for name, function in cutout.functions.items():
        function.knows(environment(name, cutout.settings, names))
        if name is FunctionName.PREPARE:
            function.knows(bounds(function.shape, function.timeout_seconds))


def let_functions(cutout: "Cutout") -> None:
    """Let each function, and who reads the photo links, do what `permissions` says."""
    for name, granted in statements(cutout.reach).items():
        for sid, actions, resources in granted:
            cutout.functions[name].may(sid, actions, resources)
    lent = photo_reader_statements(cutout.reach)
    for sid, actions, resources in lent:
        cutout.photo_reader.add_to_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))
        )
    reads = tuple(action for _, actions, _ in lent for action in actions)
    allowed = [(one.role, one.actions) for one in cutout.functions.values()]
    for role, does in [*allowed, (cutout.photo_reader, reads)]:
        for with_key in cutout.use_of_keys(does):
            role.add_to_policy(with_key)


def reach_of(cutout: "Cutout") -> Reach:
    """Name the resources that permissions are given on."""
    preparations = cutout.preparations.queue if cutout.preparations else None
    return Reach(
        uploads=cutout.uploads_bucket.bucket_arn,
        upload_prefix=cutout.settings.upload_prefix,
        results=cutout.results_bucket.bucket_arn,
        result_prefix=cutout.settings.result_prefix,
        work=cutout.work_bucket.bucket_arn,
        table=cutout.table.table_arn,
        calls=cutout.calls_table.table_arn,
        submissions=cutout.submissions.queue.queue_arn,
        preparations=preparations.queue_arn if preparations else None,
        callbacks=cutout.callbacks.queue.queue_arn,
        # Secrets Manager ends the ARN in six characters of its own.
        api_key=account_arn("secretsmanager", f"secret:{cutout.api_key_name}-??????"),
        signing_key=account_arn("secretsmanager", f"secret:{cutout.signing_key_name}-??????"),
        event_bus=cutout.event_bus.event_bus_arn,
        photo_reader=cutout.photo_reader.role_arn,
        error_notes=cutout.settings.error_notes,
        tag_source=cutout.settings.tag_source,
        delete_with_source=cutout.settings.delete_with_source,
        reuse=cutout.settings.reuse,
        takes_photos_pixels=cutout.takes_photos_pixels,
    )
