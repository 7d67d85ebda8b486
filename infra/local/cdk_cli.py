"""Runs of the CDK with captured output, and the cache of what it synthesized.

A run stops with the command that starts it. A synthesis is in a folder named after what it depends
on.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from infra.local.lifecycle import Progress
from infra.local.local_cloud_error import LocalCloudError
from infra.local.place import Place
from infra.local.processes.waiting import Clock
from infra.local.sdk_access import ACCOUNT, REGION
from infra.node import node_path
from infra.version import FOR_PEOPLE, digest_of, sources

_QUIET = {
    "CDK_DISABLE_VERSION_CHECK": "1",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    "NO_COLOR": "1",
}
_NOT_PASSED_ON = ("AWS_", "EVOLINK_API_KEY")
_SHOWN_LINES = 25
_END_TIMEOUT_SECONDS = 5
_PAUSE_SECONDS = 0.05
_INPUTS = (
    "functions/**/*.py",
    "infra/**/*.py",
    "infra/**/*.json",
    "requirements/*.txt",
)
# What only commands use: a change of it needs no new synthesis.
_NO_INPUTS = (*FOR_PEOPLE, "infra/local", "infra/cdk/node_modules")
_KEPT_SYNTHESES = 3
_COMPLETE = ".complete"


@dataclass(kw_only=True)
class CdkRun(contextlib.AbstractContextManager["CdkRun"]):
    """One run of the CDK or of the project's app; it gets no other variables of this process.

    Entering the context starts it. Leaving the context stops it, finished or not.
    """

    title: str
    folder: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    _process: subprocess.Popen[bytes] = field(init=False, repr=False)

    def __enter__(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own CDK
                self.command,
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Its own session: Ctrl-C reaches this process alone, which stops the others in
                # order.
                start_new_session=True,
            )
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(_END_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether the run has ended, successfully or not."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Wait for the end of the run.

        Raises:
            LocalCloudError: it failed; the message has the end of its output.
        """
        if self._process.wait() != 0:
            lines = self.log.read_text(errors="replace").rstrip().splitlines()
            shown = "\n".join(lines[-_SHOWN_LINES:])
            raise LocalCloudError(
                f"{self.title} failed:\n\n{shown}",
                advice=f"The whole output is in {self.log}.",
            )

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def finish_all(runs: Mapping[str, CdkRun], progress: Progress, clock: Clock) -> None:
    """Wait for concurrent runs, report the end of each phase, and raise at the first failure."""
    left = dict(runs)
    while left:
        for phase in [phase for phase, run in left.items() if run.has_ended]:
            left.pop(phase).finish()
            progress.end(phase)
        if left:
            clock.sleep(_PAUSE_SECONDS)


def synth_run(
    place: Place, environment: Mapping[str, str], *, output: Path, settings: Mapping[str, str]
) -> CdkRun:
    """Return the run that writes the stack's template and assets to ``output``."""
    folder = place.source / "infra"
    flags = json.loads((folder / "cdk.json").read_text())["context"]
    # The person's environment: building the assets may need settings for package registries.
    kept = {
        name: value for name, value in environment.items() if not name.startswith(_NOT_PASSED_ON)
    }
    return CdkRun(
        title="Synthesizing the stack",
        folder=folder,
        # The app alone: `cdk synth` would only start it, with these variables. -O leaves out jsii's
        # checks of every argument's type: a tenth less to compile at the first start.
        command=(sys.executable, "-O", "-P", "-m", "infra.app"),
        environment={
            **kept,
            **_QUIET,
            "CDK_OUTDIR": str(output),
            "CDK_CONTEXT_JSON": json.dumps({**flags, **settings}),
            # The construct library's check of the template takes most of a synthesis. Deployments
            # to AWS have it.
            "CDK_VALIDATION": "false",
        },
        log=place.state / "synth.log",
    )


def bootstrap_run(place: Place, variables: Mapping[str, str]) -> CdkRun:
    """Return the run that prepares the account for deployments."""
    return _cdk_run(
        place,
        variables,
        "Bootstrapping the local cloud",
        *("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--ci", "--no-notices"),
    )


def deploy_run(
    place: Place, variables: Mapping[str, str], *, output: Path, stack: str, outputs: Path
) -> CdkRun:
    """Return the run that deploys the synthesis in ``output`` and writes its ``outputs``."""
    return _cdk_run(
        place,
        variables,
        f"Deploying {stack}",
        *("deploy", stack, "--ci", "--no-notices", "--require-approval", "never"),
        *("--app", str(output), "--outputs-file", str(outputs), "--concurrency", "4"),
    )


def _cdk_run(
    place: Place, variables: Mapping[str, str], title: str, action: str, *arguments: str
) -> CdkRun:
    """Return a run on the local cloud, with these variables and none of the person's."""
    node = node_path()
    return CdkRun(
        title=title,
        # Not the folder of `cdk.json`, which would make it run the app again.
        folder=place.scratch,
        command=(str(node), str(cdk_script(place)), action, *arguments),
        environment={
            **_QUIET,
            **place.environment,
            "PATH": os.pathsep.join([str(node.parent), os.defpath]),
            # Node.js keeps the compiled CDK there, for the next run.
            "NODE_COMPILE_CACHE": str(place.cache / "node"),
            **variables,
        },
        log=place.state / f"{action}.log",
    )


def cdk_script(place: Place) -> Path:
    """Return the CDK that ``package-lock.json`` pins; LocalCloudError if it is not installed."""
    script = place.source / "infra" / "cdk" / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not script.is_file():
        raise LocalCloudError(
            "The CDK command line is not installed.", advice="Run `make install` first."
        )
    return script


def fingerprint(source: Path, settings: Mapping[str, str]) -> str:
    """Return a digest of the sources, locks, settings and this Python's version."""
    also = json.dumps([sorted(settings.items()), sys.version])
    return digest_of(sources(source, _INPUTS, skipped=_NO_INPUTS), also=also)[:16]


def synthesized_folder(place: Place, fingerprint: str) -> Path:
    """Return the folder for the stack with this fingerprint."""
    return place.cache / "synth" / fingerprint


def is_synthesized(folder: Path) -> bool:
    """Return True if the folder contains a complete synthesis."""
    return (folder / _COMPLETE).is_file()


def mark_synthesized(folder: Path) -> None:
    """Mark the synthesis as complete and just used; delete all but the last few."""
    (folder / _COMPLETE).touch()
    complete = list(folder.parent.glob(f"*/{_COMPLETE}"))
    complete.sort(key=lambda marker: marker.stat().st_mtime_ns, reverse=True)
    for marker in complete[_KEPT_SYNTHESES:]:
        shutil.rmtree(marker.parent, ignore_errors=True)
