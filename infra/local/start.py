"""Starting the local cloud; independent steps run concurrently."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.local import cdk_cli, provider_server, sdk_access
from infra.local.env_file import write_env_file
from infra.local.evolink.model_file import MODEL, check_model
from infra.local.lifecycle import CLOUD, DEPLOY, SYNTH, CloudStatus, Progress, remove, status
from infra.local.local_cloud_error import LocalCloudError
from infra.local.ministack import ministack_process
from infra.local.ministack.certificates import Certificates, issue_certificates
from infra.local.place import Place, check_disk_space, free_bytes
from infra.local.processes.background import ProcessRecord
from infra.local.processes.lock import sole_command
from infra.local.processes.loopback import choose_ports
from infra.local.processes.run_ledger import Ledger, write_ledger
from infra.local.processes.waiting import Clock
from infra.settings.recipe_file import recipes_of
from infra.settings.settings import Settings
from infra.settings.value_rules import SettingError

_GATEWAY = "gateway"
_EVOLINK = "evolink"


@dataclass(frozen=True, kw_only=True)
class CloudRequest:
    """The options of a local cloud; the settings override its own.

    Without an API, it starts the stand-in, which accepts these further keys.
    """

    stack: str = "Cutout"
    settings: Mapping[str, str] = field(default_factory=dict)
    api: provider_server.ProviderServer | None = None
    stand_in_arguments: tuple[str, ...] = ()
    stand_in_keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def asked(self) -> dict[str, str]:
        """The options as the ledger stores them, without any key."""
        return {
            "stack": self.stack,
            **(self.api.stack_settings() if self.api else {}),
            **self.settings,
        }


@dataclass(frozen=True, kw_only=True)
class StartedCloud:
    """A running local cloud with a deployed stack."""

    endpoint: sdk_access.Endpoint
    operator: sdk_access.Credentials
    outputs: Mapping[str, str]
    variables: Mapping[str, str]
    api: provider_server.ProviderServer


def start_local_cloud(
    place: Place,
    request: CloudRequest,
    *,
    progress: Progress,
    clock: Clock,
    owner: ProcessRecord | None,
    environment: Mapping[str, str],
    stays_up: bool,
    free: Callable[[Path], int] = free_bytes,
    model: Path = MODEL,
) -> StartedCloud:
    """Start all processes, deploy the stack, and write ``local.env``.

    Remains of an earlier local cloud are removed first. After a failure or an interrupt no process
    is left running. Only one command at a time does this in a place. A LocalCloudError says what
    failed.

    The ledger names the owner, the process of this command, as long as the cloud ends with it. The
    environment is that of the synthesis.
    """
    if request.api is None or request.api.port is not None:
        check_model(model)
    with sole_command(place, clock):
        if status(place) in {CloudStatus.UP, CloudStatus.BUSY}:
            raise LocalCloudError(
                "Another command has just started the local cloud of this folder.",
                advice="Run it again to use that one.",
            )
        remove(place, clock)
        start = _Start(place, request, progress, clock, Ledger(owner=owner, asked=request.asked))
        with ExitStack() as on_failure:
            # Also after Ctrl-C: no process is left running.
            on_failure.callback(remove, place, clock)
            try:
                cloud = start.run(environment)
            except LocalCloudError:
                check_disk_space(place.state, free)
                raise
            if stays_up:
                # Without an owner, the processes belong to the folder until `cutout down`.
                start.release()
            on_failure.pop_all()
    return cloud


class _Start:
    """The steps of one start."""

    def __init__(
        self, place: Place, request: CloudRequest, progress: Progress, clock: Clock, ledger: Ledger
    ) -> None:
        ports = choose_ports((_GATEWAY, _EVOLINK), place.ports_file)
        self._place = place
        self._request = request
        self._progress = progress
        self._clock = clock
        self._ledger = ledger
        self._api = request.api or provider_server.stand_in(ports[_EVOLINK])
        self._endpoint = sdk_access.Endpoint(port=ports[_GATEWAY], authority=place.tls / "ca.pem")

    def run(self, environment: Mapping[str, str]) -> StartedCloud:
        settings = local_settings(self._endpoint, self._api, self._request)
        mark = cdk_cli.fingerprint(self._place.source, settings)
        output = cdk_cli.synthesized_folder(self._place, mark)
        self._progress.begin(CLOUD)
        self._write(self._ledger)
        certificates = issue_certificates(self._place.tls)
        with ExitStack() as stack:
            runs: dict[str, cdk_cli.CdkRun] = {}
            if not cdk_cli.is_synthesized(output):
                self._progress.begin(SYNTH)
                run = cdk_cli.synth_run(self._place, environment, output=output, settings=settings)
                runs[SYNTH] = stack.enter_context(run)
            operator = self._start_servers(certificates)
            variables = sdk_access.sdk_variables(self._endpoint, operator)
            # The synthesis runs meanwhile: it needs no cloud.
            runs[CLOUD] = stack.enter_context(cdk_cli.bootstrap_run(self._place, variables))
            cdk_cli.finish_all(runs, self._progress, self._clock)
        cdk_cli.mark_synthesized(output)
        outputs = self._deploy(output, variables)
        sdk_access.client("secretsmanager", self._endpoint, operator).put_secret_value(
            SecretId=outputs["ApiKeySecretName"], SecretString=self._api.key
        )
        variables |= self._stack_variables(outputs)
        write_env_file(self._place.env_file, variables)
        self._write(replace(self._ledger, fingerprint=mark))
        return StartedCloud(
            endpoint=self._endpoint,
            operator=operator,
            outputs=outputs,
            variables=variables,
            api=self._api,
        )

    def release(self) -> None:
        """Keep the cloud running after this command."""
        self._write(replace(self._ledger, owner=None))

    def _start_servers(self, certificates: Certificates) -> sdk_access.Credentials:
        root = sdk_access.root_credentials()
        gateway = ministack_process.start_ministack(
            self._place,
            self._endpoint,
            certificates=certificates,
            interpreter=ministack_process.bare_interpreter(self._place.cache),
            root=root,
            reaches_outside=self._api.reaches_outside,
        )
        self._write(self._ledger.with_process(gateway))
        if self._api.port is not None:
            process = provider_server.start_stand_in(
                self._place,
                self._api,
                authority=certificates.authority,
                more_keys=self._request.stand_in_keys,
                arguments=self._request.stand_in_arguments,
            )
            self._write(self._ledger.with_process(process))
        ministack_process.wait_for_ministack(
            gateway, self._endpoint, self._clock, log=self._place.state / "ministack.log"
        )
        operator = sdk_access.make_operator(self._endpoint, root)
        if self._api.port is not None:
            provider_server.wait_for_stand_in(process, self._place, self._clock)
        return operator

    def _deploy(self, output: Path, variables: Mapping[str, str]) -> Mapping[str, str]:
        self._progress.begin(DEPLOY)
        outputs = self._place.scratch / "outputs.json"
        stack = self._request.stack
        with cdk_cli.deploy_run(
            self._place, variables, output=output, stack=stack, outputs=outputs
        ) as deploying:
            cdk_cli.finish_all({DEPLOY: deploying}, self._progress, self._clock)
        stacks: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return stacks[self._request.stack]

    def _stack_variables(self, outputs: Mapping[str, str]) -> dict[str, str]:
        return {
            "CUTOUT_STACK": self._request.stack,
            "CUTOUT_UPLOADS_BUCKET": outputs["UploadsBucketName"],
            "CUTOUT_RESULTS_BUCKET": outputs["ResultsBucketName"],
            "CUTOUT_JOBS_TABLE": outputs["JobsTableName"],
            "CUTOUT_EVOLINK_URL": self._api.url or "",
            "CUTOUT_EVOLINK_CONTROL_TOKEN": self._api.control_token,
        }

    def _write(self, ledger: Ledger) -> None:
        self._ledger = ledger
        write_ledger(self._place.ledger_file, ledger)


def check_settings(request: CloudRequest) -> None:
    """Check the settings and recipes that the synthesis will read; LocalCloudError if refused."""
    local = {"ephemeral": "true", "allow_loopback": "true"}
    try:
        recipes_of(Settings.from_context(local | request.asked))
    except SettingError as error:
        raise LocalCloudError(f"Refused: {error}", advice="Nothing was started.") from error


def local_settings(
    endpoint: sdk_access.Endpoint, api: provider_server.ProviderServer, request: CloudRequest
) -> dict[str, str]:
    """Return the settings for the synthesis of the stack."""
    return {
        "stack": request.stack,
        "ephemeral": "true",
        "allow_loopback": "true",
        "asset_platform": "local",
        "callback_base_url": endpoint.callback_base_url,
        **api.stack_settings(),
        **request.settings,
    }
