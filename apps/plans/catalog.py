"""The plans and prices that an installation starts with; staff change them in the console afterwards.

Prices are milli-credits. A translated minute with a dub costs 3 + 5 = 8 credits a language; lip sync keeps seed 003's prices
(2 credits a second in 480p, 4 in 720p, at least 5 seconds). Erasing old subtitles re-encodes every picture: 2 credits a minute.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps.registry import Apps

CREDIT: Final = 1000
GIB: Final = 1 << 30
# Without a known length this many seconds are set aside, or the plan's longest media if shorter; sql/pricing.sql says the same.
ASSUMED_SECONDS: Final = 180

PLANS: Final[dict[str, dict[str, Any]]] = {
    "free": {
        "name": "Free",
        "portal_credits": 60 * CREDIT,
        "max_file_bytes": GIB // 2,
        "max_duration": 600,
        "max_targets": 3,
        "translate_concurrency": 2,
        "lipsync_concurrency": 1,
        "requests_per_minute": 60,
        "retention_days": 7,
        "position": 1,
    },
    "creator": {
        "name": "Creator",
        "portal_credits": 600 * CREDIT,
        "max_file_bytes": 2 * GIB,
        "max_duration": 3600,
        "max_targets": 10,
        "translate_concurrency": 5,
        "lipsync_concurrency": 2,
        "requests_per_minute": 120,
        "retention_days": 30,
        "position": 2,
    },
    "business": {
        "name": "Business",
        "api_access": True,
        "portal_credits": 2000 * CREDIT,
        "api_credits": 2000 * CREDIT,
        "max_file_bytes": 5 * GIB,
        "max_duration": 4 * 3600,
        "max_targets": 20,
        "translate_concurrency": 50,
        "lipsync_concurrency": 20,
        "requests_per_minute": 600,
        "retention_days": 90,
        "position": 3,
    },
    "enterprise": {
        "name": "Enterprise",
        "api_access": True,
        "portal_credits": 10_000 * CREDIT,
        "api_credits": 20_000 * CREDIT,
        "max_file_bytes": 20 * GIB,
        "max_duration": 12 * 3600,
        "max_targets": 20,
        "translate_concurrency": 500,
        "lipsync_concurrency": 200,
        "requests_per_minute": 6000,
        "retention_days": 365,
        "position": 4,
    },
}
# (service, item, unit, milli-credits a unit, least billed seconds)
RATES: Final[tuple[tuple[str, str, str, int, int], ...]] = (
    ("translate", "subtitles", "minute", 3 * CREDIT, 0),
    ("translate", "voice", "minute", 5 * CREDIT, 0),
    ("translate", "lipsync", "second", 2 * CREDIT, 5),
    ("translate", "erase", "minute", 2 * CREDIT, 0),
    ("lipsync", "480p", "second", 2 * CREDIT, 5),
    ("lipsync", "720p", "second", 4 * CREDIT, 5),
)
FREE: Final = "free"


def install(apps: Apps) -> None:
    """Create what is missing, leave alone what staff may have changed. Harmless when repeated."""
    plan_model, rate_model = apps.get_model("plans", "Plan"), apps.get_model("plans", "RateCard")
    for code, values in PLANS.items():
        plan_model._default_manager.get_or_create(code=code, defaults=values)
    for service, item, unit, millicredits, minimum in RATES:
        rate_model._default_manager.get_or_create(
            plan=None,
            service=service,
            item=item,
            defaults={"unit": unit, "millicredits": millicredits, "minimum_seconds": minimum},
        )
