"""What AWS takes for a thousand photos, from requests that were counted and not guessed.

    cutout up && cutout put photos/
    python -m infra.costs .cutout/decisions.jsonl --photos 30

The local cloud writes down each request that a role makes. This counts them by role and action,
divides by the photos, and multiplies by what AWS lists. What no request shows is added by rule, and
said so in the table: Lambda's polling of its queues, the HTTP API, the seconds that functions run.
The provider's fee, about 80 US dollars a thousand, and traffic to it are not AWS's requests.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

PRICED_ON: Final = "2026-11-22"
PRICED_IN: Final = "us-east-1"
"""List prices without free tier, to be checked against AWS's pages for another region or day."""

_MILLION: Final = Decimal(1_000_000)
_A_THOUSAND: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a request costs, in US dollars a million units.

    Attributes:
        service: Who charges it.
        dollars: For a million units.
        units: How many units a request is.
        why: What the units are.
    """

    service: str
    dollars: Decimal
    units: Decimal = Decimal(1)
    why: str = "one request"


_WRITE: Final = Price(
    service="DynamoDB",
    dollars=Decimal("0.625"),
    units=Decimal(4),
    why="in a transaction twice the item of up to 1 KB, and an entry in two indexes",
)
_READ: Final = Price(
    service="DynamoDB", dollars=Decimal("0.125"), why="a strongly consistent read of up to 4 KB"
)
_PUT: Final = Price(service="S3", dollars=Decimal(5))
_GET: Final = Price(service="S3", dollars=Decimal("0.4"))
_MESSAGE: Final = Price(
    service="SQS",
    dollars=Decimal("0.4"),
    units=Decimal(3),
    why="sent, and received and deleted by Lambda",
)
_FREE: Final = Price(service="free", dollars=Decimal(0))

PRICES: Final[Mapping[str, Price]] = {
    "dynamodb:PutItem": _WRITE,
    "dynamodb:UpdateItem": _WRITE,
    "dynamodb:GetItem": _READ,
    "dynamodb:BatchGetItem": _READ,
    "dynamodb:Query": _READ,
    "s3:PutObject": _PUT,
    "s3:ListBucket": _PUT,
    "s3:GetObject": _GET,
    "s3:GetObjectVersion": _GET,
    "s3:GetObjectTagging": _GET,
    "s3:GetObjectVersionTagging": _GET,
    "s3:PutObjectTagging": _PUT,
    "s3:DeleteObject": _FREE,
    "sqs:SendMessage": _MESSAGE,
    "events:PutEvents": Price(service="EventBridge", dollars=Decimal(1), why="one event of ours"),
    "secretsmanager:GetSecretValue": Price(service="Secrets Manager", dollars=Decimal(5)),
    "sts:AssumeRole": _FREE,
    "lambda:InvokeFunction": _FREE,
}

_GIGABYTE_SECOND: Final = Decimal("13.3334")
"""Lambda on arm64, US dollars a million GB-seconds."""
_BY_RULE: Final = (
    # service, dollars a photo times a million, why
    ("SQS", Decimal("1.2"), "S3's event: sent, received, deleted"),
    ("API Gateway", Decimal("1.0"), "one callback"),
    ("Lambda", Decimal("0.6"), "three invocations"),
    ("Lambda", _GIGABYTE_SECOND * Decimal("0.25"), "Submit: a second of 256 MB"),
    ("Lambda", _GIGABYTE_SECOND * Decimal("0.025"), "ReceiveCallback: a tenth of 256 MB"),
    ("Lambda", _GIGABYTE_SECOND * Decimal(2), "StoreResult: two seconds of 1,024 MB"),
    ("CloudWatch Logs", Decimal("0.5") * 5, "5 KB of log lines and metrics"),
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the bill for a thousand photos."""

    service: str
    what: str
    requests: Decimal
    dollars: Decimal


def counted(lines: Iterable[str]) -> Counter[tuple[str, str]]:
    """Count what the roles that work for photos were allowed, by role and action.

    Sweep works by the clock and is left out. IAM decides on some requests twice, once by the
    resource's own policy: the count is an upper bound.

    Args:
        lines: What the local cloud wrote, a JSON object each.
    """
    requests: Counter[tuple[str, str]] = Counter()
    for line in lines:
        told = json.loads(line)
        role, action = told["role"], told["action"]
        name = _short(role or "")
        if name and told["decision"] == "Allow" and action in PRICES:
            requests[name, action] += 1
    return requests


def bill(requests: Mapping[tuple[str, str], int], *, photos: int) -> Iterator[Line]:
    """Work out what a thousand photos cost.

    Args:
        requests: What was counted.
        photos: How many photos that was for.
    """
    for (role, action), number in sorted(requests.items()):
        price = PRICES[action]
        each = Decimal(number) * _A_THOUSAND / photos
        yield Line(
            service=price.service,
            what=f"{role} {action} ({price.why})",
            requests=each,
            dollars=each * price.units * price.dollars / _MILLION,
        )
    for service, dollars, why in _BY_RULE:
        yield Line(
            service=service,
            what=f"by rule: {why}",
            requests=Decimal(_A_THOUSAND),
            dollars=dollars * _A_THOUSAND / _MILLION,
        )


def by_service(lines: Iterable[Line]) -> dict[str, Decimal]:
    """Add the lines up, the dearest service first."""
    totals: dict[str, Decimal] = {}
    for line in lines:
        totals[line.service] = totals.get(line.service, Decimal(0)) + line.dollars
    return dict(sorted(totals.items(), key=lambda one: one[1], reverse=True))


def main(arguments: list[str] | None = None) -> int:
    """Print the bill; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.costs", description=__doc__)
    parser.add_argument("decisions", type=Path, help="what the local cloud wrote")
    parser.add_argument("--photos", type=int, required=True, help="how many photos that was for")
    options = parser.parse_args(arguments)
    lines = list(bill(counted(options.decisions.read_text().splitlines()), photos=options.photos))
    told = [
        f"{line.service:<16} {line.requests:>8.0f}  ${line.dollars:.5f}  {line.what}"
        for line in lines
    ]
    told += [f"{name:<16} ${dollars:.4f}" for name, dollars in by_service(lines).items()]
    total = sum(one.dollars for one in lines)
    told.append(f"a thousand photos ${total:.4f} (list prices of {PRICED_IN}, {PRICED_ON})")
    sys.stdout.write("\n".join(told) + "\n")
    return 0


def _short(role: str) -> str | None:
    """Return what people call a role: `Cutout-CutoutSubmitRole6267-1A` is `Submit`."""
    names = ("Submit", "ReceiveCallback", "StoreResult", "Prepare", "PhotoReader")
    return next((name for name in names if name in role), None)


if __name__ == "__main__":
    sys.exit(main())
