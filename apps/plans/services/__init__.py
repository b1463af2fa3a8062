"""The verbs of money. Every one is exactly-once by its business key, however often and however concurrently it is called."""

from apps.plans.services.books import Mismatch, check_books
from apps.plans.services.changes import price_changes
from apps.plans.services.credits import adjust_credits, grant_credits
from apps.plans.services.estimates import Estimate, EstimateLine, estimate, price_items, price_measured
from apps.plans.services.holds import capture_hold, expire_holds, release_hold, resize_hold
from apps.plans.services.subscriptions import grant_monthly, set_subscription
from apps.plans.services.sweeps import check_books_when_due, sweep

__all__ = [
    "Estimate",
    "EstimateLine",
    "Mismatch",
    "adjust_credits",
    "capture_hold",
    "check_books",
    "check_books_when_due",
    "estimate",
    "expire_holds",
    "grant_credits",
    "grant_monthly",
    "price_changes",
    "price_items",
    "price_measured",
    "release_hold",
    "resize_hold",
    "set_subscription",
    "sweep",
]
