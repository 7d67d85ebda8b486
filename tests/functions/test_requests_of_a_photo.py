"""The document's table of one photo's requests has what is sent, in this order."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from tests.benchmarks.counting import JOURNEYS
from tests.benchmarks.units import Units
from tests.functions.working import working

_PAGE = Path(__file__).parents[2] / "functions" / "README.md"
_ROW = re.compile(r"\| \d+ \| (\w+) \| (\S+) \| (?:([\d.]+) [wr])? ?\| .+ \|")
_NAMES = {"Submit": "submit", "ReceiveCallback": "receive-callback", "StoreResult": "store-result"}
_WARMED_BY = ("paid, all functions cold", "the rest made warm")


def test_table_of_requests_has_those_of_a_photo_that_is_paid_for() -> None:
    """A change that adds a request gives the reason for it."""
    with warnings.catch_warnings(), working() as at_work:
        warnings.filterwarnings("ignore", "No application metrics to publish")
        units = Units(at_work.stack.clients.dynamodb)
        for journey in (*_WARMED_BY, "paid"):
            at_work.forget()
            JOURNEYS[journey](at_work)
            taken = [
                (one.function, one.name, float(units.of(one)) if one.service == "dynamodb" else 0)
                for one in list(at_work.sent)
            ]
    listed = [
        (_NAMES[function], request, float(number or 0))
        for function, request, number in _ROW.findall(_PAGE.read_text())
    ]
    assert listed == taken
