"""What AWS costs: for a thousand photos, and a month without photos.

    python -m tests.benchmarks.costs

Requests, units of the table and bytes of logs are those that were counted
(`tests/benchmarks/counted.json`, written by `python -m tests.benchmarks.counting`). The rest
follows from rules: a message is sent, received and deleted; an upload is
one event; a callback is one request; each secret is read again every five minutes, at a thousand
photos an hour; the provider fetches a photo of 2 MB. Storage is left out, and so is the provider's
own fee, about 80 US dollars a thousand.

A function is billed for computing and for waiting:

- computing: the CPU seconds that `tests.benchmarks.computing` measured with photos of 12
  megapixels, divided by the function's share of a processor, which is a whole one from 1,769 MB on.
  One of Lambda's arm64 processors is taken to be as fast as the one that measured, and `COLD` of
  all runs start a new environment, at that share, too;
- waiting: each counted request takes `WAIT_SECONDS`, one after the other; the same for those to the
  provider. These are assumptions.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from cutout.domain.metrics import BASIC_METRICS, Metric
from infra.deployed_functions import SHAPES, FunctionShape
from tests.benchmarks import computing
from tests.benchmarks.computing import Computed
from tests.benchmarks.counting import Count, recorded

PRICED_ON: Final = "2026-11-22"
PRICED_IN: Final = "us-east-1"
"""List prices without free tier, to be checked against AWS's pages for another region or day."""
TEMPLATE: Final = Path(__file__).parents[1] / "infra" / "template.json"

COLD: Final = Decimal("0.02")
"""The share of runs that start a new environment."""
WAIT_SECONDS: Final = {
    "dynamodb": Decimal("0.01"),
    "s3": Decimal("0.05"),
    "sqs": Decimal("0.02"),
    "events": Decimal("0.05"),
    "secretsmanager": Decimal("0.05"),
    "sts": Decimal("0.05"),
}
"""For the answer to one request, by service."""
PROVIDER_SECONDS: Final = {"submit": Decimal("0.5"), "store-result": Decimal("0.7")}
"""For the call; for the task and its result."""
PHOTO_MB: Final = 2

WHOLE_PROCESSOR_MB: Final = 1769
SIZES_MB: Final = (128, 256, 512, 1024, 1769, 3008)
RUNTIME_MB: Final = 40
"""Of the runtime and its sandbox, which a process's resident memory does not show."""

_A_THOUSAND: Final = 1000
_GB: Final = Decimal(1_000_000_000)
_MINUTES_A_MONTH: Final = 43_200
_READS_AN_HOUR: Final = 12
_LONG_POLLS_A_MINUTE: Final = 15
"""Lambda polls an idle queue with five long polls of 20 s.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""


def _million(dollars: str) -> Decimal:
    return Decimal(dollars) / 1_000_000


_PUT, _GET, _MESSAGE = _million("5"), _million("0.4"), 3 * _million("0.4")
_WRITE_UNIT, _READ_UNIT = _million("0.625"), _million("0.125")
_EVENT, _CALLBACK, _RUN, _SCHEDULED = (
    _million("1"),
    _million("1"),
    _million("0.2"),
    _million("1"),
)
_SECRET_READ: Final = _million("5")
_GB_SECOND: Final = _million("13.3334")  # arm64
_LOG_GB, _INTERNET_GB = Decimal("0.50"), Decimal("0.09")
_METRIC, _ALARM, _DASHBOARD, _SECRET = (
    Decimal("0.30"),
    Decimal("0.10"),
    Decimal(3),
    Decimal("0.40"),
)

_OF_REQUESTS: Final = {
    # operation: service, dollars; tables are priced by units, STS and deletions are free
    "s3:PutObject": ("S3", _PUT),
    "s3:GetObject": ("S3", _GET),
    "s3:HeadObject": ("S3", _GET),
    "s3:GetObjectTagging": ("S3", _GET),
    "sqs:SendMessageBatch": ("SQS", _MESSAGE),
    "events:PutEvents": ("EventBridge", _EVENT),
    "secretsmanager:GetSecretValue": ("Secrets Manager", _SECRET_READ),
    "sts:AssumeRole": ("STS", Decimal(0)),
}
_READS: Final = frozenset({"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"})

SHOWN: Final = ("paid", "prepared", "again")
"""The journeys of the table."""
_TYPICAL: Final = ("paid", "prepared", "sweep, nothing due")
"""The first of these journeys that a function is in is its usual work."""


def of_runs(count: Count, computed: Mapping[str, Computed]) -> Iterator[tuple[str, Decimal]]:
    """Return the dollars by service for the counted requests."""
    for name, number in count.requests.items():
        operation = name.split(" ")[1]
        if not operation.startswith("dynamodb:"):
            service, dollars = _OF_REQUESTS[operation]
            yield service, number * dollars
    for name, units in count.units.items():
        is_read = name.split(" ")[1] in _READS
        yield "DynamoDB", Decimal(str(units)) * (_READ_UNIT if is_read else _WRITE_UNIT)
    for service, number in count.runs.items():
        memory_mb = _shape(service).memory_mb
        seconds = number * computing_seconds(computed[service], memory_mb)
        seconds += waiting_seconds(count, service)
        yield "Lambda", number * _RUN + seconds * memory_mb / 1024 * _GB_SECOND
    yield "CloudWatch Logs", sum(count.log_bytes.values()) * _LOG_GB / _GB


def computing_seconds(computed: Computed, memory_mb: int) -> Decimal:
    """Return the seconds that a run computes, on average, with so much memory."""
    share = min(Decimal(1), Decimal(memory_mb) / WHOLE_PROCESSOR_MB)
    return (Decimal(str(computed.warm)) + COLD * Decimal(str(computed.cold))) / share


def waiting_seconds(count: Count, service: str) -> Decimal:
    """Return the seconds that all runs of a function wait on one journey."""
    waited = sum(
        (
            number * WAIT_SECONDS[name.split(" ")[1].partition(":")[0]]
            for name, number in count.requests.items()
            if name.startswith(f"{service} ")
        ),
        Decimal(0),
    )
    tasks = count.runs.get("receive-callback", 0)
    return waited + tasks * PROVIDER_SECONDS.get(service, Decimal(0))


def of_photo(count: Count, cold: Count) -> Iterator[tuple[str, Decimal]]:
    """Return the dollars by service for a photo on one journey, also for what no request shows."""
    yield from of_runs(count, measured())
    yield "EventBridge", _EVENT  # S3's event is an opt-in one
    yield "SQS", _MESSAGE  # that event
    yield "API Gateway", count.runs.get("receive-callback", 0) * _CALLBACK
    read = sum(number for name, number in cold.requests.items() if "secrets" in name)
    yield "Secrets Manager", read * _READS_AN_HOUR * _SECRET_READ / _A_THOUSAND
    fetched = count.runs.get("receive-callback", 0) * PHOTO_MB * Decimal(1_000_000)
    yield "traffic to the provider", fetched * _INTERNET_GB / _GB


def a_thousand() -> dict[str, dict[str, Decimal]]:
    """Return the dollars for a thousand photos by service and journey, the dearest first."""
    counts = recorded()
    table: dict[str, dict[str, Decimal]] = {}
    for journey in SHOWN:
        for service, dollars in of_photo(counts[journey], counts["paid, all functions cold"]):
            line = table.setdefault(service, dict.fromkeys(SHOWN, Decimal(0)))
            line[journey] += dollars * _A_THOUSAND
    return dict(sorted(table.items(), key=lambda one: one[1][SHOWN[0]], reverse=True))


def a_month() -> dict[str, Decimal]:
    """Return the dollars for thirty days without photos, by resource."""
    swept = of_runs(recorded()["sweep, nothing due"], measured())
    sweep = sum((dollars for _, dollars in swept), Decimal(0))
    kinds = [one["Type"] for one in _template()["Resources"].values()]
    queues = kinds.count("AWS::Lambda::EventSourceMapping")
    polls = queues * _LONG_POLLS_A_MINUTE * _MINUTES_A_MONTH
    return {
        f"custom metrics, {len(BASIC_METRICS)} at most": len(BASIC_METRICS) * _METRIC,
        f"alarms, {kinds.count('AWS::CloudWatch::Alarm')}": (
            kinds.count("AWS::CloudWatch::Alarm") * _ALARM
        ),
        "Sweep, every minute": _MINUTES_A_MONTH * (sweep + _SCHEDULED),
        "secrets, 2": kinds.count("AWS::SecretsManager::Secret") * _SECRET,
        f"Lambda's polling of {queues} queues": polls * _million("0.4"),
    }


def full_monitoring() -> tuple[str, Decimal]:
    """Return what `monitoring=full` adds, and its dollars a month."""
    metrics = len(Metric) - len(BASIC_METRICS)
    alarms = 2 * len(SHAPES) - 2  # errors and throttles; two alarms about errors are always there
    dollars = metrics * _METRIC + alarms * _ALARM + _DASHBOARD
    return f"`monitoring=full`: {metrics} metrics, {alarms} alarms, a dashboard", dollars


def _template() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return the template of a deployment with default settings."""
    template: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(TEMPLATE.read_text())
    return template


def _shape(service: str) -> FunctionShape:
    (shape,) = (one for one in SHAPES.values() if one.service == service)
    return shape


def measured() -> Mapping[str, Computed]:
    """Return what the functions compute for photos of a phone's camera, by service."""
    return computing.recorded()


def sizes() -> list[str]:
    """Return the table of memory sizes: dollars for a thousand runs, seconds of a warm one."""
    lines = [
        "| a thousand runs: US dollars, and seconds of one | peak MB | "
        + " | ".join(f"{size:,} MB" for size in SIZES_MB)
        + " |",
        "|---" * (len(SIZES_MB) + 2) + "|",
    ]
    counts = recorded()
    for shape in SHAPES.values():
        count = next(counts[one] for one in _TYPICAL if shape.service in counts[one].runs)
        computed = measured()[shape.service]
        cells = [_size_cell(computed, count, shape, size) for size in SIZES_MB]
        lines.append(f"| {shape.name} | {computed.peak_mb:.0f} | " + " | ".join(cells) + " |")
    return lines


def _size_cell(computed: Computed, count: Count, shape: FunctionShape, size: int) -> str:
    if size < computed.peak_mb + RUNTIME_MB:
        return "too little"
    waits = waiting_seconds(count, shape.service) / count.runs[shape.service]
    seconds = computing_seconds(computed, size) + waits
    dollars = _A_THOUSAND * (_RUN + seconds * size / 1024 * _GB_SECOND)
    cell = f"{dollars:.4f}, {seconds:.2f} s"
    return f"**{cell}**" if size == shape.memory_mb else cell


def rows() -> list[str]:
    """The tables, as `infra/README.md` has them."""
    table = a_thousand()
    sums = [sum(line[journey] for line in table.values()) for journey in SHOWN]
    lines = [
        "| US dollars for a thousand photos | paid for | paid for, sent as a copy | reused |",
        "|---|---|---|---|",
    ]
    for service, line in table.items():
        lines.append(f"| {service} | " + " | ".join(f"{line[one]:.3f}" for one in SHOWN) + " |")
    lines.append("| **together** | " + " | ".join(f"**{one:.2f}**" for one in sums) + " |")
    month = a_month()
    lines += ["", "| US dollars a month, whatever the traffic | |", "|---|---|"]
    lines += [f"| {what} | {dollars:.2f} |" for what, dollars in month.items()]
    lines.append(f"| **together** | **{sum(month.values()):.2f}** |")
    what, dollars = full_monitoring()
    lines.append(f"| {what} | {dollars:.2f} more |")
    return lines


def limits() -> list[str]:
    """Return the throughput of a photo, counted, for the table of limits."""
    paid = recorded()["paid"]
    units = {
        kind: sum(u for name, u in paid.units.items() if (name.split(" ")[1] in _READS) is kind)
        for kind in (True, False)
    }
    return [
        f"{units[False]:g} write units and {units[True]:g} read units of the table",
        f"{paid.gate_writes['gate#0']} writes of a shard of the gate",
        f"{paid.index_writes['due due']} entries of the index `due`, which is one partition",
    ]


def main() -> None:
    """Print the tables."""
    lines = [
        *rows(),
        "",
        *sizes(),
        "",
        "A photo that is paid for takes:",
        *(f"- {one}" for one in limits()),
    ]
    lines.append(f"List prices of {PRICED_IN}, {PRICED_ON}.")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
