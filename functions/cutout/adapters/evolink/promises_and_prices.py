"""What Evolink promises, and its prices. The page of each value is named beside it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from cutout.domain.provider_outcomes import Terms

TERMS = Terms(
    # The pages of MJ V7 (24 hours) and V8.1 (30 days); the model's own page says nothing.
    results_last=timedelta(hours=24),
    # Error-code page: a new task may be unknown "for a short while".
    task_visibility_delay=timedelta(minutes=10),
    usual_price=Decimal("5.4"),
    # The price list: 5.4 credits cost 0.0794 US dollars.
    cents_a_credit=Decimal("1.47"),
    price_list=date(2026, 10, 10),
    # Client, and error-code page: the photo was moderated. The documentation of the model says that
    # some of these tasks are charged.
    final_codes=frozenset(
        {
            "content_policy_violation",
            "content_filter",
            "sensitive_content",
            "moderation_blocked",
            "input_moderation_failed",
        }
    ),
)
