"""What it would mean to ship some functions without bytecode: starts, bytes, seconds of a build.

python -m tests.benchmarks.startup.sources Sweep Prepare
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.assets import AssetBuilder
from infra.assets.asset_platform import target_of
from infra.deployed_functions import SHAPES
from tests.benchmarks.startup.deployment import deployment
from tests.benchmarks.startup.measured import FLOOR, Subject, archives, measure, subjects

_ROUNDS: Final = 5
_SHOWN: Final = ("ready CPU", "ready memory")


def main() -> None:
    """Print the starts of the named functions with and without bytecode, bytes and seconds."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup.sources")
    parser.add_argument("names", nargs="+", choices=SHAPES)
    names = parser.parse_args().names
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        zips = archives("aws", folder / "aws")
        with deployment(folder / "cloud") as deployed:
            known = {one.name: one for one in subjects(folder / "assets", deployed.authority)}
            bare = [_without_bytecode(known[name]) for name in names]
            compared = [known[FLOOR], *(known[name] for name in names), *bare]
            for who, figures in measure(compared, deployed, _ROUNDS).items():
                _say(who + "".join(f", {what} {figures[what]:.2f}" for what in _SHOWN))
        for name in names:
            _say(f"{name}: {_share_of_bytecode(zips[name]):.0%} of the zip is bytecode")
        _say(f"compiling all: {_seconds_to_compile(zips, (), folder / 'all')}")
        _say(f"compiling the others: {_seconds_to_compile(zips, names, folder / 'others')}")


def _without_bytecode(one: Subject) -> Subject:
    place = one.folder.with_name(f"{one.name}-sources")
    shutil.copytree(one.folder, place, ignore=shutil.ignore_patterns("__pycache__"))
    return replace(one, name=f"{one.name} without bytecode", folder=place)


def _share_of_bytecode(archive: Path) -> float:
    with zipfile.ZipFile(archive) as packed:
        size = sum(one.compress_size for one in packed.infolist() if one.filename.endswith(".pyc"))
    return size / archive.stat().st_size


def _seconds_to_compile(zips: Mapping[str, Path], left_out: Collection[str], place: Path) -> str:
    """Compile the modules of all other functions, most of which they have in common."""
    for name in SHAPES:
        with zipfile.ZipFile(zips[name]) as packed:
            sources = [] if name in left_out else packed.namelist()
            packed.extractall(place, [one for one in sources if one.endswith(".py")])
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    target_of("aws", cache=AssetBuilder("aws").cache).compile_tree(place)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    computed = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return f"{time.monotonic() - began:.1f} s ({computed:.1f} s of computing)"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
