"""The option for the price of a credit."""

from decimal import Decimal, InvalidOperation

import click

from cutout.cli.options.environment import CliSettings
from cutout.cli.output.money import DEFAULT_CENTS, Price
from cutout.cli.output.problems import Problem

_MOST_CENTS = 1_000_000


class PositiveAmount(click.ParamType[Decimal]):
    """An amount greater than 0."""

    name = "CENTS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Convert the text."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not an amount, like 1.47", param, ctx)
        if not amount.is_finite() or not 0 < amount <= _MOST_CENTS:
            self.fail(f"{value!r} is not an amount from 0 to {_MOST_CENTS:,}", param, ctx)
        return amount


def price_of(settings: CliSettings, chosen: Decimal | None) -> Price:
    """Return the price: that of the option, else of the environment, else of the price list.

    Raises:
        Problem: The environment variable is not an amount.
    """
    text = settings.cents_per_credit
    if chosen is not None or text is None:
        return Price(cents=chosen or DEFAULT_CENTS)
    try:
        return Price(cents=PositiveAmount().convert(text, None, None))
    except click.BadParameter as error:
        raise Problem(f"CUTOUT_CENTS_PER_CREDIT: {error.message}.") from error


price_option = click.option(
    "--cents-per-credit",
    "price",
    type=PositiveAmount(),
    # Resolved with the options, so that a wrong variable ends a command before it connects.
    callback=lambda ctx, _option, chosen: price_of(ctx.obj.settings, chosen),
    help="Your price of a credit in US cents; also as CUTOUT_CENTS_PER_CREDIT.  "
    f"[default: {DEFAULT_CENTS}, from the provider's price list of 2026-10-10]",
)
"""The command gets the `price`."""
