"""The CDK command line, run with captured output and stopped with the command that runs it."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.local.endpoint import ACCOUNT, REGION
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place
from infra.local.processes.waiting import Clock
from infra.local.start_phases import Progress
from infra.node import node_path

_QUIET = {
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    "NO_COLOR": "1",
}
_NOT_PASSED_ON = ("AWS_", "EVOLINK_API_KEY")
_SHOWN_LINES = 25
_NEEDLESS_LINE = ": Subprocess exited with error 1"  # what the CDK adds to the error of its app
_END_TIMEOUT_SECONDS = 5
_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class CdkRun:
    """One run of the CDK.

    Attributes:
        title: What it does, for messages.
        folder: Where it runs; the CDK reads the ``cdk.json`` there, if there is one.
        arguments: The arguments of the CDK.
        log: The file for its output.
    """

    title: str
    folder: Path
    arguments: tuple[str, ...]
    log: Path


class RunningCdk:
    """A run that has started. Leaving the context stops it, finished or not."""

    def __init__(self, run: CdkRun, place: Place, environment: Mapping[str, str]) -> None:
        self._run = run
        run.log.parent.mkdir(parents=True, exist_ok=True)
        self._log = run.log.open("w")
        self._process = subprocess.Popen(  # noqa: S603 - our own Node.js and CDK
            [str(node_binary()), str(cdk_script(place)), *run.arguments],
            cwd=run.folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # Its own session: Ctrl-C reaches this process alone, which stops the others in order.
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Return the run."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the process and its children if it still runs."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(_END_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        self._log.close()

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended, successfully or not."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Wait for the end of the run.

        Raises:
            LocalCloudError: It failed; the message contains the end of its output.
        """
        if self._process.wait() != 0:
            raise LocalCloudError(
                f"{self._run.title} failed:\n\n{_end_of(self._run.log)}",
                advice=f"The whole output is in {self._run.log}.",
            )

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def finish_all(runs: Mapping[str, RunningCdk], progress: Progress, clock: Clock) -> None:
    """Wait for concurrent runs, and report the end of each phase.

    Raises:
        LocalCloudError: One of them failed; the others are not waited for.
    """
    left = dict(runs)
    while left:
        for phase in [phase for phase, run in left.items() if run.has_ended]:
            left.pop(phase).finish()
            progress.end(phase)
        if left:
            clock.sleep(_PAUSE_SECONDS)


def synth_run(place: Place, *, output: Path, settings: Mapping[str, str]) -> CdkRun:
    """Return the run that writes the stack's template and assets to ``output``."""
    app = f"{shlex.quote(sys.executable)} -P -m infra.app"
    return CdkRun(
        title="Synthesizing the stack",
        folder=place.source / "infra",
        arguments=(
            *("synth", "--quiet", "--no-notices", "--app", app, "--output", str(output)),
            *_as_context(settings),
        ),
        log=place.logs / "synth.log",
    )


def bootstrap_run(place: Place) -> CdkRun:
    """Return the run that prepares the account for deployments."""
    return CdkRun(
        title="Bootstrapping the local cloud",
        folder=place.scratch,
        arguments=("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--ci", "--no-notices"),
        log=place.logs / "bootstrap.log",
    )


def deploy_run(place: Place, *, output: Path, stack: str, outputs: Path) -> CdkRun:
    """Return the run that deploys the synthesis in ``output`` and writes its ``outputs``."""
    return CdkRun(
        title=f"Deploying {stack}",
        folder=place.scratch,
        arguments=(
            *("deploy", stack, "--ci", "--no-notices", "--require-approval", "never"),
            *("--app", str(output), "--outputs-file", str(outputs), "--concurrency", "4"),
        ),
        log=place.logs / "deploy.log",
    )


def synth_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a person's environment without their AWS settings and API key, and with Node.js."""
    # Building the assets may need the person's settings for package registries.
    kept = {
        name: value for name, value in environment.items() if not name.startswith(_NOT_PASSED_ON)
    }
    path = environment.get("PATH", os.defpath)
    return {
        **kept,
        **_QUIET,
        "PATH": os.pathsep.join([str(node_binary().parent), path]),
        # The CDK reads these files even if it does not call AWS, and fails on broken ones.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        # The construct library's check of the template takes most of a synthesis. Deployments to
        # AWS have it.
        "CDK_VALIDATION": "false",
    }


def cdk_environment(place: Place, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for runs on the local cloud, without any of the person's variables."""
    path = os.pathsep.join([str(node_binary().parent), os.defpath])
    return {**_QUIET, **place.environment, "PATH": path, **variables}


def node_binary() -> Path:
    """Return the project's own Node.js.

    Raises:
        LocalCloudError: It is not installed.
    """
    try:
        return node_path()
    except ModuleNotFoundError as error:
        raise LocalCloudError(
            "Node.js is not installed, and the CDK needs it.", advice="Run `make install` first."
        ) from error


def cdk_script(place: Place) -> Path:
    """Return the CDK command line that ``infra/cdk/package-lock.json`` pins.

    Raises:
        LocalCloudError: It is not installed.
    """
    script = place.source / "infra" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not script.is_file():
        raise LocalCloudError(
            "The CDK command line is not installed.", advice="Run `make install` first."
        )
    return script


def _as_context(settings: Mapping[str, str]) -> Sequence[str]:
    pairs = (("-c", f"{name}={value}") for name, value in sorted(settings.items()))
    return [argument for pair in pairs for argument in pair]


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").rstrip().splitlines()
    shown = [line for line in lines if not line.endswith(_NEEDLESS_LINE)]
    return "\n".join(shown[-_SHOWN_LINES:])
