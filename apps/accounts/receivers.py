"""What accounts does when allauth tells it something."""

from __future__ import annotations

from typing import Any

from allauth.account.signals import user_signed_up

from apps.accounts.models import User


def start_personal_organization(sender: Any, request: Any, user: User, **kwargs: object) -> None:
    """Everybody who signs up has an organization of their own to work in at once."""
    from apps.accounts.services import sign_up_organization

    sign_up_organization(user=user)


def connect() -> None:
    """Listen; called once from AppConfig.ready."""
    user_signed_up.connect(start_personal_organization, dispatch_uid="accounts.start_personal_organization")
