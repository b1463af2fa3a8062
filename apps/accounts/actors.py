"""Background work of accounts: fetch, delegate, nothing else."""

from __future__ import annotations

import dramatiq

from apps.accounts import services


@dramatiq.actor(actor_name="accounts.send_invitation", queue_name="default", max_retries=8)
def send_invitation(invitation_pk: int) -> None:
    """Send the e-mail of an invitation; tried again while the mail server does not take it."""
    services.send_invitation(invitation_pk=invitation_pk)
