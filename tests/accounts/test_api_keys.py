"""The life of an API key, and what each state of it answers (DESIGN section 4, checks 1 to 5)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from apps.accounts import keys
from apps.accounts.models import ApiKey, Organization
from apps.accounts.selectors import actor_for_staff, api_keys_for
from apps.accounts.services import authenticate_bearer, create_api_key, remove_member, revoke_api_key, rotate_api_key
from apps.core import clock
from apps.core.errors import ApiError
from apps.events.models import Event
from apps.plans.models import Subscription
from apps.plans.services import set_subscription
from tests.factories import add_member, make_key, make_organization, make_user, owner_of

pytestmark = pytest.mark.django_db


def code_of(text: str, permission: str | None = None) -> int:
    """0 when the key is let in, else the code of the refusal."""
    try:
        authenticate_bearer(f"Bearer {text}", permission=permission)
    except ApiError as error:
        return error.code
    return 0


def test_a_new_key_works_and_is_kept_as_a_digest_only() -> None:
    organization = make_organization()
    key, text = create_api_key(actor=owner_of(organization), name="CI", scopes=["jobs:read", "jobs:write", "jobs:read"])
    assert text.startswith(f"sk_{key.key_id}_")
    secret = text.split("_", 2)[2]
    stored = ApiKey.objects.get(pk=key.pk)
    assert secret.encode() not in bytes(stored.digest)
    assert len(bytes(stored.digest)) == 32
    assert stored.scopes == ["jobs:read", "jobs:write"]
    actor = authenticate_bearer(f"Bearer {text}", request_id="req_1")
    assert (actor.organization.pk, actor.kind, actor.pool, actor.role) == (organization.pk, "api_key", "api", "owner")
    assert actor.organization.name == organization.name
    assert actor.api_key is not None and actor.api_key.name == "CI"
    assert actor.scopes == {"jobs:read", "jobs:write"}
    assert actor.request_id == "req_1"
    event = Event.objects.get(type="key.created")
    assert event.subject_id == key.key_id
    assert secret not in str(event.data)


def test_a_key_is_read_in_one_query() -> None:
    _, text = make_key(make_organization())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        actor = authenticate_bearer(f"Bearer {text}")
        assert actor.organization.name and actor.api_key and actor.label
    assert len(queries) == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic c2tfYWJj",
        "Bearer sk_short_x",
        "Bearer sk_abcdefgh_" + "x" * 43,
        "Bearer sk_ABCDEFGH_" + "x" * 43,
        "Bearer sk_abcdefgh_" + "x" * 5000,
        "Bearer sk_abcdefgh_" + "x" * 30 + "\x00",
        "Bearer sk_абвгдежз_" + "x" * 43,
        "Bearer sk_abcdefgh_xxxxxxxxxxxxxxxxxxxxxxxx sk_abcdefgh_xxxxxxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_malformed_and_unknown_keys_are_7(header: str) -> None:
    with pytest.raises(ApiError) as caught:
        authenticate_bearer(header)
    assert (caught.value.code, caught.value.http_status) == (7, 401)
    assert caught.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_secret_is_7_whatever_the_keys_state() -> None:
    organization = make_organization()
    key, text = make_key(organization)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert code_of(wrong) == 7
    revoke_api_key(actor=owner_of(organization), key_id=key.key_id)
    assert code_of(wrong) == 7
    assert code_of(text) == 1302


def test_expired_is_7_and_revoked_wins_over_expired() -> None:
    key, text = make_key(make_organization())
    ApiKey.objects.filter(pk=key.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert code_of(text) == 7
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=clock.now())
    assert code_of(text) == 1302


def test_no_active_membership_or_subscription_is_814() -> None:
    organization = make_organization()
    staff = owner_of(organization)
    _, text = make_key(organization)
    set_subscription(actor=staff, organization=organization, plan="business", status="canceled")
    assert code_of(text) == 814
    set_subscription(actor=staff, organization=organization, plan="business", status="past_due")
    assert code_of(text) == 0
    Subscription.objects.filter(organization=organization).delete()
    assert code_of(text) == 814
    set_subscription(actor=staff, organization=organization, plan="business")
    assert code_of(text) == 0
    Organization.objects.filter(pk=organization.pk).update(status="suspended")
    assert code_of(text) == 814


def test_a_key_does_not_outlive_its_makers_membership() -> None:
    organization = make_organization()
    admin = add_member(organization, "admin")
    _, text = make_key(organization, actor=admin)
    assert code_of(text) == 0
    member = organization.memberships.get(user=admin.user)
    remove_member(actor=owner_of(organization), membership_id=member.pk)
    assert code_of(text) == 814


def test_a_maker_who_is_switched_off_takes_their_keys_along() -> None:
    organization = make_organization()
    admin = add_member(organization, "admin")
    _, text = make_key(organization, actor=admin)
    assert admin.user is not None
    type(admin.user).objects.filter(pk=admin.user.pk).update(is_active=False)
    assert code_of(text) == 814


def test_scope_and_role_are_1503() -> None:
    organization = make_organization()
    admin = add_member(organization, "admin")
    _, text = make_key(organization, scopes=["jobs:read"], actor=admin)
    assert code_of(text, "jobs.view") == 0
    assert code_of(text, "jobs.submit") == 1503
    assert code_of(text, "keys.manage") == 1503  # people only
    organization.memberships.filter(user=admin.user).update(role="reviewer")
    assert code_of(text, "jobs.view") == 1503
    assert code_of(text) == 1503


def test_a_plan_without_api_access_is_1305_after_the_scope() -> None:
    organization = make_organization(plan="creator")
    _, text = make_key(organization, scopes=["jobs:read"])
    assert code_of(text) == 1305
    assert code_of(text, "jobs.view") == 1305
    assert code_of(text, "jobs.submit") == 1503


def test_last_use_is_written_at_most_once_a_minute() -> None:
    key, text = make_key(make_organization())
    assert code_of(text) == 0
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    assert first is not None
    assert code_of(text) == 0
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first
    earlier = first - timedelta(seconds=61)
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=earlier)
    assert code_of(text) == 0
    assert ApiKey.objects.get(pk=key.pk).last_used_at > earlier


def test_refused_calls_leave_no_trace_of_use() -> None:
    key, text = make_key(make_organization(plan="free"))
    assert code_of(text) == 1305
    assert ApiKey.objects.get(pk=key.pk).last_used_at is None


@pytest.mark.django_db(transaction=True)
def test_use_is_stamped_without_waiting_for_another_request() -> None:
    """A request whose transaction has just stamped the key must not hold up the next one."""
    _, text = make_key(make_organization())
    results: list[int] = []

    def other() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = '5s'")
            results.append(code_of(text))
        finally:
            connections.close_all()

    from django.db import transaction

    with transaction.atomic():
        assert code_of(text) == 0
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert results == [0]


def test_rotation_overlaps() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    old, old_text = make_key(organization, scopes=["jobs:read"])
    new, new_text = rotate_api_key(actor=owner, key_id=old.key_id, overlap=timedelta(hours=1))
    assert (code_of(old_text), code_of(new_text)) == (0, 0)
    assert (new.name, new.scopes, new.rotated_from_id) == (old.name, ["jobs:read"], old.pk)
    ApiKey.objects.filter(pk=old.pk).update(expires_at=clock.now())
    assert (code_of(old_text), code_of(new_text)) == (7, 0)
    with pytest.raises(ApiError) as caught:
        rotate_api_key(actor=owner, key_id=old.key_id)
    assert caught.value.code == 4090


def test_rotation_never_lengthens_a_keys_life_and_without_overlap_ends_it() -> None:
    organization = make_organization()
    owner = owner_of(organization)
    soon = clock.now() + timedelta(minutes=5)
    old, _ = create_api_key(actor=owner, name="", scopes=["jobs:read"], expires_at=soon)
    new, new_text = rotate_api_key(actor=owner, key_id=old.key_id, overlap=timedelta(days=1))
    assert ApiKey.objects.get(pk=old.pk).expires_at == soon
    assert new.expires_at == soon
    rotate_api_key(actor=owner, key_id=new.key_id, overlap=timedelta(0))
    assert code_of(new_text) == 1302


def test_a_key_is_rotated_once() -> None:
    organization = make_organization()
    old, _ = make_key(organization)
    rotate_api_key(actor=owner_of(organization), key_id=old.key_id)
    with pytest.raises(ApiError) as caught:
        rotate_api_key(actor=owner_of(organization), key_id=old.key_id)
    assert caught.value.code == 4090


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["jobs:fly"]}, "scopes"),
        ({"name": "x" * 81}, "name"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "expires_at"),
    ],
)
def test_bad_parameters_name_their_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(ApiError) as caught:
        create_api_key(actor=owner_of(make_organization()), **{"name": "n", "scopes": ["jobs:read"], **values})  # type: ignore[arg-type]
    assert caught.value.code == 5
    assert list(caught.value.errors) == [field]


def test_another_organizations_key_is_not_there() -> None:
    ours, theirs = make_organization(), make_organization()
    key, text = make_key(theirs)
    for call in (revoke_api_key, rotate_api_key):
        with pytest.raises(ApiError) as caught:
            call(actor=owner_of(ours), key_id=key.key_id)
        assert caught.value.http_status == 404
    assert code_of(text) == 0
    assert list(api_keys_for(owner_of(ours))) == []
    assert list(api_keys_for(owner_of(theirs))) == [key]


def test_revoking_twice_tells_it_once() -> None:
    organization = make_organization()
    key, _ = make_key(organization)
    for _ in range(2):
        revoke_api_key(actor=owner_of(organization), key_id=key.key_id)
    assert Event.objects.filter(type="key.revoked").count() == 1


def test_editors_and_keys_cannot_make_keys() -> None:
    organization = make_organization()
    _, text = make_key(organization)
    for actor in (add_member(organization, "editor"), authenticate_bearer(f"Bearer {text}")):
        with pytest.raises(ApiError) as caught:
            create_api_key(actor=actor, name="", scopes=["jobs:read"])
        assert caught.value.code == 1503


def test_the_digest_depends_on_the_pepper(settings: object) -> None:
    before = keys.digest("abcdefgh", "secret")
    settings.API_KEY_PEPPER = "another"  # type: ignore[attr-defined]
    assert keys.digest("abcdefgh", "secret") != before


def test_staff_rotate_a_key_for_its_maker_but_make_none() -> None:
    organization = make_organization()
    staff = actor_for_staff(make_user(is_staff=True), organization)
    with pytest.raises(ApiError) as caught:
        create_api_key(actor=staff, name="", scopes=["jobs:read"])
    assert caught.value.code == 1503
    old, _ = make_key(organization)
    new, text = rotate_api_key(actor=staff, key_id=old.key_id)
    assert new.created_by == old.created_by
    assert code_of(text) == 0
