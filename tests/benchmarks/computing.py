"""What each function computes for a photo: CPU seconds and peak memory.

    python -m tests.benchmarks.computing [--photos N] [--megapixels M] [--write]

Each function's asset runs in an isolated process, as in `make bench`, against MiniStack and a
provider on loopback, over TLS. The photos are one that ships with the project, enlarged to the 12
megapixels of a phone's camera, each with its own grain: as JPEG for Submit, as HEIC for Prepare.
The provider's results are cut out at 2 megapixels. `--write` records the figures in
`computing.json`, from which `tests.benchmarks.costs` calculates seconds and prices.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import pillow_heif
from PIL import Image

from infra.deployed_functions import SHAPES
from infra.local.place import shipped_photos
from tests.benchmarks.startup.deployment import Deployment, Event, deployment
from tests.benchmarks.startup.measured import run, subjects
from tests.benchmarks.storing_work import enlarged, models, with_grain

COMPUTED: Final = Path(__file__).with_name("computing.json")
_MEGAPIXELS: Final = 12.0
_PHOTOS: Final = 3
"""The first, and warm ones, of which the median counts."""
_MB: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What one function takes.

    Attributes:
        ready: CPU seconds of a new process until the handler is ready.
        first: CPU seconds of its first run.
        warm: CPU seconds of each further run: the median.
        peak_mb: Most resident memory, in millions of bytes, that of child processes included.
    """

    ready: float
    first: float
    warm: float
    peak_mb: float

    @property
    def cold(self) -> float:
        """CPU seconds that a run takes more when it starts a new environment."""
        return max(0.0, self.ready + self.first - self.warm)


Figures = dict[str, Computed]
"""By service."""


def measured(photos: int, megapixels: float = _MEGAPIXELS) -> Figures:
    """Run each function with so many photos."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with deployment(folder / "aws") as deployed:
            ours = [
                one for one in subjects(folder / "assets", deployed.authority) if one.name in SHAPES
            ]
            deployed.result = _saved(models(enlarged(shipped_photos()[0], megapixels)), "PNG")
            events = _events(deployed, photos, megapixels)
            return {
                one.service: _computed(run(one, deployed, events[one.service]())) for one in ours
            }


def _events(
    deployed: Deployment, photos: int, megapixels: float
) -> Mapping[str, Callable[[], list[Event]]]:
    """Return each function's events, in the order of a photo's steps."""
    return {
        "submit": lambda: deployed.uploads_of(_photos(photos, megapixels, "JPEG")),
        "prepare": lambda: deployed.requests_of(_photos(photos, megapixels, "HEIF")),
        "receive-callback": deployed.callbacks,
        "store-result": deployed.checks,
        "sweep": lambda: deployed.sweeps(photos),
    }


def _photos(number: int, megapixels: float, form: str) -> Iterator[bytes]:
    """Return a photo with another grain each time."""
    pillow_heif.register_heif_opener()
    photo = enlarged(shipped_photos()[0], megapixels)
    for _ in range(number):
        yield _saved(with_grain(photo), form, quality=88)


def _saved(picture: Image.Image, form: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _computed(told: Any) -> Computed:
    first, *warm = told["runs"]
    return Computed(
        ready=round(told["ready"]["cpu"], 3),
        first=round(first["cpu"], 3),
        warm=round(median(each["cpu"] for each in warm), 3),
        peak_mb=round((told["runs"][-1]["peak"] + told["child peak"]) / _MB),
    )


def recorded(file: Path = COMPUTED) -> Figures:
    """Return the last figures."""
    told = json.loads(file.read_text())
    return {service: Computed(**one) for service, one in told.items()}


def written(figures: Figures) -> str:
    """The figures as JSON."""
    told = {service: asdict(one) for service, one in figures.items()}
    return json.dumps(told, indent=2) + "\n"


def table(figures: Figures) -> list[str]:
    """The figures as a table of Markdown."""
    lines = [
        "| CPU seconds | until ready | first run | warm run | peak MB |",
        "|---|---|---|---|---|",
    ]
    return lines + [
        f"| {service} | {one.ready:.2f} | {one.first:.2f} | {one.warm:.3f} | {one.peak_mb:.0f} |"
        for service, one in figures.items()
    ]


def main() -> None:
    """Measure and print; record with `--write`."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.computing")
    parser.add_argument("--photos", type=int, default=_PHOTOS)
    parser.add_argument("--megapixels", type=float, default=_MEGAPIXELS)
    parser.add_argument("--write", action="store_true", help="record the figures")
    chosen = parser.parse_args()
    figures = measured(chosen.photos, chosen.megapixels)
    sys.stdout.write("\n".join(table(figures)) + "\n")
    if chosen.write:
        COMPUTED.write_text(written(figures))


if __name__ == "__main__":
    main()
