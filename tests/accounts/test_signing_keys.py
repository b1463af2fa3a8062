"""Keys that sign (Volcengine compatible): whose secret is kept, how long, and which signatures were used already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client, override_settings

from apps.accounts.keys import access_pair
from apps.accounts.models import ApiKey, UsedSignature
from apps.accounts.services import (
    authenticate_key,
    create_api_key,
    release_signature,
    revoke_api_key,
    rotate_api_key,
    signed_key,
    signing_secret,
    sweep_signing,
    use_signature,
)
from apps.core import clock
from apps.events.models import Event
from tests.factories import make_key, make_organization, owner_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db


def signing(**extra: object) -> tuple[ApiKey, str, str]:
    """A signing key of a new organization: its row, AccessKeyId and SecretAccessKey."""
    actor = owner_of(make_organization())
    key, text = create_api_key(actor=actor, name="SDK", scopes=["jobs:read"], volcengine=True, **extra)  # type: ignore[arg-type]
    return key, *access_pair(text)


def test_the_secret_is_kept_sealed_for_signing_keys_and_for_no_others() -> None:
    key, access, secret = signing()
    stored = ApiKey.objects.get(pk=key.pk)
    assert stored.volcengine and stored.sealed_secret and secret not in stored.sealed_secret
    assert (access, signing_secret(access)) == (f"sk_{key.key_id}", secret)
    assert Event.objects.get(type="key.created", subject_id=key.key_id).data["volcengine"] is True
    actor = authenticate_key(signed_key(access, secret))
    assert actor.api_key is not None and actor.api_key.pk == key.pk
    assert "sealed_secret" in actor.api_key.get_deferred_fields()

    plain, text = make_key(make_organization())
    assert ApiKey.objects.get(pk=plain.pk).sealed_secret == ""
    assert signing_secret(access_pair(text)[0]) is None
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=plain.pk).update(sealed_secret="x")


@pytest.mark.parametrize(
    "access", ["", "sk_", "sk_zzzzzzzz", "AKLTEXAMPLEaccesskey0001", "sk_ABCDEFGH", "sk_abcdefgh\n", "sk_абвгдежз"]
)
def test_what_is_no_signing_key_has_no_secret(access: str) -> None:
    assert signing_secret(access) is None


def test_rotation_keeps_the_switch_and_revocation_wipes_the_secret() -> None:
    key, access, _ = signing()
    actor = owner_of(key.organization)
    new, text = rotate_api_key(actor=actor, key_id=key.key_id, overlap=timedelta(hours=1))
    assert new.volcengine and signing_secret(access_pair(text)[0]) == access_pair(text)[1]
    assert signing_secret(access) is not None, "both sign during the overlap"
    revoke_api_key(actor=actor, key_id=new.key_id)
    revoked = ApiKey.objects.get(pk=new.pk)
    assert (revoked.volcengine, revoked.sealed_secret) == (True, "")
    assert signing_secret(f"sk_{new.key_id}") is None

    other, other_access, _ = signing()
    rotate_api_key(actor=owner_of(other.organization), key_id=other.key_id, overlap=timedelta(0))
    other.refresh_from_db()
    assert other.sealed_secret == "" and signing_secret(other_access) is None


def test_an_expired_keys_secret_is_swept_away() -> None:
    key, access, _ = signing(expires_at=clock.now() + timedelta(days=1))
    fresh, _, _ = signing()
    assert sweep_signing() == 0
    ApiKey.objects.filter(pk=key.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert sweep_signing() == 1
    assert signing_secret(access) is None
    assert ApiKey.objects.get(pk=fresh.pk).sealed_secret


def test_a_sealing_key_can_be_added_in_front_but_not_lost() -> None:
    from django.conf import settings

    _, access, secret = signing()
    with override_settings(SEALING_KEYS=["newer than the rest", *settings.SEALING_KEYS]):
        assert signing_secret(access) == secret
    with override_settings(SEALING_KEYS=["another one"]):
        assert signing_secret(access) is None


def test_a_signature_is_used_once_and_forgotten_after_its_window() -> None:
    soon = clock.now() + timedelta(minutes=15)
    assert use_signature(access_key_id="sk_a", signature="1" * 64, expires_at=soon) is None
    again = use_signature(access_key_id="sk_a", signature="1" * 64, expires_at=soon)
    assert again is not None and 0 <= again < 60
    assert use_signature(access_key_id="sk_b", signature="1" * 64, expires_at=soon) is None, "another key's"
    release_signature(access_key_id="sk_b", signature="1" * 64)
    assert use_signature(access_key_id="sk_b", signature="1" * 64, expires_at=soon) is None
    UsedSignature.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    use_signature(access_key_id="sk_c", signature="2" * 64, expires_at=soon)
    assert UsedSignature.objects.count() == 1, "what is over goes with later requests"
    UsedSignature.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert sweep_signing() == 1
    assert not UsedSignature.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_is_the_first() -> None:
    soon = clock.now() + timedelta(minutes=15)
    found = at_once(8, lambda _: use_signature(access_key_id="sk_a", signature="f" * 64, expires_at=soon))
    assert found.count(None) == 1


def test_the_page_shows_both_parts_once(client: Client) -> None:
    organization = make_organization()
    owner = owner_of(organization).user
    assert owner is not None
    client.force_login(owner)
    form = {"name": "SDK", "scopes": ["jobs:read"], "expires": ""}
    page = client.post("/keys/new/", form | {"volcengine": "on"}).content.decode()
    key = ApiKey.objects.get(organization=organization)
    secret = signing_secret(f"sk_{key.key_id}")
    assert secret and f">{secret}</code>" in page and f">sk_{key.key_id}</code>" in page
    assert page.count("data-copy=") >= 3
    listed = client.get("/keys/").content.decode()
    assert "Volcengine compatible" in listed and secret not in listed
    again = client.post(f"/keys/{key.key_id}/rotate/", {"overlap": "24"}).content.decode()
    assert "SecretAccessKey" in again

    plain = client.post("/keys/new/", form).content.decode()
    assert "SecretAccessKey" not in plain
    assert not ApiKey.objects.filter(organization=organization).order_by("-pk")[0].volcengine
