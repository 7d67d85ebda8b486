"""The option for the price of a credit."""

from decimal import Decimal, InvalidOperation

import click

from cutout.cli.options.environment import CliSettings
from cutout.cli.output.money import Price
from cutout.cli.output.problems import Problem
from cutout.wiring.chosen_provider import terms

_MOST_CENTS = 1_000_000


def price_of(settings: CliSettings, chosen: str | None) -> Price:
    """Return the price: that of the option, else of the environment, else of the price list.

    Raises:
        click.BadParameter: The option is not an amount.
        Problem: The environment variable is not an amount.
    """
    if chosen is not None:
        return Price(cents=_amount(chosen))
    if settings.cents_per_credit is None:
        return Price(cents=terms().cents_a_credit)
    try:
        return Price(cents=_amount(settings.cents_per_credit))
    except click.BadParameter as error:
        raise Problem(f"CUTOUT_CENTS_PER_CREDIT: {error.message}.") from error


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise click.BadParameter(f"{text!r} is not an amount, like 1.47") from error
    if not amount.is_finite() or not 0 < amount <= _MOST_CENTS:
        raise click.BadParameter(f"{text!r} is not an amount from 0 to {_MOST_CENTS:,}")
    return amount


price_option = click.option(
    "--cents-per-credit",
    "price",
    metavar="CENTS",
    # Resolved with the options, so that a wrong variable ends a command before it connects.
    callback=lambda ctx, _option, chosen: price_of(ctx.obj.settings, chosen),
    help="Your price of a credit in US cents; also as CUTOUT_CENTS_PER_CREDIT.  "
    f"[default: {terms().cents_a_credit}, from the provider's price list of "
    f"{terms().price_list}]",
)
"""The command gets the `price`."""
