"""Inviting by e-mail. The token is derived from the server's secret and the invitation's id: only its digest is kept, and the
worker that writes the e-mail can make it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from apps.accounts.actor import Actor
from apps.accounts.models import Invitation, Membership, Organization, User, invitation_id
from apps.accounts.permissions import require
from apps.accounts.services.members import check_role
from apps.accounts.tokens import digest_of, token_of
from apps.core import clock, errors
from apps.events.log import record
from apps.events.queue import enqueue

LIFETIME: Final = timedelta(days=7)
# A form posted twice sends one e-mail.
RESEND_AFTER: Final = timedelta(minutes=1)
# What one organization can make our mail server send to strangers.
DAY: Final = timedelta(days=1)
MAX_A_DAY: Final = 100


@transaction.atomic
def invite_member(*, actor: Actor, email: str, role: str) -> Invitation:
    """Offer a role by e-mail; an open offer to the same address is renewed with the new role and sent again.

    Raises ApiError 1503 without members.manage or for a role above one's own, 5 for a bad address, 4090 for a member, 4290
    after too many invitations within a day.
    """
    require(actor, "members.manage")
    check_role(actor, role)
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError:
        raise errors.invalid("email", _("This is not an e-mail address.")) from None
    # The organization's row is the lock: two invitations of one address become one.
    organization = Organization.objects.select_for_update(no_key=True).get(pk=actor.organization.pk)
    if Membership.objects.filter(organization=organization, user__email__iexact=email).exists():
        raise errors.conflict(_("This person is a member already."))
    now = clock.now()
    open_ones = Invitation.objects.filter(organization=organization, accepted_at=None, revoked_at=None)
    invitation = open_ones.filter(email__iexact=email).first()
    if invitation is not None and invitation.created_at > now - RESEND_AFTER and invitation.expires_at > now:
        # The open e-mail stays good; whoever changed their mind about the role changes only that.
        if invitation.role != role:
            invitation.role = role
            invitation.save(update_fields=["role"])
            _tell_sent(actor, invitation)
        return invitation
    if Invitation.objects.filter(organization=organization, created_at__gt=now - DAY).count() >= MAX_A_DAY:
        raise errors.rate(3600, _("So many invitations were sent today that no more can be sent before tomorrow."))
    if invitation is None:
        public_id = invitation_id()
        invitation = Invitation(organization=organization, public_id=public_id)
    invitation.email, invitation.role, invitation.invited_by = email, role, actor.user
    invitation.token_digest = digest_of(token_of(invitation.public_id))
    invitation.created_at, invitation.expires_at = now, now + LIFETIME
    invitation.save()
    _tell_sent(actor, invitation)
    enqueue("accounts.send_invitation", invitation.pk)
    return invitation


@transaction.atomic
def revoke_invitation(*, actor: Actor, public_id: str) -> Invitation:
    """Take an open offer back; again: nothing changes. Raises ApiError 1503, 404, or 4090 when it was accepted."""
    require(actor, "members.manage")
    locked = Invitation.objects.select_for_update(no_key=True)
    invitation = locked.filter(organization=actor.organization, public_id=public_id).first()
    if invitation is None:
        raise errors.not_found("invitation")
    if invitation.accepted_at is not None:
        raise errors.conflict(_("This invitation was accepted already."))
    if invitation.revoked_at is None:
        invitation.revoked_at = clock.now()
        invitation.save(update_fields=["revoked_at"])
        record(
            type="invitation.revoked",
            actor=actor,
            organization_id=invitation.organization_id,
            subject=invitation,
            data={"email": invitation.email},
        )
    return invitation


@transaction.atomic
def accept_invitation(*, user: User, token: str) -> Membership:
    """Join with the token of the e-mail; the same person again gets the same membership.

    Raises ApiError 404 for an unknown token, 4100 for one that is over, 4030 when it was sent to someone else's address.
    """
    locked = Invitation.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    invitation = locked.filter(token_digest=digest_of(token)).first()
    if invitation is None:
        raise errors.not_found("invitation")
    if not _is_theirs(user, invitation.email):
        raise errors.ApiError(
            errors.REFUSED,
            _("This invitation was sent to another address (%(email)s). Sign in with that one.")
            % {"email": _masked(invitation.email)},
        )
    membership = Membership.objects.filter(organization=invitation.organization, user=user).first()
    if invitation.accepted_at is not None and membership is not None:
        return membership
    if invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= clock.now():
        raise errors.ApiError(errors.GONE, _("This invitation is over. Ask for a new one."))
    if invitation.organization.status != Organization.Status.ACTIVE:
        raise errors.ApiError(errors.NO_MEMBERSHIP)
    invitation.accepted_at = clock.now()
    invitation.save(update_fields=["accepted_at"])
    if membership is None:  # someone who is a member already keeps the role they have
        membership = Membership.objects.create(organization=invitation.organization, user=user, role=invitation.role)
    record(
        type="member.joined",
        actor=Actor(organization=invitation.organization, kind="user", user=user, role=membership.role),
        organization_id=invitation.organization_id,
        subject=user,
        data={"role": membership.role, "email": user.email, "invitation": invitation.public_id},
    )
    return membership


def send_invitation(*, invitation_pk: int) -> bool:
    """Write the e-mail of an open invitation; False when there is nothing to send any more. Called by the worker.

    Raises OSError or smtplib.SMTPException when the mail server does not take it; the queue tries again.
    """
    invitation = Invitation.objects.select_related("organization", "invited_by").filter(pk=invitation_pk).first()
    if invitation is None or invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= clock.now():
        return False
    invited = User.objects.filter(email__iexact=invitation.email).first()
    inviter = invitation.invited_by
    language = (invited.language if invited else "") or (inviter.language if inviter else "") or settings.LANGUAGE_CODE
    with override(language):
        context = {
            "invitation": invitation,
            "organization": invitation.organization,
            "inviter": inviter,
            "link": settings.PUBLIC_URL + reverse("web:invitation-accept", args=[token_of(invitation.public_id)]),
        }
        subject = " ".join(render_to_string("accounts/email/invitation_subject.txt", context).split())
        body = render_to_string("accounts/email/invitation.txt", context)
        message = EmailMultiAlternatives(subject, body, to=[invitation.email])
        message.attach_alternative(render_to_string("accounts/email/invitation.html", context), "text/html")
        message.send()
    return True


def _tell_sent(actor: Actor, invitation: Invitation) -> None:
    record(
        type="invitation.sent",
        actor=actor,
        organization_id=invitation.organization_id,
        subject=invitation,
        data={"email": invitation.email, "role": invitation.role},
    )


def _is_theirs(user: User, email: str) -> bool:
    """Whether the address is the person's sign-in address or another one they have verified."""
    if user.email.casefold() == email.casefold():
        return True
    return bool(EmailAddress.objects.filter(user=user, email__iexact=email, verified=True).exists())


def _masked(email: str) -> str:
    """Enough of an address for its owner to know it: a…@example.org."""
    name, _at, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"
