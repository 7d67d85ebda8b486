"""Credits in money."""

from decimal import Decimal

from cutout.domain.dataclass import dataclass

DEFAULT_CENTS = Decimal("1.47")
"""US cents a credit; by the price list of 2026-10-10, 5.4 credits cost 0.0794 US dollars."""
_CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Price:
    """The price of a credit, in US cents."""

    cents: Decimal

    def dollars(self, credits_: Decimal) -> Decimal:
        """Return the price of credits, in US dollars."""
        return (credits_ * self.cents / 100).quantize(_CENT)

    def in_words(self, credits_: Decimal) -> str:
        """Return credits and money for people."""
        return f"{credits_:,f} credits, about ${self.dollars(credits_):,}"
