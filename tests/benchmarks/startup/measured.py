"""Measures cold starts: each function's asset, the floor and a straightforward handler.

Every process is fresh, isolated from this environment, and imports from the unpacked asset alone.
They take turns, so that a busy moment of the machine affects all. Figures are ratios to the floor
in the same round. Starts are measured with the assets of the local cloud, on this Python; bytes are
those of the deployed assets, as ratios to the straightforward handler's.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from infra.assets import AssetBuilder
from infra.assets.asset_platform import TargetPlatform, target_of
from infra.assets.authorities import FOLDER, files_by_subject
from infra.assets.build import add_to_zip
from infra.assets.dependencies import files_of
from infra.deployed_functions import SHAPES
from tests.benchmarks.startup.deployment import Deployment, Event

FLOOR: Final = "floor"
STRAIGHTFORWARD: Final = "straightforward"
_HERE: Final = Path(__file__).parent
_INVOCATIONS: Final = 4
"""The first, and some warm ones, of which the median counts."""
_STRAIGHTFORWARD_USES: Final = ("boto3", "httpx", "httpcore", "anyio", "aws-lambda-powertools")
_BUNDLES: Final = ("botocore/cacert.pem", "certifi/cacert.pem")

Ratios = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured: an unpacked zip and the module of its handler."""

    name: str
    service: str
    module: str
    folder: Path


def subjects(folder: Path, authority: Path) -> list[Subject]:
    """Unpack everything that is measured; each trusts the servers' authority, too."""
    places = {name: (name, name) for name in (FLOOR, STRAIGHTFORWARD)}
    places |= {one.name: (one.service, one.handler.rpartition(".")[0]) for one in SHAPES.values()}
    found = []
    for name, archive in archives("local", folder).items():
        service, module = places[name]
        place = folder / name
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(place)
        for bundle in filter(Path.exists, (place / one for one in _BUNDLES)):
            bundle.write_bytes(bundle.read_bytes() + authority.read_bytes())
        if (authorities := place / FOLDER).is_dir():
            for file, content in files_by_subject(authority.read_text()).items():
                (authorities / file).write_bytes(content)
        found.append(Subject(name=name, service=service, module=module, folder=place))
    return found


def shipped_bytes() -> dict[str, float]:
    """The size of each deployed zip, as a ratio to the straightforward handler's, by name."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = {name: path.stat().st_size for name, path in archives("aws", Path(folder)).items()}
    return {name: round(size / sizes[STRAIGHTFORWARD], 3) for name, size in sizes.items()}


def archives(platform: str, folder: Path) -> dict[str, Path]:
    """Build the zips for a platform, by name; those of the compared handlers in the folder."""
    builder = AssetBuilder(platform)
    target = target_of(platform, cache=builder.cache)
    compared = {name: _compared(name, folder, target) for name in (FLOOR, STRAIGHTFORWARD)}
    return {**compared, **{one.name: builder.build(one).path for one in SHAPES.values()}}


def _compared(name: str, folder: Path, target: TargetPlatform) -> Path:
    """Pack a compared handler as an asset is packed, with bytecode and all that it requires."""
    own = folder / f"sources-{name}"
    own.mkdir(parents=True)
    shutil.copyfile(_HERE / "handlers" / f"{name}.py", own / f"{name}.py")
    if name == STRAIGHTFORWARD:
        # Pure Python: the same files on each platform.
        here = Path(sysconfig.get_path("purelib"))
        for path, source in files_of(_STRAIGHTFORWARD_USES, site=here).items():
            (own / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, own / path)
    target.compile_tree(own)
    files = {path.relative_to(own).as_posix(): path for path in own.rglob("*") if path.is_file()}
    archive = folder / f"{name}.zip"
    contents = {path: source.read_bytes() for path, source in files.items()}
    add_to_zip(archive, contents, compression=target.compression)
    return archive


def measure(everything: list[Subject], deployed: Deployment, rounds: int) -> dict[str, Ratios]:
    """Run everything so many times; the median ratios to the floor, by name."""
    known: dict[str, list[Ratios]] = {one.name: [] for one in everything}
    for _ in range(rounds):
        taken = dict(_round(everything, deployed))
        for name, figures in taken.items():
            known[name].append({what: it / taken[FLOOR][what] for what, it in figures.items()})
    return {
        one.name: {what: _median(known[one.name], what) for what in known[one.name][0]}
        for one in everything
    }


def _median(ratios: list[Ratios], what: str) -> float:
    return round(median(one[what] for one in ratios), 2)


def _round(everything: list[Subject], deployed: Deployment) -> Iterator[tuple[str, Ratios]]:
    uploads = deployed.uploads(_INVOCATIONS)
    events: Mapping[str, Callable[[], list[Event]]] = {
        FLOOR: lambda: uploads,
        STRAIGHTFORWARD: lambda: uploads,
        "submit": lambda: uploads,
        "prepare": lambda: deployed.requests(_INVOCATIONS),
        "receive-callback": deployed.callbacks,
        "store-result": deployed.checks,
        "sweep": lambda: deployed.sweeps(_INVOCATIONS),
    }
    for one in everything:
        yield one.name, _figures(run(one, deployed, events[one.service]()))


def run(one: Subject, deployed: Deployment, events: list[Event]) -> Any:
    """Run a fresh process; what `probe` printed.

    Raises:
        RuntimeError: An event was not accepted, or its job is not completed.
    """
    # As on Lambda, whose folder of the code is read-only, no bytecode is written.
    python = [sys.executable, "-B", "-I", "-S"]
    done = subprocess.run(  # noqa: S603 - ourselves
        [*python, str(_HERE / "probe.py"), str(one.folder), one.module, str(time.monotonic())],
        input=json.dumps(events),
        env={**deployed.environment, "POWERTOOLS_SERVICE_NAME": one.service},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{one.name} failed: {done.stderr[-4000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    if not all(map(_is_accepted, told["answers"])):
        raise RuntimeError(f"{one.name} failed: {done.stdout[-4000:]}")
    if one.service == "store-result":
        deployed.check_completed(events)
    return told


def _is_accepted(answer: Any) -> bool:
    return not answer.get("batchItemFailures") and answer.get("statusCode", 202) == 202


def _figures(told: Any) -> Ratios:
    first, *warm = told["runs"]
    return {
        "ready CPU": told["ready"]["cpu"],
        "ready wall": told["ready"]["wall"],
        "ready memory": told["ready"]["peak"],
        "first CPU": first["cpu"],
        "cold CPU": told["ready"]["cpu"] + first["cpu"],
        "warm CPU": median(each["cpu"] for each in warm),
        "peak memory": told["runs"][-1]["peak"],
    }
