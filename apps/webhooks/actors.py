"""Background work of webhooks: fetch, delegate, nothing else. (Posting is the sender's, in the poller process.)"""

from __future__ import annotations

import dramatiq

from apps.webhooks.services import notices


@dramatiq.actor(actor_name="webhooks.tell_disabled", queue_name="default", max_retries=8)
def tell_disabled(endpoint_pk: int) -> None:
    """Tells owners and admins that an endpoint was switched off; tried again while the mail server does not take it."""
    notices.tell_disabled(endpoint_pk=endpoint_pk)
