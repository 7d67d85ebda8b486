"""Credits in money, and the cost and duration of photos before a command does anything."""

from decimal import Decimal
from typing import Any

from cutout.cli.output.units import counted, duration
from cutout.domain.dataclass import dataclass
from cutout.operator.estimate import Estimate

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


def preview_as_json(estimate: Estimate, price: Price) -> dict[str, Any]:
    """Return the preview for programs."""
    return {
        "photos": estimate.photos,
        "credits": float(estimate.credits),
        "dollars": float(price.dollars(estimate.credits)),
        "seconds": None if estimate.lasts is None else round(estimate.lasts.total_seconds()),
        "seconds_per_task": round(estimate.task.total_seconds(), 1),
        "measured_on": estimate.measured,
        "max_in_flight": estimate.limits.max_in_flight,
        "daily_credit_cap": float(estimate.limits.daily_credit_cap),
        "through_the_cap_today": estimate.today,
    }


def preview_in_words(estimate: Estimate, price: Price) -> str:
    """Return the preview for people: cost, duration, and what they are based on."""
    limits = estimate.limits
    measured = counted(estimate.measured, "recent photo")
    source = f"measured on {measured}" if estimate.measured else "as documented by the provider"
    time = "never done" if estimate.lasts is None else f"done in about {duration(estimate.lasts)}"
    cost = f"{price.in_words(estimate.credits)} (at {price.cents:f} cents a credit)"
    at_once = counted(limits.max_in_flight, "photo")
    rate = f"{at_once} at once, {duration(estimate.task)} each, {source}"
    lines = [f"{cost}; {time}: {rate}"]
    if estimate.today < estimate.photos:
        lines.append(
            f"the daily cap of {limits.daily_credit_cap:,f} credits admits {estimate.today:,} "
            "today; the others wait for the following days (`cutout limits` shows the cap)"
        )
    return "\n".join(lines)
