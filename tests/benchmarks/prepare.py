"""What Prepare takes of memory and time: `python -m tests.benchmarks.prepare [MEGAPIXELS ...]`.

Each picture is prepared in a process of its own, as in a function after its cold start; memory is
the process's peak, time the wall clock's on this machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from math import sqrt
from pathlib import Path

import pillow_heif
from PIL import Image

from cutout.adapters.pillow.copier import PillowCopier
from cutout.domain.photo.photo_and_result_checks import PhotoLimits, fitting
from infra.local.place import shipped_photos

_LIMITS = PhotoLimits(max_bytes=10_000_000, max_pixels=50_000_000, min_side=240, max_side=7680)
_MEGAPIXELS = (1, 12, 50)
_KINDS = ("jpeg, cmyk", "heic", "tiff", "tiff, transparent")


def main(arguments: list[str] | None = None) -> int:
    """Print a table; with `--one`, measure one file and print what it took as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.prepare", description=__doc__)
    parser.add_argument("megapixels", nargs="*", type=float, default=_MEGAPIXELS)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.one:
        sys.stdout.write(json.dumps(_measure(chosen.one)))
        return 0
    sys.stdout.write("| photo | MP | copy | MB of memory | seconds |\n|---|---|---|---|---|\n")
    for megapixels in chosen.megapixels:
        for kind in _KINDS:
            sys.stdout.write(_row(kind, megapixels))
            sys.stdout.flush()
    return 0


def _row(kind: str, megapixels: float) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "photo"
        _write(kind, megapixels, file)
        command = [sys.executable, "-m", "tests.benchmarks.prepare", "--one", str(file)]
        done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - ourselves
    took = json.loads(done.stdout)
    return (
        f"| {kind} | {megapixels:g} | {took['copy']} | {took['memory']:.0f} "
        f"| {took['seconds']:.1f} |\n"
    )


def _write(kind: str, megapixels: float, file: Path) -> None:
    """A shipped photo, enlarged."""
    with Image.open(shipped_photos()[-1]) as shipped:
        scale = sqrt(megapixels * 1_000_000 / (shipped.width * shipped.height))
        size = round(shipped.width * scale), round(shipped.height * scale)
        photo = shipped.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    if kind == "heic":
        pillow_heif.from_pillow(photo).save(file, quality=80)
    elif kind == "jpeg, cmyk":
        photo.convert("CMYK").save(file, "JPEG", quality=90)
    else:
        if kind == "tiff, transparent":
            photo.putalpha(Image.radial_gradient("L").resize(size))
        photo.save(file, "TIFF", compression="tiff_lzw")


def _measure(file: Path) -> dict[str, object]:
    before = time.perf_counter()
    copier = PillowCopier()
    seen = copier.look(file)
    size = fitting(seen.width, seen.height, _LIMITS)
    copy = copier.copy(file, file.with_name("copy"), size, _LIMITS.max_bytes)
    return {
        "copy": f"{copy.format} {copy.width} x {copy.height}",
        "memory": _peak_megabytes(),
        "seconds": time.perf_counter() - before,
    }


def _peak_megabytes() -> float:
    """Of this process alone: what getrusage tells begins with the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    sys.exit(main())
