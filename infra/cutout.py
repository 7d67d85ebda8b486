"""The whole of Cutout as one construct, to deploy by itself or inside another app's stack."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from .callback_api import CallbackApi
from .environment import Names, environment
from .function import CutoutFunction, account_arn
from .inventory import SHAPES, Asset, FunctionName
from .monitoring import Monitoring
from .permissions import Reach, photo_reader_statement, statements
from .queues import WorkQueue
from .rules import SettingError
from .schedule import EveryMinute
from .settings import ROLE_SESSION_SECONDS, Settings
from .storage import (
    api_key_secret,
    jobs_table,
    photo_bucket,
    signing_key_secret,
    work_bucket,
)
from .uploads import UploadEvents


class Cutout(Construct):
    """Photos that land in one bucket come out of another as cut-outs.

    What an embedding stack may use: `uploads_bucket`, `results_bucket`, `work_bucket`, `table`,
    `submissions`, `callbacks`, `functions`, `callback_url`, `api_key_secret`, `monitoring`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        assets: Mapping[FunctionName, Asset],
        name: str | None = None,
        uploads_bucket: s3.IBucket | None = None,
        results_bucket: s3.IBucket | None = None,
    ) -> None:
        """Make everything that the way of a photo needs.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            settings: Limits, times, the provider's addresses, what becomes of data.
            assets: The code of each function.
            name: What the secrets and metrics are named after; the stack's name if left out.
                Two of them in one stack need two names.
            uploads_bucket: A bucket to watch instead of one of its own. EventBridge must be on
                for it.
            results_bucket: A bucket to write to instead of one of its own.

        Raises:
            SettingError: uploads and results would share a place in one bucket.
        """
        super().__init__(scope, construct_id)
        refuse_overlap(settings, uploads_bucket, results_bucket)
        self.settings = settings
        self.name = name or Stack.of(self).stack_name
        self._make_storage(uploads_bucket, results_bucket)
        self._make_queues()
        self._make_functions(assets)
        self._make_triggers()
        self._tell_functions()
        self._let_functions()
        self._make_monitoring()

    def _make_storage(self, uploads: s3.IBucket | None, results: s3.IBucket | None) -> None:
        keep = RemovalPolicy.DESTROY if self.settings.ephemeral else RemovalPolicy.RETAIN
        self.uploads_bucket = uploads or photo_bucket(
            self, "Uploads", removal_policy=keep, announces=True
        )
        self.results_bucket = results or photo_bucket(
            self, "Results", removal_policy=keep, announces=False
        )
        self.work_bucket = work_bucket(
            self, "Work", removal_policy=keep, kept_days=self.settings.retention_days
        )
        self.table = jobs_table(self, "Jobs", removal_policy=keep)
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
        self.callbacks = WorkQueue(
            self, "Callbacks", worker_timeout_seconds=self._timeout(FunctionName.STORE_RESULT)
        )

    def _make_functions(self, assets: Mapping[FunctionName, Asset]) -> None:
        self.functions = {
            name: CutoutFunction(
                self,
                name,
                shape=shape,
                asset=assets[name],
                timeout_seconds=self._timeout(name),
                log_retention_days=self.settings.log_retention_days,
                reserves_concurrency=self.settings.reserved_concurrency,
            )
            for name, shape in SHAPES.items()
        }
        self.photo_reader = iam.Role(
            self,
            "PhotoReader",
            assumed_by=iam.ArnPrincipal(self.functions[FunctionName.SUBMIT].role.role_arn),
            max_session_duration=Duration.seconds(ROLE_SESSION_SECONDS),
            description="What the photo URLs given to Evolink can do: read photos",
        )

    def _make_triggers(self) -> None:
        self.functions[FunctionName.SUBMIT].works_off(
            self.submissions.queue, max_concurrency=self.settings.submit_concurrency
        )
        self.functions[FunctionName.STORE_RESULT].works_off(
            self.callbacks.queue, max_concurrency=self.settings.store_concurrency
        )
        self.upload_events = UploadEvents(
            self,
            "UploadEvents",
            bucket=self.uploads_bucket,
            prefix=self.settings.upload_prefix,
            queue=self.submissions.queue,
        )
        self.callback_url = CallbackApi(
            self,
            "CallbackApi",
            receiver=self.functions[FunctionName.RECEIVE_CALLBACK].function,
            base_url=self.settings.callback_base_url,
            log_retention_days=self.settings.log_retention_days,
        ).url
        EveryMinute(self, "EveryMinute", function=self.functions[FunctionName.SWEEP].function)

    def _tell_functions(self) -> None:
        names = Names(
            stack=self.name,
            jobs_table=self.table.table_name,
            uploads_bucket=self.uploads_bucket.bucket_name,
            results_bucket=self.results_bucket.bucket_name,
            work_bucket=self.work_bucket.bucket_name,
            submissions_queue_url=self.submissions.queue.queue_url,
            callbacks_queue_url=self.callbacks.queue.queue_url,
            api_key_secret=self.api_key_name,
            signing_key_secret=self.signing_key_name,
            callback_url=self.callback_url,
            photo_reader_role_arn=self.photo_reader.role_arn,
        )
        for name, function in self.functions.items():
            function.knows(environment(name, self.settings, names))

    def _let_functions(self) -> None:
        reach = self._reach()
        for name, granted in statements(reach).items():
            for sid, actions, resources in granted:
                self.functions[name].may(sid, actions, resources)
        sid, actions, resources = photo_reader_statement(reach)
        self.photo_reader.add_to_policy(
            iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources))
        )

    def _make_monitoring(self) -> None:
        self.monitoring = Monitoring(
            self,
            "Monitoring",
            name=self.name,
            functions={name: one.function for name, one in self.functions.items()},
            queues={"Submissions": self.submissions.queue, "Callbacks": self.callbacks.queue},
            dead_letters={
                "SubmissionsDeadLetters": self.submissions.dead_letters,
                "CallbacksDeadLetters": self.callbacks.dead_letters,
                "UndeliverableEvents": self.upload_events.undeliverable,
            },
            alarm_email=self.settings.alarm_email,
        )

    def _reach(self) -> Reach:
        return Reach(
            uploads=self.uploads_bucket.bucket_arn,
            upload_prefix=self.settings.upload_prefix,
            results=self.results_bucket.bucket_arn,
            result_prefix=self.settings.result_prefix,
            work=self.work_bucket.bucket_arn,
            table=self.table.table_arn,
            submissions=self.submissions.queue.queue_arn,
            callbacks=self.callbacks.queue.queue_arn,
            # Secrets Manager ends the ARN in six characters of its own.
            api_key=account_arn("secretsmanager", f"secret:{self.api_key_name}-??????"),
            signing_key=account_arn("secretsmanager", f"secret:{self.signing_key_name}-??????"),
            event_bus=account_arn("events", f"event-bus/{self.settings.event_bus}"),
            photo_reader=self.photo_reader.role_arn,
        )

    def _timeout(self, name: FunctionName) -> int:
        """Return a time-out that no lease runs out before: who holds one is never still at it."""
        return min(SHAPES[name].timeout_seconds, self.settings.lease_seconds)


def refuse_overlap(
    settings: Settings, uploads: s3.IBucket | None, results: s3.IBucket | None
) -> None:
    """Refuse a deployment whose results would land where it watches for photos.

    Raises:
        SettingError: both are in one bucket and a result's key could begin with the watched prefix.
    """
    if uploads is None or results is None or not _same_bucket(uploads, results):
        return
    watched = settings.upload_prefix
    for written in (settings.result_prefix, "review/"):
        if watched.startswith(written) or written.startswith(watched):
            raise SettingError(
                f"uploads and results share a bucket, and what is written under {written!r} would "
                f"be taken for photos under {watched!r}: give upload_prefix and result_prefix two "
                "places that do not contain each other, such as photos/ and cut-outs/"
            )


def _same_bucket(one: s3.IBucket, other: s3.IBucket) -> bool:
    if Token.is_unresolved(one.bucket_name) or Token.is_unresolved(other.bucket_name):
        return one is other or one.node.path == other.node.path
    return one.bucket_name == other.bucket_name
