"""What AWS takes, from counted requests."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from infra.costs import PRICES, bill, by_service, counted, main

_ROLE = "Cutout-CutoutSubmitRole62678B46-1A"


def _line(action: str, role: str | None = _ROLE, decision: str = "Allow") -> str:
    return json.dumps({"role": role, "action": action, "resource": "*", "decision": decision})


LINES = [
    _line("s3:PutObject"),
    _line("s3:PutObject"),
    _line("sqs:SendMessage"),
    _line("s3:PutObject", role=None),
    _line("s3:PutObject", role="Cutout-CutoutSweepRole-2B"),
    _line("s3:PutObject", decision="ImplicitDeny"),
    _line("iam:PassRole"),
]


def test_what_roles_were_allowed_for_photos_is_counted() -> None:
    """Not what people did, what was refused, what Sweep does by the clock, or what has no price."""
    assert counted(LINES) == {("Submit", "s3:PutObject"): 2, ("Submit", "sqs:SendMessage"): 1}


def test_requests_become_dollars_for_a_thousand_photos() -> None:
    """Two puts for two photos are a thousand for a thousand, at five dollars a million."""
    lines = [one for one in bill(counted(LINES), photos=2) if "by rule" not in one.what]
    assert [(one.service, one.requests, one.dollars) for one in lines] == [
        ("S3", Decimal(1000), Decimal("0.005")),
        ("SQS", Decimal(500), Decimal("0.0006")),
    ]


def test_the_dearest_service_comes_first() -> None:
    """Whoever reads the table begins where it matters."""
    totals = by_service(bill({("Submit", "s3:PutObject"): 10}, photos=1))
    assert next(iter(totals)) == "S3"
    assert list(totals.values()) == sorted(totals.values(), reverse=True)


def test_every_price_says_what_a_unit_is() -> None:
    """A price without units could be anything."""
    assert [name for name, one in PRICES.items() if not one.why or one.dollars < 0] == []


def test_the_bill_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a kind of request, one a service, and the sum with the day of its prices."""
    path = tmp_path / "decisions.jsonl"
    path.write_text("\n".join(LINES))
    status = main([str(path), "--photos", "2"])
    told = capsys.readouterr().out.splitlines()
    assert status == 0
    assert told[-1].startswith("a thousand photos $")
    assert any(line.startswith("S3") and "Submit s3:PutObject" in line for line in told)
