"""Team: members with their roles, invitations, and accepting one."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from apps.accounts import selectors, services
from apps.accounts.models import Role
from apps.accounts.permissions import RANKS, allows, rank
from apps.core.errors import ApiError
from apps.web.access import PageRequest, actor_of, field_errors, member_page, person_of, signed_in
from apps.web.forms import InviteForm
from apps.web.messages import sentence

ROLE_NOTES = {
    Role.OWNER: _("Everything, and may close the organization"),
    Role.ADMIN: _("People, keys and everything an editor may"),
    Role.EDITOR: _("Orders jobs, uploads, edits, sees the credits"),
    Role.REVIEWER: _("Reads and edits transcripts, resumes paused jobs"),
    Role.VIEWER: _("Sees jobs and downloads results"),
}


def _roles(request: PageRequest) -> list[str]:
    """Roles that this person may give: their own and lesser ones."""
    actor = actor_of(request)
    return [role for role in RANKS if actor.role and rank(role) >= rank(actor.role)]


@member_page
def index(request: PageRequest, form: InviteForm | None = None) -> HttpResponse:
    """Members and open invitations."""
    actor = actor_of(request)
    may_manage = allows(actor, "members.manage")
    roles = _roles(request)
    context = {
        "members": selectors.members_for(actor=actor),
        "invitations": selectors.invitations_for(actor=actor) if may_manage else [],
        "may_manage": may_manage,
        "form": form or InviteForm(roles=roles),
        "roles": [choice for choice in Role.choices if choice[0] in roles],
        "all_roles": Role.choices,
        "role_notes": ROLE_NOTES,
    }
    return render(request, "web/team.html", context, status=422 if form else 200)


@member_page
@require_POST
def invite(request: PageRequest) -> HttpResponse:
    """Sends an invitation by e-mail."""
    form = InviteForm(request.POST, roles=_roles(request))
    if form.is_valid():
        try:
            services.invite_member(
                actor=actor_of(request), email=form.cleaned_data["email"], role=form.cleaned_data["role"]
            )
        except ApiError as error:
            if error.http_status == 403:
                raise
            texts = field_errors(error) if error.errors else {"email": [error.detail]}
            for field, words in texts.items():
                form.add_error(field if field in form.fields else None, words)
        else:
            messages.success(request, gettext("Invitation sent to %(email)s.") % {"email": form.cleaned_data["email"]})
            return redirect("web:team")
    return index(request, form)


@member_page
@require_POST
def revoke_invitation(request: PageRequest, public_id: str) -> HttpResponse:
    """Takes an invitation back."""
    services.revoke_invitation(actor=actor_of(request), public_id=public_id)
    messages.success(request, gettext("The invitation no longer works."))
    return redirect("web:team")


@member_page
@require_POST
def change_role(request: PageRequest, membership_id: int) -> HttpResponse:
    """Gives a member another role."""
    services.change_role(actor=actor_of(request), membership_id=membership_id, role=request.POST.get("role", ""))
    messages.success(request, gettext("The role is changed."))
    return redirect("web:team")


@member_page
@require_POST
def remove(request: PageRequest, membership_id: int) -> HttpResponse:
    """Takes a member out of the organization."""
    services.remove_member(actor=actor_of(request), membership_id=membership_id)
    messages.success(request, gettext("Removed from the organization."))
    return redirect("web:team")


@signed_in
def accept(request: PageRequest, token: str) -> HttpResponse:
    """The address in the invitation mail; joining takes a click, since mail scanners follow links."""
    if request.method != "POST":
        return render(request, "web/invitation.html", {"invitation": selectors.invitation_for(token)})
    try:
        membership = services.accept_invitation(user=person_of(request), token=token)
    except ApiError as error:
        if error.http_status == 404:
            raise
        messages.error(request, sentence(error))
        return redirect("web:invitation-accept", token=token)
    request.session[settings.SESSION_ORGANIZATION_KEY] = membership.organization.public_id
    messages.success(request, gettext("Welcome to %(name)s.") % {"name": membership.organization.name})
    return redirect("web:jobs")
