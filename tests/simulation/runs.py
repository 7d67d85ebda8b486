"""Running seeds: `python -m tests.simulation.runs --minutes 10` runs as long as you like."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cutout.domain.states import State
from tests.simulation import breaking_preparation, breaking_promises
from tests.simulation.engine import Engine

Drawn = tuple[int, Mapping[str, float]]
"""A seed, and faults with probabilities in place of those that the seed draws."""
MUTATIONS = breaking_promises.MUTATIONS | breaking_preparation.MUTATIONS


@dataclass
class Tally:
    """The counts of some runs."""

    seeds: int = 0
    jobs: Counter[State] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    charges: int = 0
    doubles_counted: int = 0

    def __str__(self) -> str:
        """Return a line each for runs, jobs by their end, and faults by their number."""
        jobs = ", ".join(f"{n} {state}" for state, n in self.jobs.most_common())
        return "\n".join([
            f"{self.seeds} seeds: {jobs}",
            f"{self.charges} charges, {self.doubles_counted} counted as possible doubles",
            *(f"{n:9,} {kind}" for kind, n in sorted(self.faults.items())),
        ])  # fmt: skip

    def add(self, engine: Engine) -> None:
        """Count a run."""
        self.seeds += 1
        self.faults += engine.faults.injected
        self.charges += len(engine.world.evolink.charges)
        for job in engine.evidence.rows():
            self.jobs[job.state] += 1
            self.doubles_counted += sum(a.is_possible_double_charge for a in job.attempts)


def run(seed: int, likelier: Mapping[str, float] | None = None) -> Engine:
    """One run, checked throughout; the `likelier` faults have these probabilities.

    Raises:
        AssertionError: a promise is broken; the message names the seed, which shows it again.
    """
    engine = Engine(seed, likelier or {})
    engine.run()
    return engine


def tally(runs: Iterable[Drawn]) -> Tally:
    """Do these runs and count."""
    told = Tally()
    for seed, likelier in runs:
        told.add(run(seed, likelier))
    return told


def first_break(runs: Iterable[Drawn]) -> AssertionError | None:
    """Return the first broken promise that one of these runs shows, if any does."""
    for seed, likelier in runs:
        try:
            run(seed, likelier)
        except AssertionError as broken:
            return broken
    return None


def main() -> None:
    """Run for a while, or show what each mutation breaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--mutations", action="store_true", help="show what each one breaks")
    options = parser.parse_args()
    if options.mutations:
        for name, mutation in MUTATIONS.items():
            with mutation():
                broken = first_break((options.seed + one, {}) for one in range(300))
            sys.stdout.write(f"{name}: {broken or 'NOTHING NOTICED'}\n")
        return
    told, ends_at = Tally(), time.monotonic() + options.minutes * 60
    for seed in itertools.count(options.seed):
        told.add(run(seed))
        if time.monotonic() >= ends_at:
            break
    sys.stdout.write(f"{told!s}\n")


if __name__ == "__main__":
    main()
