"""Optional error reports to Sentry: nothing leaves this machine unless SENTRY_DSN is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

SECRETS = ("authorization", "cookie", "x-api-key", "password", "secret", "token")


def start() -> None:
    """Switch reports on; called once per process when Django is ready."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        send_default_pii=False,
        max_request_body_size="never",  # bodies hold customers' orders
        traces_sample_rate=0.0,
        before_send=scrub,
    )


def scrub(event: Event, hint: Hint) -> Event | None:
    """Take secrets out of a report, whatever integration put them in. Refusals we numbered ourselves are not errors."""
    from apps.core.errors import ApiError

    kind = (hint.get("exc_info") or (None,))[0]
    if isinstance(kind, type) and issubclass(kind, ApiError):
        return None
    request: Any = event.get("request")
    if isinstance(request, dict):
        request.pop("cookies", None)
        request.pop("query_string", None)
        headers = request.get("headers") or {}
        request["headers"] = {k: "[removed]" if any(s in k.lower() for s in SECRETS) else v for k, v in headers.items()}
    return event
