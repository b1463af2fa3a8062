"""Admission through submit(): every code of DESIGN section 4, in its order, and what an admitted order leaves behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.actor import Actor
from apps.accounts.models import ApiKey
from apps.core.errors import ApiError
from apps.core.ids import new_id
from apps.events.models import Event
from apps.glossaries.models import Glossary
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services.submit import authorize, submit
from apps.plans.models import Plan, Pool, Subscription, Wallet
from apps.plans.services import check_books
from apps.projects.models import Project, Translation
from tests.factories import add_member, make_key, make_organization, owner_of
from tests.jobs.helpers import order, parsed, refused, stored_asset

pytestmark = pytest.mark.django_db


class TestAdmitted:
    def test_a_key_and_one_round_trip_leave_everything_a_job_needs(self) -> None:
        organization = make_organization()
        key, text = make_key(organization)
        made = submit(actor=parsed(text), order=order(), request_id="req-1")

        job = Job.objects.select_related("translation__project__source_asset", "hold__wallet").get()
        assert [job.public_id] == [admitted.id for admitted in made.jobs]
        assert (job.status, job.stage, job.api_key, job.created_by, job.pool) == (
            "processing",
            "queued",
            key,
            None,
            "api",
        )
        assert job.order["target_locales"] == ["pt-BR"]
        assert job.translation is not None and job.hold is not None
        asset = job.translation.project.source_asset
        assert (asset.status, asset.file_name, asset.source_url) == (
            "remote",
            "keynote.mp4",
            job.order["source"]["url"],
        )
        assert made.asset == asset.public_id and made.project == job.translation.project.public_id
        assert job.hold.wallet.pool == Pool.API
        assert job.hold.amount == job.estimate == made.jobs[0].estimate > 0
        assert job.hold.wallet.available == made.available
        event = Event.objects.get(subject_id=job.public_id)
        assert (event.type, event.actor["kind"], event.actor["id"]) == ("job.created", "api_key", key.key_id)
        assert event.request_id == "req-1"
        with connection.cursor() as cursor:
            cursor.execute("SELECT message->'args'->>0, message->>'actor_name' FROM dramatiq.queue")
            assert (job.public_id, "advance") in cursor.fetchall()
        assert check_books() == []

    def test_it_is_one_statement(self, django_assert_num_queries: Any) -> None:
        organization = make_organization()
        _key, text = make_key(organization)
        sender, wanted = parsed(text), order()
        submit(actor=sender, order=wanted)
        with django_assert_num_queries(0):  # the one call does not go through Django's cursors
            submit(actor=sender, order=wanted)

    def test_several_targets_make_one_project_and_a_job_each(self) -> None:
        organization = make_organization()
        actor = owner_of(organization)
        asset = stored_asset(organization)
        wanted = order(
            source={"asset": asset.public_id},
            target_locales=["en-US", "en-CA"],
            source_language="en-IE",
            subtitle={"url": "https://media.example.org/a.srt", "usage": "original"},
        )
        made = submit(actor=actor, order=wanted)
        again = submit(actor=actor, order=msgspec.structs.replace(wanted, project=made.project))
        assert again.project == made.project
        assert [job.target_locale for job in made.jobs] == ["en-CA", "en-US"]
        assert [job.translation for job in again.jobs] == [job.translation for job in made.jobs]
        assert {job.iteration for job in again.jobs} == {2}
        assert Project.objects.count() == 1 and Translation.objects.count() == 2
        assert made.duration_ms == 61_200
        assert Job.objects.order_by("id")[0].created_by == actor.user
        assert check_books() == []

    def test_the_browser_pays_from_the_portal_wallet(self) -> None:
        organization = make_organization(plan="creator")  # no API access: the browser does not mind
        made = submit(actor=owner_of(organization), order=order())
        assert made.pool == "portal"
        assert Wallet.objects.get(organization=organization, pool="portal").held == made.jobs[0].held

    def test_keys_people_and_the_system_share_one_session(self) -> None:
        organization = make_organization()
        _key, text = make_key(organization)
        for sender in (parsed(text), owner_of(organization), Actor(organization=organization, kind="system")) * 2:
            assert submit(actor=sender, order=order()).jobs

    def test_counters_count_the_organization_and_the_key(self) -> None:
        organization = make_organization()
        key, text = make_key(organization)
        submit(actor=parsed(text), order=order())
        submit(actor=owner_of(organization), order=order())
        rows = {(row.api_key_id, row.running) for row in ConcurrencyCounter.objects.filter(organization=organization)}
        assert rows == {(None, 2), (key.pk, 1)}


class TestRefusedInOrder:
    def test_7_unknown_wrong_or_expired_key(self) -> None:
        organization = make_organization()
        key, text = make_key(organization)
        assert refused(parsed("sk_zzzzzzzz_" + "a" * 43), order()).code == 7
        assert refused(parsed(text[:-4] + "0000"), order()).code == 7
        ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        error = refused(parsed(text), order())
        assert (error.code, error.http_status) == (7, 401)
        assert error.headers["WWW-Authenticate"]

    def test_1302_revoked(self) -> None:
        organization = make_organization()
        key, text = make_key(organization)
        ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
        error = refused(parsed(text), order(target_locales=["xx"]))
        assert (error.code, error.http_status) == (1302, 401)

    def test_814_without_an_active_subscription(self) -> None:
        organization = make_organization()
        _key, text = make_key(organization)
        Subscription.objects.filter(organization=organization).update(status="canceled")
        assert refused(parsed(text), order()).code == 814
        assert refused(owner_of(organization), order()).code == 814
        assert refused(Actor(organization=organization, kind="system"), order()).code == 814

    def test_1503_scope_and_role(self) -> None:
        organization = make_organization()
        _key, text = make_key(organization, scopes=["jobs:read"])
        assert refused(parsed(text), order()).code == 1503
        assert refused(add_member(organization, "viewer"), order()).code == 1503

    def test_1305_needs_a_business_plan_for_keys_only(self) -> None:
        organization = make_organization()
        _key, text = make_key(organization)
        creator = Plan.objects.get(code="creator")
        Subscription.objects.filter(organization=organization).update(plan=creator)
        assert refused(parsed(text), order()).code == 1305
        assert submit(actor=owner_of(organization), order=order()).jobs

    def test_a_bad_body_is_told_only_to_those_who_may_ask(self) -> None:
        organization = make_organization()
        _key, text = make_key(organization, scopes=["jobs:read"])
        assert refused(parsed(text), order(target_locales=["xx"])).code == 1503
        assert refused(owner_of(organization), order(target_locales=["xx"])).code == 5
        with pytest.raises(ApiError) as caught:
            authorize(parsed(text))
        assert caught.value.code == 1503

    def test_5_names_rows_that_are_not_there_or_not_ours(self) -> None:
        organization, other = make_organization(), make_organization()
        actor = owner_of(organization)
        theirs = stored_asset(other)
        failed = stored_asset(organization, status="failed", error="the file is empty", error_code=10902)
        long = stored_asset(organization, duration_ms=10**9)
        glossary = Glossary.objects.create(
            organization=organization, name="g", source_language="de-DE", target_locale=""
        )
        foreign = Glossary.objects.create(organization=other, name="g", source_language="en-US", target_locale="")
        error = refused(
            actor,
            order(
                source={"asset": theirs.public_id},
                glossaries=[glossary.public_id, foreign.public_id],
                project=new_id("prj"),
            ),
        )
        assert error.code == 5
        assert set(error.errors) == {"source.asset", "project", "glossaries.0", "glossaries.1"}
        assert (
            "the file is empty" in refused(actor, order(source={"asset": failed.public_id})).errors["source.asset"][0]
        )
        assert "seconds" in refused(actor, order(source={"asset": long.public_id})).errors["source.asset"][0]

    def test_5_audio_cannot_become_video(self) -> None:
        organization = make_organization()
        sound = stored_asset(organization, probe={"video": None, "audio": [{}]})
        wanted = order(source={"asset": sound.public_id}, export_type="video", subtitle_style={"burn_in": True})
        error = refused(owner_of(organization), wanted)
        assert set(error.errors) == {"export_type", "subtitle_style.burn_in"}

    def test_5_more_targets_than_the_plan_allows(self) -> None:
        organization = make_organization(plan="free")
        wanted = order(
            target_locales=["en-US", "en-GB", "en-AU", "en-CA"],
            source_language="en-IE",
            subtitle={"url": "https://media.example.org/a.srt", "usage": "original"},
        )
        assert set(refused(owner_of(organization), wanted).errors) == {"target_locales"}

    def test_1304_of_the_organization_and_of_the_key(self) -> None:
        organization = make_organization(credits=1000)
        key, text = make_key(organization)
        ApiKey.objects.filter(pk=key.pk).update(max_concurrency=1)
        submit(actor=parsed(text), order=order())
        error = refused(parsed(text), order())
        assert (error.code, error.http_status, error.extra["full"], error.extra["limit"]) == (1304, 429, "key", 1)
        assert int(error.headers["Retry-After"]) > 0
        plan = Subscription.objects.get(organization=organization).plan
        Plan.objects.filter(pk=plan.pk).update(translate_concurrency=1)
        assert refused(owner_of(organization), order()).extra["full"] == "organization"

    def test_104_says_what_is_needed_and_available(self) -> None:
        organization = make_organization()
        Plan.objects.update(translate_concurrency=100)
        actor = owner_of(organization)
        subtitle = {"url": "https://media.example.org/a.srt", "usage": "original"}
        asset = stored_asset(organization, duration_ms=4 * 3600 * 1000)
        wanted = order(
            source={"asset": asset.public_id},
            source_language="en-IE",
            subtitle=subtitle,
            target_locales=["en-US", "en-GB", "en-AU", "en-CA"],
        )
        error = refused(actor, wanted)
        assert (error.code, error.http_status) == (104, 402)
        assert float(error.extra["needed"]) > float(error.extra["available"]) > 0
