"""What finishing and each variant take: `python -m tests.benchmarks.storing`.

Each is done in a process of its own, on a photo that ships with the project, enlarged and with the
grain of a sensor over it, and on what a model that works at 2 megapixels gives back. Prints peak
memory (resident, Python and Pillow included) and processor time on this machine.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile

from tests.benchmarks.storing_work import MAKE, WORKS

MEGAPIXELS = (1, 12, 50)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.storing", description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    sys.stdout.write(f"{'what':<24}{'megapixels':>11}{'peak MB':>9}{'seconds':>9}\n")
    for megapixels in parser.parse_args().megapixels:
        with tempfile.TemporaryDirectory() as folder:
            measured(folder, MAKE, megapixels)
            for work in WORKS:
                peak, seconds = measured(folder, work, megapixels)
                sys.stdout.write(f"{work:<24}{megapixels:>11g}{peak:>9.0f}{seconds:>9.1f}\n")
                sys.stdout.flush()


def measured(folder: str, work: str, megapixels: float) -> tuple[float, float]:
    """Peak memory in MB and seconds of one piece of work, in a process of its own.

    This process stays small itself: a child begins with its parent's peak.
    """
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "tests.benchmarks.storing_work", folder, work, str(megapixels)],
        check=True,
        capture_output=True,
        text=True,
    )
    peak, seconds = done.stdout.split()
    return float(peak), float(seconds)


if __name__ == "__main__":
    main()
