"""Credits in money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from cutout.cli.output.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from cutout.cli.context import Surroundings

DEFAULT_CENTS = Decimal("1.47")
"""US cents a credit; the provider's price list of 2026-10-10: 5.4 credits are 0.0794 US dollars."""
_MOST_CENTS = 1_000_000
_CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a credit costs, in US cents."""

    cents: Decimal

    def dollars(self, credits_: Decimal) -> Decimal:
        """Return what so many credits cost, in US dollars."""
        return (credits_ * self.cents / 100).quantize(_CENT)

    def told(self, credits_: Decimal) -> str:
        """Return credits and money for people."""
        return f"{credits_:,f} credits, about ${self.dollars(credits_):,}"


class PositiveAmount(click.ParamType[Decimal]):
    """An amount above nothing."""

    name = "CENTS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Read it."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount, like 1.47", param, ctx)
        if not amount.is_finite() or not 0 < amount <= _MOST_CENTS:
            self.fail(f"{value!r} is not an amount from 0 to {_MOST_CENTS:,}", param, ctx)
        return amount


def money_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command be told the price of a credit; it gets ``cents_per_credit``."""
    return click.option(
        "--cents-per-credit",
        type=PositiveAmount(),
        help="US cents that a credit costs you; also as CUTOUT_CENTS_PER_CREDIT.  "
        f"[default: {DEFAULT_CENTS}, by the provider's price list of 2026-10-10]",
    )(command)


def price_of(surroundings: Surroundings, chosen: Decimal | None) -> Price:
    """Return the price: the option's, else the environment's, else the price list's.

    Raises:
        Problem: What the environment says is no amount.
    """
    told = surroundings.settings.cents_per_credit
    if chosen is not None or told is None:
        return Price(cents=chosen or DEFAULT_CENTS)
    try:
        return Price(cents=PositiveAmount().convert(told, None, None))
    except click.BadParameter as error:
        raise Problem(f"CUTOUT_CENTS_PER_CREDIT: {error.message}.") from error
