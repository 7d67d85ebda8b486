"""Cold starts of the functions, as ratios to a handler of the standard library alone.

`make bench` prints the table, and writes `recorded.json` and the plot of the README. `make
bench-check` measures once more what is worse than recorded, and fails if it is again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.startup.deployment import Deployment, deployment
from tests.benchmarks.startup.measured import (
    FLOOR,
    STRAIGHTFORWARD,
    Ratios,
    Subject,
    measure,
    shipped_bytes,
    subjects,
)
from tests.benchmarks.startup.plot import drawn

RECORDED: Final = Path(__file__).with_name("recorded.json")
_PLOT: Final = Path(__file__).parents[3] / ".readme" / "cold-starts.svg"
_ROUNDS: Final = 15
_WORSE: Final = 1.25
_WALL: Final = "ready wall"
"""Not compared: it depends on what else runs."""


def main() -> int:
    """Measure; record, or compare with what is recorded. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.startup")
    parser.add_argument("--check", action="store_true", help="compare with what is recorded")
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with deployment(folder / "aws") as deployed:
            everything = subjects(folder / "assets", deployed.authority)
            ratios = _measured(everything, deployed, chosen.rounds)
            worse = regressions(recorded(), ratios) if chosen.check else []
            if worse:
                sys.stdout.write("Worse than recorded, so everything is measured again.\n")
                again = _measured(everything, deployed, chosen.rounds)
                worse = [one for one in regressions(recorded(), again) if one in worse]
    if chosen.check:
        sys.stdout.write("".join(f"WORSE: {who}, {what}\n" for who, what in worse))
        return 1 if worse else 0
    RECORDED.write_text(json.dumps(ratios, indent=2) + "\n")
    _PLOT.write_text(drawn(ratios, (FLOOR, STRAIGHTFORWARD)))
    return 0


def _measured(everything: list[Subject], deployed: Deployment, rounds: int) -> dict[str, Ratios]:
    """Measure, and print the table."""
    zips = shipped_bytes()
    starts = measure(everything, deployed, rounds)
    ratios = {who: {**figures, "zip": zips[who]} for who, figures in starts.items()}
    sys.stdout.write("\n".join(table(ratios)) + "\n")
    return ratios


def recorded() -> dict[str, Ratios]:
    """Return the last figures."""
    known: dict[str, Ratios] = json.loads(RECORDED.read_text())
    return known


def table(ratios: dict[str, Ratios]) -> list[str]:
    """The figures as a table of Markdown, a line for each handler."""
    names = list(next(iter(ratios.values())))
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for who, figures in ratios.items():
        lines.append(f"| {who} | " + " | ".join(f"{it:.2f}" for it in figures.values()) + " |")
    return lines


def regressions(known: dict[str, Ratios], measured: dict[str, Ratios]) -> list[tuple[str, str]]:
    """Return which handler's figures are a quarter worse than recorded.

    Load shifts even ratios of CPU time, as the floor needs less of the processor's caches. No
    change of ours touches the straightforward handler, so as much as its figure is worse is the
    machine's part.
    """
    usual, now = known[STRAIGHTFORWARD], measured[STRAIGHTFORWARD]
    machine = {what: max(1.0, now[what] / it) for what, it in usual.items()}
    return [
        (who, what)
        for who, figures in known.items()
        for what, it in figures.items()
        if who not in {FLOOR, STRAIGHTFORWARD} and what != _WALL
        if measured[who][what] > it * machine[what] * _WORSE
    ]


if __name__ == "__main__":
    sys.exit(main())
