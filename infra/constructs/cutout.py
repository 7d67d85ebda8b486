"""The whole of Cutout as one construct, to deploy by itself or inside another app's stack."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from cutout.domain.object_keys import KEPT_FOLDER, PREPARED_FOLDER
from cutout.domain.polling_and_timing import LINK_SESSION
from cutout.domain.states import Pixels

from ..access.embedding_grants import Grants
from ..access.resources import Resources
from ..assets import build_all
from ..deployed_functions import SHAPES, Asset, FunctionName, shape_of
from ..monitoring.monitoring import Monitoring
from ..settings.recipe_file import recipes_of
from ..settings.settings import API_KEY, SIGNING_KEY, Settings, refuse_pixels_without_copies
from . import storage
from .callback_api import CallbackApi, CallbackDomain
from .encryption import encrypt_everything
from .function import CutoutFunction, grant_permissions, set_environments, timeout_of
from .nag_suppressions import acknowledge
from .network import Network
from .overlap_checks import BucketUse, refuse_overlaps
from .schedule import EveryMinute
from .upload_events import UploadEvents
from .work_queue import WorkQueue

# The queues of work, and the function that consumes each.
_CONSUMERS: Final = {
    "Submissions": FunctionName.SUBMIT,
    "Preparations": FunctionName.PREPARE,
    "Callbacks": FunctionName.STORE_RESULT,
}


class Cutout(Grants):
    """Photos that are uploaded to one bucket get their cut-outs in another.

    What an embedding stack may use: `uploads_bucket`, `results_bucket`, `work_bucket`, `table`,
    `submissions`, `preparations` (None where nothing is prepared), `callbacks`, `functions`,
    `callback_url`, `callback_api`, `api_key_secret`, `alarm_topic`, `monitoring`, `event_bus`, and
    the methods of `Grants`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings | None = None,
        assets: Mapping[FunctionName, Asset] | None = None,
        name: str | None = None,
        uploads_bucket: s3.IBucket | None = None,
        results_bucket: s3.IBucket | None = None,
        kms_key: kms.IKey | None = None,
        network: Network | None = None,
        callback_domain: CallbackDomain | None = None,
        alarm_topic: sns.ITopic | None = None,
        event_bus: events.IEventBus | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        removal_policy: RemovalPolicy | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Make everything that a deployment needs.

        Args:
            scope: The parent construct.
            construct_id: Its id there.
            settings: Prefixes, suffixes, limits, times, the model and the provider's addresses,
                retention, the alarms' e-mail address.
            assets: The code of each function; built from the installed sources if left out.
            name: What the secrets and metrics are named after; the stack's name if left out.
                Two Cutouts in one app need two names.
            uploads_bucket: An existing bucket to watch instead of a new one. EventBridge must be
                on for it; its other notifications are not changed.
            results_bucket: An existing bucket to write to instead of a new one.
            kms_key: A key that encrypts photos, cut-outs, jobs, messages, secrets, logs and alarms,
                instead of AWS's keys. If the key is imported, its owner adds
                `encryption.key_policy(stack)` to its policy.
            network: Where the functions run, if not in Lambda's own network.
            callback_domain: Your own host name for callbacks.
            alarm_topic: An existing topic for alarms instead of a new one. CloudWatch must be
                allowed to publish to it.
            event_bus: Gets the completion events, instead of the bus that the settings name.
            permissions_boundary: Bounds every role.
            removal_policy: What happens to buckets, table and secrets when the stack is deleted;
                if left out, they are kept, unless the settings say `ephemeral`.
            tags: Tags for every resource.

        Raises:
            SettingError: results, of this or another Cutout in the app, would be taken for photos,
                or two Cutouts overlap.
        """
        super().__init__(scope, construct_id)
        self.settings = settings or Settings()
        self.name = name or Stack.of(self).stack_name
        self.kms_key = kms_key
        self.network = network
        keep = RemovalPolicy.DESTROY if self.settings.ephemeral else storage.KEPT
        self._make_storage(uploads_bucket, results_bucket, removal_policy or keep)
        # Before anything is built: the check needs the buckets only.
        self._check_overlaps()
        self._make_queues()
        self.recipes = recipes_of(self.settings)
        self._make_functions(assets or build_all(self.settings.asset_platform, self.recipes))
        self._make_triggers(callback_domain)
        named_bus = self.settings.event_bus
        self.event_bus = event_bus or events.EventBus.from_event_bus_name(self, "Bus", named_bus)
        self.resources = self._list_resources(event_bus.event_bus_arn if event_bus else named_bus)
        # Not in the constructors: a function's environment and role name resources that were made
        # after it.
        set_environments(self.functions, self.resources)
        grant_permissions(self.functions, self.photo_reader, self.resources, self.key_statements)
        self._make_monitoring(alarm_topic)
        self._apply_to_all(permissions_boundary, tags or {})

    def _check_overlaps(self) -> None:
        """Refuse loops and overlaps, within this Cutout and with others in the app."""
        self.bucket_use = BucketUse.of(
            self.settings,
            name=self.name,
            path=self.node.path,
            uploads=self.uploads_bucket,
            results=self.results_bucket,
        )
        others = [one for one in self.node.root.node.find_all() if isinstance(one, Cutout)]
        refuse_overlaps(self.bucket_use, [one.bucket_use for one in others if one is not self])

    def _apply_to_all(
        self, permissions_boundary: iam.IManagedPolicy | None, tags: Mapping[str, str]
    ) -> None:
        """Apply key, boundary, tags and suppressions to all resources, later ones included."""
        if self.kms_key:
            encrypt_everything(self, self.kms_key)
        if permissions_boundary:
            iam.PermissionsBoundary.of(self).apply(permissions_boundary)
        for tag, value in tags.items():
            Tags.of(self).add(tag, value)
        acknowledge(self)

    def _make_storage(
        self, uploads: s3.IBucket | None, results: s3.IBucket | None, keep: RemovalPolicy
    ) -> None:
        new_bucket = partial(storage.private_bucket, self, removal_policy=keep)
        days = self.settings.old_version_days
        self.uploads_bucket = uploads or storage.send_events(
            new_bucket("Uploads", old_version_days=days)
        )
        self.results_bucket = results or new_bucket("Results", old_version_days=days)
        # A bucket of its own, so that attached buckets need no change to their lifecycle rules. A
        # copy of a photo is made for one task; results are kept for later uploads of the picture.
        expiring = {PREPARED_FOLDER: 1, KEPT_FOLDER: self.settings.retention_days}
        self.work_bucket = new_bucket("Work", expiring=expiring)
        self.table = storage.jobs_table(self, keep)
        self.calls_table = storage.calls_table(self)
        self.api_key_name = f"{self.name}/{API_KEY}"
        self.signing_key_name = f"{self.name}/{SIGNING_KEY}"
        self.api_key_secret = storage.api_key_secret(self, self.api_key_name, keep)
        storage.signing_key_secret(self, self.signing_key_name, keep)

    def _make_queues(self) -> None:
        self.work_queues = {
            name: WorkQueue(
                self, name, worker_timeout_seconds=timeout_of(SHAPES[consumer], self.settings)
            )
            for name, consumer in _CONSUMERS.items()
            if consumer is not FunctionName.PREPARE or self.settings.prepare
        }
        self.submissions = self.work_queues["Submissions"]
        self.preparations = self.work_queues.get("Preparations")
        self.callbacks = self.work_queues["Callbacks"]

    def _make_functions(self, assets: Mapping[FunctionName, Asset]) -> None:
        network = self.network and self.network.with_groups(self)
        wanted = {self.settings.pixels, *(recipe.pixels for recipe in self.recipes)}
        self.uses_source_pixels = Pixels.SOURCE in wanted
        refuse_pixels_without_copies(
            uses_source_pixels=self.uses_source_pixels, prepare=self.settings.prepare
        )
        self.functions = {
            name: CutoutFunction(
                self,
                name,
                shape=shape_of(
                    name,
                    uses_source_pixels=self.uses_source_pixels,
                    max_bytes=self.settings.max_bytes,
                ),
                asset=assets[name],
                settings=self.settings,
                network=network,
            )
            for name in SHAPES
            if name is not FunctionName.PREPARE or self.settings.prepare
        }
        self.photo_reader = iam.Role(
            self,
            "PhotoReader",
            assumed_by=iam.ArnPrincipal(self.functions[FunctionName.SUBMIT].role.role_arn),
            max_session_duration=Duration.seconds(LINK_SESSION.total_seconds()),
            description="What the photo URLs given to Evolink can do: read photos",
        )

    def _make_triggers(self, callback_domain: CallbackDomain | None) -> None:
        concurrency = {
            "Submissions": self.settings.submit_concurrency,
            "Preparations": self.settings.prepare_concurrency,
            "Callbacks": self.settings.store_concurrency,
        }
        for name, work in self.work_queues.items():
            consumer = self.functions[_CONSUMERS[name]]
            consumer.consume(work.queue, max_concurrency=concurrency[name])
        self.upload_events = UploadEvents(
            self,
            "UploadEvents",
            bucket=self.uploads_bucket,
            settings=self.settings,
            queue=self.submissions.queue,
        )
        self.callback_api = CallbackApi(
            self,
            "CallbackApi",
            receiver=self.functions[FunctionName.RECEIVE_CALLBACK].function,
            settings=self.settings,
            domain=callback_domain,
        )
        self.callback_url = self.callback_api.url
        EveryMinute(self, "EveryMinute", function=self.functions[FunctionName.SWEEP])

    def _list_resources(self, event_bus_id: str) -> Resources:
        prepare = self.functions.get(FunctionName.PREPARE)
        return Resources(
            name=self.name,
            settings=self.settings,
            uses_source_pixels=self.uses_source_pixels,
            uploads=self.uploads_bucket,
            results=self.results_bucket,
            work=self.work_bucket,
            jobs=self.table,
            calls=self.calls_table,
            submissions=self.submissions.queue,
            preparations=self.preparations.queue if self.preparations else None,
            callbacks=self.callbacks.queue,
            api_key_name=self.api_key_name,
            signing_key_name=self.signing_key_name,
            callback_url=self.callback_url,
            event_bus=self.event_bus,
            event_bus_id=event_bus_id,
            photo_reader=self.photo_reader,
            prepare_role=prepare.role if prepare else None,
        )

    def _make_monitoring(self, topic: sns.ITopic | None) -> None:
        dead_letters = {
            f"{name}DeadLetters": work.dead_letters for name, work in self.work_queues.items()
        }
        self.monitoring = Monitoring(
            self,
            "Monitoring",
            name=self.name,
            functions={name: one.function for name, one in self.functions.items()},
            queues={name: work.queue for name, work in self.work_queues.items()},
            dead_letters={**dead_letters, "UndeliverableEvents": self.upload_events.undeliverable},
            settings=self.settings,
            topic=topic,
        )
        self.alarm_topic = self.monitoring.topic
