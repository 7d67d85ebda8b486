"""How long a synthesis takes, cold and warm, and whether two clones make the same assets.

    python -m tests.benchmarks.synth

Clones the checkout twice into a temporary folder, with nothing in it that was ever built or
compiled, and runs `python -m infra.app` there as the CDK does, without and then with what the first
run left: the first installs the locked packages for Lambda and compiles them, which takes the
package registries or their cache. Prints the seconds, those of computing with them, since a machine
may be busy, and each asset's digest in both clones; the exit status is 1 if they differ. What is
not committed is not measured.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2]
_WARM_RUNS = 2
_STACK = "Cutout"


def main() -> int:
    """Measure, print, return the exit status."""
    with tempfile.TemporaryDirectory(prefix="cutout-synth-") as temporary:
        clones = [Path(temporary) / name for name in ("first-clone", "second clone, elsewhere")]
        digests = []
        for clone in clones:
            _run(["git", "clone", "--quiet", str(_PROJECT), str(clone)], dict(os.environ))
            _say(f"{clone.name}: cold {_told(_synthesize(clone))}")
            warm = min(_synthesize(clone) for _ in range(_WARM_RUNS))
            _say(f"{clone.name}: warm {_told(warm)}, the best of {_WARM_RUNS}")
            digests.append(_digests(clone))
    for name, digest in digests[0].items():
        _say(f"{name:<16} {digest[:16]} {digests[1].get(name, '')[:16]}")
    is_same = digests[0] == digests[1]
    _say("the same assets" if is_same else "the assets DIFFER")
    return 0 if is_same else 1


def _told(seconds: tuple[float, float]) -> str:
    return f"{seconds[0]:.1f} s ({seconds[1]:.1f} s of computing)"


def _synthesize(clone: Path) -> tuple[float, float]:
    """Run the app as the CDK does, with everything that it keeps inside the clone.

    Returns:
        How long it took, and how long it computed, in seconds.
    """
    flags = json.loads((clone / "infra" / "cdk.json").read_text())["context"]
    environment = {
        **{name: it for name, it in os.environ.items() if not name.startswith(("AWS_", "CDK_"))},
        "PYTHONPATH": os.pathsep.join([str(clone), str(clone / "functions")]),
        # Bytecode of the sources and of every package is kept here, so that the first run has none.
        "PYTHONPYCACHEPREFIX": str(clone / ".cutout" / "bytecode"),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(clone / ".cutout" / "jsii"),
        "CDK_OUTDIR": str(clone / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps(flags),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began, computed = time.monotonic(), _computed_seconds()
    _run([sys.executable, "-P", "-m", "infra.app"], environment, clone / "infra")
    return time.monotonic() - began, _computed_seconds() - computed


def _computed_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _digests(clone: Path) -> dict[str, str]:
    """Return the hash of each function's asset, by the name of its construct."""
    template = json.loads((clone / "cdk.out" / f"{_STACK}.template.json").read_text())
    return {
        name: one["Properties"]["Code"]["S3Key"].removesuffix(".zip")
        for name, one in template["Resources"].items()
        if one["Type"] == "AWS::Lambda::Function"
    }


def _run(command: list[str], environment: Mapping[str, str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, env=environment, check=True)  # noqa: S603 - our own


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
