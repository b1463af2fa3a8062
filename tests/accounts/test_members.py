"""Joining, roles and leaving: roles are never raised above one's own, an owner always stays, doubled clicks do no harm."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client

from apps.accounts.actor import Actor
from apps.accounts.models import Invitation, Membership, Organization, User
from apps.accounts.selectors import (
    actor_for_staff,
    actor_for_user,
    invitation_for,
    invitations_for,
    members_for,
)
from apps.accounts.services import (
    accept_invitation,
    change_role,
    invite_member,
    remove_member,
    revoke_invitation,
    send_invitation,
    sign_up_organization,
    update_organization,
)
from apps.accounts.services.invitations import MAX_A_DAY
from apps.accounts.services.organizations import MAX_OWNED
from apps.accounts.tokens import token_of
from apps.core import clock
from apps.core.errors import ApiError
from apps.events.models import Event
from apps.plans.models import Wallet
from apps.plans.selectors import plan_for
from tests.factories import add_member, make_key, make_organization, make_user, owner_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db


def code_of(call: object, **values: object) -> int:
    """0 when the call succeeds, else the code of its ApiError."""
    try:
        call(**values)  # type: ignore[operator]
    except ApiError as error:
        return error.code
    return 0


def membership_of(actor: Actor) -> Membership:
    return Membership.objects.get(organization=actor.organization, user=actor.user)


def test_signing_up_by_the_form_makes_an_organization_on_the_free_plan(client: Client) -> None:
    response = client.post("/accounts/signup/", {"email": "ann@example.org", "password1": "correct horse battery"})
    assert response.status_code == 302, response.content.decode()[:2000]
    user = User.objects.get(email="ann@example.org")
    organization = Organization.objects.get(memberships__user=user)
    assert organization.name == "ann"
    assert actor_for_user(user, organization).role == "owner"
    plan = plan_for(organization)
    assert plan is not None and plan.code == "free"
    assert Wallet.objects.get(organization=organization, pool="portal").available == plan.portal_credits
    assert Event.objects.filter(type="organization.created", organization_id=organization.pk).count() == 1


def test_an_organization_has_a_name() -> None:
    user = make_user("bob@example.org")
    assert sign_up_organization(user=user, name="  Acme   GmbH ").name == "Acme GmbH"
    assert code_of(sign_up_organization, user=user, name="x" * 121) == 5


def test_settings_change_what_is_given_and_are_told() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    for _ in range(2):
        update_organization(actor=owner, name="New name", require_mfa=True)
    organization.refresh_from_db()
    assert (organization.name, organization.require_mfa, organization.preferred_provider) == ("New name", True, "")
    event = Event.objects.get(type="organization.updated")
    assert event.data == {"name": "New name", "require_mfa": True}
    assert code_of(update_organization, actor=owner, name=" ") == 5
    assert code_of(update_organization, actor=add_member(organization, "editor"), name="x") == 1503


def test_an_invitation_goes_all_the_way() -> None:
    organization = make_organization(name="Acme & Söhne <b>")
    owner = owner_of(organization)
    invitation = invite_member(actor=owner, email=" New@Example.org ", role="editor")
    assert send_invitation(invitation_pk=invitation.pk) is True
    (message,) = mail.outbox
    assert message.to == ["New@Example.org"]
    assert "Acme & Söhne <b>" in message.subject
    html = str(message.alternatives[0][0])  # type: ignore[attr-defined]
    assert "Acme &amp; Söhne &lt;b&gt;" in html
    found = re.search(r"/invitations/([A-Za-z0-9_-]{43})/", str(message.body))
    assert found is not None and found[1] in html
    token = found[1]
    assert invitation_for(token) == invitation
    user = make_user("new@example.ORG")
    membership = accept_invitation(user=user, token=token)
    assert (membership.organization, membership.role) == (organization, "editor")
    assert accept_invitation(user=user, token=token) == membership
    assert Event.objects.filter(type="member.joined").count() == 1
    assert send_invitation(invitation_pk=invitation.pk) is False


def test_only_a_digest_of_the_token_is_kept_or_logged() -> None:
    invitation = invite_member(actor=owner_of(make_organization()), email="x@example.org", role="viewer")
    token = token_of(invitation.public_id)
    assert token.encode() not in bytes(Invitation.objects.get().token_digest)
    assert all(token not in str(event.data) for event in Event.objects.all())


def test_an_invitation_is_for_its_address_only() -> None:
    invitation = invite_member(actor=owner_of(make_organization()), email="x@example.org", role="viewer")
    token = token_of(invitation.public_id)
    user = make_user("y@example.org")
    assert code_of(accept_invitation, user=user, token=token) == 4030
    address = EmailAddress.objects.create(user=user, email="X@example.org", verified=False)
    assert code_of(accept_invitation, user=user, token=token) == 4030
    EmailAddress.objects.filter(pk=address.pk).update(verified=True)
    assert code_of(accept_invitation, user=user, token=token) == 0


def test_invitations_end() -> None:
    organization = make_organization()
    owner, user = owner_of(organization), make_user("x@example.org")
    invitation = invite_member(actor=owner, email=user.email, role="viewer")
    token = token_of(invitation.public_id)
    assert code_of(accept_invitation, user=user, token="x" * 43) == 4040
    Invitation.objects.update(expires_at=clock.now())
    assert code_of(accept_invitation, user=user, token=token) == 4100
    assert code_of(invitation_for, token=token) == 4100
    # Inviting again renews the same offer, with the new role.
    again = invite_member(actor=owner, email="X@EXAMPLE.org", role="editor")
    assert (again.pk, again.role) == (invitation.pk, "editor")
    for _ in range(2):
        revoke_invitation(actor=owner, public_id=invitation.public_id)
    assert code_of(accept_invitation, user=user, token=token) == 4100
    assert send_invitation(invitation_pk=invitation.pk) is False
    assert Event.objects.filter(type="invitation.revoked").count() == 1
    assert list(invitations_for(owner)) == []
    # After a revocation a new offer has another token.
    fresh = invite_member(actor=owner, email=user.email, role="viewer")
    assert token_of(fresh.public_id) != token
    assert code_of(accept_invitation, user=user, token=token_of(fresh.public_id)) == 0
    assert code_of(revoke_invitation, actor=owner, public_id=fresh.public_id) == 4090


def test_a_form_posted_twice_invites_once() -> None:
    owner = owner_of(make_organization())
    first, second = (invite_member(actor=owner, email="x@example.org", role="viewer") for _ in range(2))
    assert first == second
    assert Event.objects.filter(type="invitation.sent").count() == 1


def test_who_may_invite_whom() -> None:
    organization = make_organization()
    admin, editor = add_member(organization, "admin"), add_member(organization, "editor")
    values = {"email": "x@example.org"}
    assert code_of(invite_member, actor=editor, role="viewer", **values) == 1503
    assert code_of(invite_member, actor=admin, role="owner", **values) == 1503
    assert code_of(invite_member, actor=admin, role="king", **values) == 5
    assert code_of(invite_member, actor=admin, role="viewer", email="nonsense") == 5
    assert editor.user is not None
    assert code_of(invite_member, actor=admin, role="viewer", email=editor.user.email.upper()) == 4090
    assert code_of(invite_member, actor=admin, role="admin", **values) == 0


def test_roles_are_not_raised_above_ones_own() -> None:
    organization = make_organization()
    owner, admin, editor = owner_of(organization), add_member(organization, "admin"), add_member(organization, "editor")
    change = {"actor": admin, "membership_id": membership_of(editor).pk}
    assert code_of(change_role, **change, role="owner") == 1503
    assert code_of(change_role, **change, role="admin") == 0
    assert code_of(change_role, actor=admin, membership_id=membership_of(owner).pk, role="viewer") == 1503
    assert code_of(remove_member, actor=admin, membership_id=membership_of(owner).pk) == 1503
    assert code_of(change_role, actor=editor, membership_id=membership_of(admin).pk, role="viewer") == 1503
    events = Event.objects.filter(type="member.role_changed")
    assert [event.data["to"] for event in events] == ["admin"]


def test_the_last_owner_stays() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    mine = membership_of(owner).pk
    assert code_of(remove_member, actor=owner, membership_id=mine) == 4090
    assert code_of(change_role, actor=owner, membership_id=mine, role="admin") == 4090
    second = add_member(organization, "owner")
    assert code_of(change_role, actor=owner, membership_id=mine, role="viewer") == 0
    assert code_of(remove_member, actor=second, membership_id=membership_of(second).pk) == 4090
    # Leaving needs no permission.
    assert code_of(remove_member, actor=actor_for_user(owner.user, organization), membership_id=mine) == 0  # type: ignore[arg-type]
    assert Event.objects.filter(type="member.left").count() == 1
    assert owner.user is not None
    assert not Membership.objects.filter(user=owner.user).exists()
    assert code_of(actor_for_user, user=owner.user, organization=organization) == 814


@pytest.mark.django_db(transaction=True)
def test_two_owners_leaving_at_once_leave_one() -> None:
    organization = make_organization()
    owners = [owner_of(organization), add_member(organization, "owner")]

    def leave(number: int) -> int:
        actor = owners[number]
        return code_of(remove_member, actor=actor, membership_id=membership_of(actor).pk)

    assert sorted(at_once(2, leave)) == [0, 4090]


@pytest.mark.django_db(transaction=True)
def test_an_invitation_accepted_twice_at_once_makes_one_member() -> None:
    organization = make_organization()
    invitation = invite_member(actor=owner_of(organization), email="x@example.org", role="viewer")
    user, token = make_user("x@example.org"), token_of(invitation.public_id)
    assert at_once(3, lambda _: code_of(accept_invitation, user=user, token=token)) == [0, 0, 0]
    assert Membership.objects.filter(user=user).count() == 1
    assert Event.objects.filter(type="member.joined").count() == 1


def test_strangers_are_not_there() -> None:
    ours, theirs = make_organization(), make_organization()
    owner, stranger = owner_of(ours), add_member(theirs, "viewer")
    invitation = invite_member(actor=owner_of(theirs), email="x@example.org", role="viewer")
    assert code_of(change_role, actor=owner, membership_id=membership_of(stranger).pk, role="viewer") == 4040
    assert code_of(remove_member, actor=owner, membership_id=membership_of(stranger).pk) == 4040
    assert code_of(revoke_invitation, actor=owner, public_id=invitation.public_id) == 4040
    assert [member.user for member in members_for(owner)] == [owner.user]
    assert list(invitations_for(owner)) == []


def test_keys_do_not_manage_people() -> None:
    from apps.accounts.services import authenticate_bearer

    _, text = make_key(make_organization())
    key = authenticate_bearer(f"Bearer {text}")
    assert code_of(invite_member, actor=key, email="x@example.org", role="viewer") == 1503
    assert code_of(members_for, actor=key) == 1503


def test_suspended_organizations_are_closed() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    invitation = invite_member(actor=owner, email="x@example.org", role="viewer")
    organization.status = Organization.Status.SUSPENDED
    organization.save()
    assert owner.user is not None
    assert code_of(actor_for_user, user=owner.user, organization=organization) == 814
    user = make_user("x@example.org")
    assert code_of(accept_invitation, user=user, token=token_of(invitation.public_id)) == 814


def test_staff_act_as_staff_only() -> None:
    organization = make_organization()
    assert code_of(actor_for_staff, user=make_user(), organization=organization) == 1503
    staff = actor_for_staff(make_user(is_staff=True), organization)
    invite_member(actor=staff, email="x@example.org", role="owner")
    event = Event.objects.get(type="invitation.sent")
    assert event.actor["kind"] == "staff"


def test_lists_take_one_query_each(django_assert_num_queries: object) -> None:
    organization = make_organization()
    owner = owner_of(organization)
    for number in range(3):
        add_member(organization, "viewer")
        invite_member(actor=owner, email=f"i{number}@example.org", role="viewer")
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len([member.user.email for member in members_for(owner)]) == 4
        assert len([invitation.invited_by.email for invitation in invitations_for(owner) if invitation.invited_by]) == 3


def test_old_offers_are_sent_again_after_a_minute() -> None:
    owner = owner_of(make_organization())
    invitation = invite_member(actor=owner, email="x@example.org", role="viewer")
    Invitation.objects.update(created_at=clock.now() - timedelta(minutes=2))
    assert invite_member(actor=owner, email="x@example.org", role="viewer") == invitation
    assert Event.objects.filter(type="invitation.sent").count() == 2


def mails_waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM dramatiq.queue WHERE message->>'actor_name' = 'accounts.send_invitation'")
        return int(cursor.fetchone()[0])


def test_changing_ones_mind_about_the_role_sends_no_further_mail() -> None:
    owner = owner_of(make_organization())
    for role in ("viewer", "editor", "viewer", "editor"):
        invitation = invite_member(actor=owner, email="x@example.org", role=role)
    invitation.refresh_from_db()
    assert (invitation.role, mails_waiting()) == ("editor", 1)


def test_strangers_are_not_flooded_with_invitations() -> None:
    owner = owner_of(make_organization())
    for number in range(MAX_A_DAY):
        invitation = invite_member(actor=owner, email=f"i{number}@example.org", role="viewer")
        revoke_invitation(actor=owner, public_id=invitation.public_id)
    assert code_of(invite_member, actor=owner, email="one-more@example.org", role="viewer") == 4290
    assert code_of(invite_member, actor=owner_of(make_organization()), email="a@example.org", role="viewer") == 0
    Invitation.objects.update(created_at=clock.now() - timedelta(days=1))
    assert code_of(invite_member, actor=owner, email="one-more@example.org", role="viewer") == 0


def test_free_credits_do_not_come_without_end(client: Client) -> None:
    user = make_user()
    client.force_login(user)
    for number in range(MAX_OWNED):
        sign_up_organization(user=user, name=f"No {number}")
    answer = client.post("/organizations/new/", {"name": "One more"}, follow=True)
    assert "You own 10 organizations already" in answer.content.decode()
    assert Membership.objects.filter(user=user).count() == MAX_OWNED
