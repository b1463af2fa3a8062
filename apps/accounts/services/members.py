"""Roles and leaving. Changes of one organization's members wait for each other, so that an owner always stays."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.actor import Actor
from apps.accounts.models import Membership, Organization, Role
from apps.accounts.permissions import RANKS, rank, require
from apps.core import errors
from apps.events.log import record


@transaction.atomic
def change_role(*, actor: Actor, membership_id: int, role: str) -> Membership:
    """Give a member another role. The same role again changes nothing.

    Raises ApiError 1503 without members.manage, for a role above one's own or a member above oneself; 404 for a stranger's
    membership; 4090 when the last owner would lose the role.
    """
    require(actor, "members.manage")
    check_role(actor, role)
    membership = _locked(actor, membership_id)
    _check_not_above(actor, membership)
    if membership.role == role:
        return membership
    before = membership.role
    if before == Role.OWNER:
        _check_not_last_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    record(
        type="member.role_changed",
        actor=actor,
        organization_id=membership.organization_id,
        subject=membership.user,
        data={"from": before, "to": role, "email": membership.user.email},
    )
    return membership


@transaction.atomic
def remove_member(*, actor: Actor, membership_id: int) -> None:
    """Take a member out, or leave oneself (which needs no permission).

    Keys that the person made stop working with code 814 (a key never outlives its maker's membership). Raises ApiError
    like change_role.
    """
    membership = _locked(actor, membership_id)
    leaving = actor.kind == "user" and actor.user is not None and membership.user_id == actor.user.pk
    if not leaving:
        require(actor, "members.manage")
        _check_not_above(actor, membership)
    if membership.role == Role.OWNER:
        _check_not_last_owner(membership)
    user, role, organization_id = membership.user, membership.role, membership.organization_id
    membership.delete()
    record(
        type="member.left" if leaving else "member.removed",
        actor=actor,
        organization_id=organization_id,
        subject=user,
        data={"role": role, "email": user.email},
    )


def check_role(actor: Actor, role: str) -> None:
    """Raise ApiError 5 for an unknown role, 1503 for one above the actor's own."""
    if role not in RANKS:
        raise errors.invalid("role", _("There is no such role."))
    if actor.kind == "user" and rank(role) < rank(actor.role):
        raise errors.ApiError(errors.NOT_AUTHORIZED, _("You cannot give a role above your own."))


def _locked(actor: Actor, membership_id: int) -> Membership:
    """The membership, fresh, with the organization's member list locked until the transaction ends."""
    Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)
    members = Membership.objects.select_related("user").filter(organization=actor.organization)
    membership = members.filter(pk=membership_id).first()
    if membership is None:
        raise errors.not_found("member")
    return membership


def _check_not_above(actor: Actor, membership: Membership) -> None:
    if actor.kind == "user" and rank(membership.role) < rank(actor.role):
        raise errors.ApiError(errors.NOT_AUTHORIZED, _("This member's role is above your own."))


def _check_not_last_owner(membership: Membership) -> None:
    others = Membership.objects.filter(organization=membership.organization_id, role=Role.OWNER).exclude(
        pk=membership.pk
    )
    if not others.exists():
        raise errors.conflict(_("An organization needs an owner: make someone else owner first."))
