"""A populated database: at least one row of every model that the console shows, made `n` times over."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client

from apps.accounts.models import IdempotencyRecord, Organization
from apps.accounts.services import invite_member, use_signature
from apps.core import clock
from apps.core.ids import new_id
from apps.events.models import Cursor
from apps.glossaries.models import Glossary, GlossaryVersion, Term
from apps.jobs.models import (
    Artefact,
    CallbackProof,
    ConcurrencyCounter,
    InboundCallback,
    Job,
    JobInput,
    ProviderAccount,
    ProviderCall,
)
from apps.plans.models import Plan, RateCard
from apps.plans.services import capture_hold
from apps.projects.models import Asset, Project, Transcript, Translation, Upload
from apps.webhooks.models import Attempt
from apps.webhooks.services.endpoints import create_endpoint, send_test
from apps.webhooks.services.secrets import callback_secret
from tests.factories import add_member, make_key, make_organization, make_user, owner_of
from tests.plans.holds import place


@pytest.fixture
def staff(client: Client) -> Client:
    """A client signed in as the operator's staff."""
    client.force_login(make_user("staff@example.org", is_staff=True, is_superuser=True))
    return client


def make_job(organization: Organization, **values: object) -> Job:
    """A job with its project, translation, hold and concurrency counter."""
    asset = Asset.objects.create(
        organization=organization, status="stored", file_name="a.mp4", probe={"streams": []}, size=5
    )
    project = Project.objects.create(organization=organization, source_asset=asset, name="Film")
    translation = Translation.objects.create(organization=organization, project=project, target_locale="pt-BR")
    Transcript.objects.create(
        translation=translation, revision=1, origin="recognized", source_language="en", document={"lines": []}
    )
    public_id = new_id("job")
    hold = place(organization, 8000, job=public_id)
    fields: dict[str, object] = {
        "public_id": public_id,
        "organization": organization,
        "translation": translation,
        "order": {"source": {"asset": asset.public_id}, "title": "<script>alert(1)</script>"},
        "target_locale": "pt-BR",
        "provider": "local",
        "pool": "api",
        "hold": hold,
        "timings": {"fetch": 12, "recognize": 3400},
        **values,
    }
    return Job.objects.create(**fields)


def add_everything() -> None:
    """One more row of every model."""
    organization = make_organization(plan="business", credits=100, name="Customer")
    owner = owner_of(organization)
    add_member(organization, "editor")
    invite_member(actor=owner, email=make_user().email, role="viewer")
    key, _ = make_key(organization)
    IdempotencyRecord.objects.create(organization=organization, key=new_id("req"), fingerprint=b"x" * 32)
    use_signature(access_key_id=f"sk_{key.key_id}", signature="0" * 64, expires_at=clock.now() + timedelta(minutes=15))
    job = make_job(
        organization, status="failed", error_code=10042, error="no speech", created_by=owner.user, api_key=key
    )
    assert job.hold is not None
    capture_hold(hold=job.hold, amount=4000)
    Artefact.objects.create(
        organization=organization,
        job=job,
        kind="video",
        format="mp4",
        file_name="out.mp4",
        storage_key="k",
        content_type="video/mp4",
        size=1 << 20,
        sha256="0" * 64,
        is_main=True,
    )
    JobInput.objects.create(job=job, name="audio", asset=Asset.objects.order_by("-pk")[0])
    ProviderCall.objects.create(
        job=job, provider="azure", operation="create", client_id=new_id("req"), request={"a": 1}
    )
    account = ProviderAccount.objects.create(
        organization=organization, provider="azure", name="Their own", sealed="very secret", last_error="401"
    )
    InboundCallback.objects.create(
        provider="azure",
        account=account,
        job=job,
        key=hashlib.sha256(job.public_id.encode()).digest(),
        url="https://portal.example.org/callbacks/azure/x",
        body=b"{}",
    )
    digest = hashlib.sha256(organization.public_id.encode()).digest()
    endpoint, _ = create_endpoint(actor=owner, url="https://hooks.example.org/x")
    message = send_test(actor=owner, endpoint=endpoint)
    Attempt.objects.create(message=message, number=1, url=endpoint.url, status=500, started_at=clock.now())
    callback_secret(organization.pk)
    Cursor.objects.create(name=organization.public_id, done="1:1:", system=1)
    CallbackProof.objects.create(
        organization=organization, url_digest=digest, url="https://example.org/cb", proved_at=clock.now()
    )
    ConcurrencyCounter.objects.create(organization=organization, service="lipsync", running=1)
    glossary = Glossary.objects.create(organization=organization, name="Brands", source_language="en")
    version = GlossaryVersion.objects.create(glossary=glossary, number=1, created_by=owner.user)
    Term.objects.create(version=version, source="Kinoglot", do_not_translate=True)
    Upload.objects.create(organization=organization, length=10, expires_at=clock.now() + timedelta(days=1))
    RateCard.objects.create(
        plan=Plan.objects.get(code="business"),
        service="translate",
        item=new_id("req")[:20],
        unit="minute",
        millicredits=1,
    )
    assert owner.user is not None
    EmailAddress.objects.create(user=owner.user, email=owner.user.email, verified=True)
    Authenticator.objects.create(user=owner.user, type="totp", data={"secret": "very secret"})
    content = ContentType.objects.get_for_model(Organization)
    LogEntry.objects.create(
        user=owner.user, content_type=content, object_id=str(organization.pk), object_repr="x", action_flag=CHANGE
    )
    Group.objects.create(name=new_id("req"))


@pytest.fixture
def populate() -> Callable[[], None]:
    """Add one more row of everything."""
    return add_everything


@pytest.fixture(scope="module")
def populated(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One row of everything for all tests of a module: each of them is a savepoint of this transaction."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(transaction.atomic())
            add_everything()
        yield
        with django_db_blocker.unblock():
            transaction.set_rollback(True)
            stack.close()
