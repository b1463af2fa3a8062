"""Reads of people, organizations and keys; everything of an organization is asked for through the actor."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.actor import Actor
from apps.accounts.models import ApiKey, Invitation, Membership, Organization, User
from apps.accounts.permissions import require
from apps.accounts.tokens import digest_of
from apps.core import clock, errors


def membership(user: User, organization: Organization) -> Membership | None:
    """The person's membership in the organization, if there is one."""
    return Membership.objects.filter(user=user, organization=organization).first()


def actor_for_user(user: User, organization: Organization, request_id: str = "") -> Actor:
    """The person acting in the organization. Raises ApiError 814 for someone who is not a member, or a suspended one."""
    found = membership(user, organization)
    if found is None or not user.is_active or organization.status != Organization.Status.ACTIVE:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    return Actor(organization=organization, kind="user", user=user, role=found.role, request_id=request_id)


def actor_for_staff(user: User, organization: Organization, request_id: str = "") -> Actor:
    """One of the operator's staff acting on a customer's organization. Raises ApiError 1503 for anyone else."""
    if not (user.is_active and user.is_staff):
        raise errors.ApiError(errors.NOT_AUTHORIZED)
    return Actor(organization=organization, kind="staff", user=user, request_id=request_id)


def members_for(actor: Actor) -> QuerySet[Membership]:
    """Members with their users, in the order they joined. Every member may see who else is there; a key may not (1503)."""
    if actor.kind == "api_key":
        raise errors.ApiError(errors.NOT_AUTHORIZED)
    return (
        Membership.objects.filter(organization=actor.organization).select_related("user").order_by("created_at", "pk")
    )


def invitations_for(actor: Actor) -> QuerySet[Invitation]:
    """Open invitations, newest first; those past their time are shown too, so that they can be sent again."""
    require(actor, "members.manage")
    open_ones = Invitation.objects.filter(organization=actor.organization, accepted_at=None, revoked_at=None)
    return open_ones.select_related("invited_by").order_by("-created_at", "-pk")


def invitation_for(token: str) -> Invitation:
    """The invitation of a link, to show before it is accepted. Raises ApiError 404 or 4100 when it is over."""
    found = (
        Invitation.objects.select_related("organization", "invited_by").filter(token_digest=digest_of(token)).first()
    )
    if found is None:
        raise errors.not_found("invitation")
    if found.revoked_at is not None or (found.accepted_at is None and found.expires_at <= clock.now()):
        raise errors.ApiError(errors.GONE)
    return found


def api_keys_for(actor: Actor) -> QuerySet[ApiKey]:
    """Keys with their makers, newest first; revoked ones included. Raises ApiError 1503 without keys.manage."""
    require(actor, "keys.manage")
    return ApiKey.objects.filter(organization=actor.organization).select_related("created_by").order_by("-pk")
