"""What many photos cost and when they will be done, before anything is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cutout.cli.output.describe import counted, duration
from cutout.operator.estimate import Estimator

if TYPE_CHECKING:
    from cutout.cli.aws.stack import Stack
    from cutout.cli.context import Surroundings
    from cutout.cli.output.money import Price
    from cutout.operator.estimate import Estimate


def estimate(stack: Stack, surroundings: Surroundings, photos: int) -> Estimate:
    """Return what so many photos take at the rate at which photos are done now."""
    estimator = Estimator(records=stack.records(), clock=surroundings.clock)
    return estimator.estimate(photos, stack.gate())


def plan_as_json(plan: Estimate, price: Price) -> dict[str, Any]:
    """Return the plan for programs."""
    return {
        "photos": plan.photos,
        "credits": float(plan.credits),
        "dollars": float(price.dollars(plan.credits)),
        "seconds": None if plan.lasts is None else round(plan.lasts.total_seconds()),
        "seconds_per_task": round(plan.task.total_seconds(), 1),
        "measured_on": plan.measured,
        "max_in_flight": plan.limits.max_in_flight,
        "daily_credit_cap": float(plan.limits.daily_credit_cap),
        "through_the_cap_today": plan.today,
    }


def plan_in_words(plan: Estimate, price: Price) -> str:
    """Return the plan for people: what it costs, how long it takes, and why."""
    limits = plan.limits
    source = (
        f"as {counted(plan.measured, 'recent photo')} took" if plan.measured else "as documented"
    )
    time = "never done" if plan.lasts is None else f"done in about {duration(plan.lasts)}"
    cost = f"{price.told(plan.credits)} ({price.cents:f} cents each)"
    rate = f"{limits.max_in_flight} at once, {duration(plan.task)} each, {source}"
    lines = [f"{cost}; {time}: {rate}"]
    if plan.today < plan.photos:
        lines.append(
            f"the daily cap of {limits.daily_credit_cap:,f} credits lets {plan.today:,} through "
            "today; the others wait in the table for the days after (`cutout limits`)"
        )
    return "\n".join(lines)
