"""Cold starts of the functions, as ratios to a handler of the standard library alone.

`make bench` prints the table, and writes `recorded.json` and the plot of the README. `make
bench-check` fails when a ratio is 25 % worse than recorded. Only a quiet machine gives figures
that can be compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from infra.assets import AssetBuilder
from tests.benchmarks.startup.deployment import deployment
from tests.benchmarks.startup.measured import FLOOR, STRAIGHTFORWARD, Ratios, measure, subjects
from tests.benchmarks.startup.plot import drawn

RECORDED: Final = Path(__file__).with_name("recorded.json")
_PLOT: Final = Path(__file__).parents[3] / ".readme" / "cold-starts.svg"
_ROUNDS: Final = 15
_WORSE: Final = 1.25


def main() -> int:
    """Measure; record, or compare with what is recorded. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup")
    parser.add_argument("--check", action="store_true", help="compare with what is recorded")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with deployment(folder / "aws") as deployed:
            everything = subjects(AssetBuilder("local"), folder / "assets", deployed.authority)
            ratios = measure(everything, deployed, chosen.rounds)
    sys.stdout.write("\n".join(table(ratios)) + "\n")
    if chosen.check:
        worse = list(regressions(json.loads(RECORDED.read_text()), ratios))
        sys.stdout.write("".join(f"WORSE: {line}\n" for line in worse))
        return 1 if worse else 0
    RECORDED.write_text(json.dumps(ratios, indent=2) + "\n")
    _PLOT.write_text(drawn(ratios, (FLOOR, STRAIGHTFORWARD)))
    return 0


def table(ratios: dict[str, Ratios]) -> list[str]:
    """The figures as a table of Markdown, a line for each handler."""
    names = list(next(iter(ratios.values())))
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for who, figures in ratios.items():
        lines.append(f"| {who} | " + " | ".join(f"{it:.2f}" for it in figures.values()) + " |")
    return lines


def regressions(recorded: dict[str, Ratios], measured: dict[str, Ratios]) -> list[str]:
    """Say which ratios are a quarter worse than recorded."""
    return [
        f"{who}, {what}: {measured[who][what]} times the floor, recorded is {it}"
        for who, figures in recorded.items()
        for what, it in figures.items()
        if measured[who][what] > it * _WORSE
    ]


if __name__ == "__main__":
    sys.exit(main())
