"""The whole of Cutout as one construct, to deploy by itself or inside another app's stack."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Stack, Tags
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from ..access.grants import Shared
from ..assets import build_all
from ..deployed_functions import SHAPES, Asset, FunctionName, shape_of
from ..monitoring.monitoring import Monitoring
from ..settings.recipe_file import as_json, recipes_of
from ..settings.settings import Settings
from ..settings.settings_checks import refuse_pixels_without_copies
from .callback_api import CallbackApi, CallbackDomain
from .encryption import encrypt_everything
from .function import CutoutFunction
from .function_config import let_functions, reach_of, tell_functions
from .nag_suppressions import acknowledge
from .network import Network
from .overlap_checks import Claim, refuse_circles
from .queues import WorkQueue
from .schedule import EveryMinute
from .storage import (
    KEPT,
    api_key_secret,
    calls_table,
    jobs_table,
    photo_bucket,
    signing_key_secret,
    work_bucket,
)
from .upload_events import UploadEvents

ROLE_SESSION_SECONDS: Final = 3600
"""Longest session of a role assumed by a role; a presigned URL dies with it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage-assume.html
"""


class Cutout(Shared):
    """Photos that land in one bucket come out of another as cut-outs.

    What an embedding stack may use: `uploads_bucket`, `results_bucket`, `work_bucket`, `table`,
    `submissions`, `preparations` (None where nothing is prepared), `callbacks`, `functions`,
    `callback_url`, `callback_api`, `api_key_secret`, `alarm_topic`, `monitoring`, `event_bus`, and
    the grants, metrics and rules of `Shared`.
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
        """Make everything that the way of a photo needs.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            settings: Prefixes, suffixes, limits, times, the model and the provider's addresses,
                retention, the alarms' e-mail address.
            assets: The code of each function; built from the installed sources if left out.
            name: What the secrets and metrics are named after; the stack's name if left out.
                Two of them in one app need two names.
            uploads_bucket: A bucket to watch instead of one of its own. EventBridge must be on
                for it; its other notifications are not touched.
            results_bucket: A bucket to write to instead of one of its own.
            kms_key: A key to encrypt photos, cut-outs, rows, messages, secrets, logs and alarms
                with, instead of AWS's. If the key is imported, its owner adds
                `encryption.key_policy(stack)` to its policy.
            network: Where the functions run, if not in Lambda's own network.
            callback_domain: A host name of one's own for callbacks.
            alarm_topic: Where alarms go, instead of to a topic of its own. CloudWatch must be let
                publish to it.
            event_bus: Where word of each photo goes, instead of to the bus that the settings name.
            permissions_boundary: What bounds every role.
            removal_policy: What becomes of buckets, table and secrets with the stack; kept if left
                out, unless the settings say `ephemeral`.
            tags: What every resource is tagged with.

        Raises:
            SettingError: results, its own or another's in the app, would be taken for photos, or
                two of them would get in each other's way.
        """
        super().__init__(scope, construct_id)
        self.settings = settings or Settings()
        self.name = name or Stack.of(self).stack_name
        self.kms_key = kms_key
        self.network = network
        keep = RemovalPolicy.DESTROY if self.settings.ephemeral else KEPT
        self._make_storage(uploads_bucket, results_bucket, removal_policy or keep)
        self._claim_places()
        self._make_queues()
        self.recipes = recipes_of(self.settings)
        self._make_functions(assets or self._build())
        self._make_triggers(callback_domain)
        self._make_bus(event_bus)
        tell_functions(self, event_bus=self._bus)
        self.reach = reach_of(self)
        let_functions(self)
        self._make_monitoring(alarm_topic)
        self._dress(permissions_boundary, tags or {})

    def _claim_places(self) -> None:
        """Refuse what would go in circles, alone or with another in the same app."""
        self.claim = Claim.of(
            self.settings,
            name=self.name,
            path=self.node.path,
            uploads=self.uploads_bucket,
            results=self.results_bucket,
        )
        others = [one for one in self.node.root.node.find_all() if isinstance(one, Cutout)]
        refuse_circles(self.claim, [one.claim for one in others if one is not self])

    def _dress(
        self, permissions_boundary: iam.IManagedPolicy | None, tags: Mapping[str, str]
    ) -> None:
        """Give every resource, those that are added later as well, what the house demands."""
        if self.kms_key:
            encrypt_everything(self, self.kms_key)
        if permissions_boundary:
            iam.PermissionsBoundary.of(self).apply(permissions_boundary)
        for tag, value in tags.items():
            Tags.of(self).add(tag, value)
        acknowledge(self)

    def _build(self) -> Mapping[FunctionName, Asset]:
        return build_all(self.settings.asset_platform, as_json(self.recipes))

    def _make_storage(
        self, uploads: s3.IBucket | None, results: s3.IBucket | None, keep: RemovalPolicy
    ) -> None:
        old_version_days = self.settings.old_version_days
        self.uploads_bucket = uploads or photo_bucket(
            self,
            "Uploads",
            removal_policy=keep,
            announces=True,
            old_version_days=old_version_days,
        )
        self.results_bucket = results or photo_bucket(
            self,
            "Results",
            removal_policy=keep,
            announces=False,
            old_version_days=old_version_days,
        )
        self.work_bucket = work_bucket(
            self, "Work", removal_policy=keep, kept_days=self.settings.retention_days
        )
        self.table = jobs_table(self, "Jobs", removal_policy=keep)
        self.calls_table = calls_table(self, "Calls")
        self.api_key_name = f"{self.name}/evolink-api-key"
        self.signing_key_name = f"{self.name}/callback-signing-key"
        self.api_key_secret = api_key_secret(
            self, "ApiKey", name=self.api_key_name, removal_policy=keep
        )
        self.signing_key_secret = signing_key_secret(
            self, "SigningKey", name=self.signing_key_name, removal_policy=keep
        )

    def _make_queues(self) -> None:
        self.submissions = WorkQueue(
            self, "Submissions", worker_timeout_seconds=self._timeout(FunctionName.SUBMIT)
        )
        self.preparations = (
            WorkQueue(
                self, "Preparations", worker_timeout_seconds=self._timeout(FunctionName.PREPARE)
            )
            if self.settings.prepare
            else None
        )
        self.callbacks = WorkQueue(
            self, "Callbacks", worker_timeout_seconds=self._timeout(FunctionName.STORE_RESULT)
        )

    @property
    def work_queues(self) -> dict[str, WorkQueue]:
        """Every queue that a function works off, by name."""
        return {
            "Submissions": self.submissions,
            **({"Preparations": self.preparations} if self.preparations else {}),
            "Callbacks": self.callbacks,
        }

    def _make_functions(self, assets: Mapping[FunctionName, Asset]) -> None:
        groups = self.network.groups_in(self) if self.network else ()
        asked = {self.settings.pixels, *(recipe.get("pixels") for recipe in self.recipes)}
        self.takes_photos_pixels = "source" in asked
        refuse_pixels_without_copies(self.settings, wanted=self.takes_photos_pixels)
        self.functions = {
            name: CutoutFunction(
                self,
                name,
                shape=shape_of(name, takes_photos_pixels=self.takes_photos_pixels),
                asset=assets[name],
                timeout_seconds=self._timeout(name),
                log_retention_days=self.settings.log_retention_days,
                reserves_concurrency=self.settings.reserved_concurrency,
                network=self.network,
                security_groups=groups,
            )
            for name in SHAPES
            if name is not FunctionName.PREPARE or self.settings.prepare
        }
        self.photo_reader = iam.Role(
            self,
            "PhotoReader",
            assumed_by=iam.ArnPrincipal(self.functions[FunctionName.SUBMIT].role.role_arn),
            max_session_duration=Duration.seconds(ROLE_SESSION_SECONDS),
            description="What the photo URLs given to Evolink can do: read photos",
        )

    def _make_triggers(self, callback_domain: CallbackDomain | None) -> None:
        self.functions[FunctionName.SUBMIT].works_off(
            self.submissions.queue, max_concurrency=self.settings.submit_concurrency
        )
        if self.preparations:
            self.functions[FunctionName.PREPARE].works_off(
                self.preparations.queue, max_concurrency=self.settings.prepare_concurrency
            )
        self.functions[FunctionName.STORE_RESULT].works_off(
            self.callbacks.queue, max_concurrency=self.settings.store_concurrency
        )
        self.upload_events = UploadEvents(
            self,
            "UploadEvents",
            bucket=self.uploads_bucket,
            prefix=self.settings.upload_prefix,
            suffixes=self.settings.upload_suffixes,
            queue=self.submissions.queue,
        )
        self.callback_api = CallbackApi(
            self,
            "CallbackApi",
            receiver=self.functions[FunctionName.RECEIVE_CALLBACK].function,
            base_url=self.settings.callback_base_url,
            max_in_flight=self.settings.max_in_flight,
            log_retention_days=self.settings.log_retention_days,
            domain=callback_domain,
        )
        self.callback_url = self.callback_api.url
        EveryMinute(self, "EveryMinute", function=self.functions[FunctionName.SWEEP].function)

    def _make_bus(self, given: events.IEventBus | None) -> None:
        named = self.settings.event_bus
        self.event_bus = given or events.EventBus.from_event_bus_name(self, "Bus", named)
        self._bus = given.event_bus_arn if given else named

    def _make_monitoring(self, topic: sns.ITopic | None) -> None:
        self.monitoring = Monitoring(
            self,
            "Monitoring",
            name=self.name,
            functions={name: one.function for name, one in self.functions.items()},
            queues={name: work.queue for name, work in self.work_queues.items()},
            dead_letters={
                **{
                    f"{name}DeadLetters": work.dead_letters
                    for name, work in self.work_queues.items()
                },
                "UndeliverableEvents": self.upload_events.undeliverable,
            },
            alarm_email=self.settings.alarm_email,
            topic=topic,
            expects_callbacks=self.settings.callbacks,
            runbooks=self.settings.runbook_url,
        )
        self.alarm_topic = self.monitoring.topic

    def _timeout(self, name: FunctionName) -> int:
        """Return a time-out that no lease runs out before: who holds one is never still at it."""
        return min(SHAPES[name].timeout_seconds, self.settings.lease_seconds)
