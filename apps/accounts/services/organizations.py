"""Making and changing organizations."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.models import Membership, Organization, Role, User
from apps.accounts.permissions import require
from apps.accounts.signals import organization_created
from apps.core import errors
from apps.events.log import record

NAME_LENGTH: Final = 120
MAX_OWNED: Final = 10
"""Organizations that one person may own: each comes with free credits every month."""


@transaction.atomic
def sign_up_organization(*, user: User, name: str = "") -> Organization:
    """A new organization with this person as its owner, on the Free plan (plans listens to the signal).

    Without a name it is called after the person. Raises ApiError 5 for a name above 120 characters, 4090 for a person who
    owns too many already.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two forms at once are counted one after the other
    if Membership.objects.filter(user=user, role=Role.OWNER).count() >= MAX_OWNED:
        raise errors.conflict(
            _("You own %(count)s organizations already. Write to us if you need more.") % {"count": MAX_OWNED}
        )
    name = _checked(name) if name.strip() else user.get_short_name()[:NAME_LENGTH]
    organization = Organization.objects.create(name=name)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    actor = Actor(organization=organization, kind="user", user=user, role=str(Role.OWNER.value))
    record(
        type="organization.created",
        actor=actor,
        organization_id=organization.pk,
        subject=organization,
        data={"name": organization.name},
    )
    organization_created.send(sender=Organization, organization=organization, actor=actor)
    return organization


@transaction.atomic
def update_organization(
    *, actor: Actor, name: str | None = None, preferred_provider: str | None = None, require_mfa: bool | None = None
) -> Organization:
    """Change what is given, leave the rest. Raises ApiError 1503 without org.manage, 5 for a bad name."""
    require(actor, "org.manage")
    organization = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)
    wanted: dict[str, Any] = {
        "name": None if name is None else _checked(name),
        "preferred_provider": preferred_provider,
        "require_mfa": require_mfa,
    }
    changed = {key: value for key, value in wanted.items() if value is not None and getattr(organization, key) != value}
    if changed:
        for key, value in changed.items():
            setattr(organization, key, value)
        organization.save(update_fields=list(changed))
        record(
            type="organization.updated",
            actor=actor,
            organization_id=organization.pk,
            subject=organization,
            data=changed,
        )
    return organization


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH:
        raise errors.invalid("name", _("A name of 1 to 120 characters is needed."))
    return name
