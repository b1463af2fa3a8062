"""What plans does when accounts tells it something (accounts sits below plans and cannot call it)."""

from __future__ import annotations

from typing import Any

from apps.accounts.actor import Actor
from apps.accounts.models import Organization
from apps.accounts.signals import organization_created


def start_on_free_plan(sender: Any, organization: Organization, actor: Actor, **kwargs: object) -> None:
    """A new organization starts on the Free plan with its first monthly credits."""
    from apps.plans import catalog
    from apps.plans.services import set_subscription

    set_subscription(actor=actor, organization=organization, plan=catalog.FREE)


def connect() -> None:
    """Listen; called once from AppConfig.ready."""
    organization_created.connect(start_on_free_plan, dispatch_uid="plans.start_on_free_plan")
