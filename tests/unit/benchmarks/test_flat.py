"""What operations read of the jobs table, however many jobs it has."""

from __future__ import annotations

from decimal import Decimal

from tests.benchmarks.flat import ROWS, asked, recorded, table
from tests.benchmarks.units import read_units
from tests.support.pages import PAGES


def test_the_page_has_the_recorded_table() -> None:
    """`python -m tests.benchmarks.flat --write` records and prints it."""
    page = PAGES["tests/README.md"].splitlines()
    assert [line for line in table(recorded()) if line not in page] == []


def test_operations_read_the_recorded_number() -> None:
    """And no more with a hundred times as many jobs."""
    few, many = (recorded()[rows] for rows in ROWS)
    assert asked(ROWS[0]) == few == many


def test_reads_take_a_unit_for_four_kilobytes() -> None:
    """Of each item, also one that does not exist; half a unit of a query's entries together."""
    items = [{"pk": {"S": "x" * 4094}}, {"pk": {"S": "x" * 4095}}]
    assert read_units(3, items) == 1 + 2 + 1
    assert read_units(None, items) == Decimal("1.5")
    assert read_units(None, []) == Decimal("0.5")
