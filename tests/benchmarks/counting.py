"""Counts what a photo takes of AWS: makes every journey, and reads each request off the wire.

    python -m tests.benchmarks.counting        # rewrites tests/benchmarks/counted.json

`tests.benchmarks.costs` calculates with these figures. A test makes the journeys again and
fails when one of them takes a request more or less.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.benchmarks.units import Units
from tests.functions.wire import Sent
from tests.functions.working import Working, photo, working
from tests.support.samples import sample

COUNTED = Path(__file__).with_name("counted.json")
_TABLE = "dynamodb"


@dataclass(frozen=True, kw_only=True)
class Count:
    """What one journey takes.

    Attributes:
        runs: of each function.
        log_bytes: that each function writes to its log, with Lambda's own three lines a run.
        requests: by function and operation.
        units: of DynamoDB, by function and operation.
        index_writes: entries of the table's indexes that are written or deleted, by partition.
        gate_writes: how often the gate's item and its shards are written, by key.
    """

    runs: Mapping[str, int]
    log_bytes: Mapping[str, int]
    requests: Mapping[str, int]
    units: Mapping[str, float]
    index_writes: Mapping[str, int]
    gate_writes: Mapping[str, int]


Journey = Callable[[Working], None]


def _cold(at_work: Working) -> None:
    """The first photo of a function; the gate exists, as Sweep runs every minute."""
    at_work.run("sweep", sample("scheduler-sweep"))
    at_work.forget()
    at_work.through("shoes/cold-boot.png", photo(1))


def _warm(at_work: Working) -> None:
    at_work.through("shoes/warm.tif", photo(2, "TIFF"))
    at_work.run("sweep", sample("scheduler-sweep"))


def _paid(at_work: Working) -> None:
    at_work.through("shoes/red-boot.png", photo(3))


def _prepared(at_work: Working) -> None:
    at_work.through("shoes/brown-boot.tif", photo(4, "TIFF"))


def _again(at_work: Working) -> None:
    at_work.through("shoes/red-boot-again.png", photo(3))


def _not_a_photo(at_work: Working) -> None:
    at_work.through("shoes/prices.png", b"a text, renamed")


def _waited(at_work: Working) -> None:
    """Three tasks run, as many as the gate has slots; the fourth photo waits for one to end."""
    for number in range(4):
        at_work.upload(f"shoes/crowd-{number}.png", photo(10 + number))
    at_work.hand_over()
    at_work.call_back()


def _idle_sweep(at_work: Working) -> None:
    at_work.run("sweep", sample("scheduler-sweep"))


JOURNEYS: dict[str, Journey] = {
    "paid, all functions cold": _cold,
    "the rest made warm": _warm,
    "paid": _paid,
    "prepared": _prepared,
    "again": _again,
    "not a photo": _not_a_photo,
    "four at a gate for three": _waited,
    "sweep, nothing due": _idle_sweep,
}
"""Made one after the other in one account, whose functions stay warm."""


def counted() -> dict[str, Count]:
    """Make every journey."""
    counts = {}
    with warnings.catch_warnings(), working() as at_work:
        warnings.filterwarnings("ignore", "No application metrics to publish")
        units = Units(at_work.stack.clients.dynamodb)
        for name, journey in JOURNEYS.items():
            at_work.forget()
            units.index_writes.clear()
            units.gate_writes.clear()
            journey(at_work)
            counts[name] = _count(at_work, units)
    return counts


def _count(at_work: Working, units: Units) -> Count:
    taken: Counter[str] = Counter()
    for sent in at_work.sent:
        if sent.service == _TABLE:
            taken[_name(sent)] += _units(units, sent)  # type: ignore[assignment]
    return Count(
        runs=_sorted(at_work.runs),
        log_bytes=_sorted(at_work.logged),
        requests=_sorted(Counter(map(_name, at_work.sent))),
        units={name: float(number) for name, number in sorted(taken.items())},
        index_writes=_sorted(units.index_writes),
        gate_writes=_sorted(units.gate_writes),
    )


def _units(units: Units, sent: Sent) -> Decimal:
    return units.of(sent) if sent.service == _TABLE else Decimal(0)


def _name(sent: Sent) -> str:
    return f"{sent.function} {sent.name}"


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))


def recorded() -> dict[str, Count]:
    """Return the last counts by journey."""
    counts: dict[str, Any] = json.loads(COUNTED.read_text())
    return {name: Count(**one) for name, one in counts.items()}


def main() -> None:
    """Count every journey, and record that."""
    counts = {name: asdict(count) for name, count in counted().items()}
    COUNTED.write_text(json.dumps(counts, indent=2) + "\n")


if __name__ == "__main__":
    main()
