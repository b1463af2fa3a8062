"""A job without a translation on every page and list that shows jobs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.actor import Actor
from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import Job
from apps.jobs.services.submit import submit
from apps.providers.orders import LipsyncOrder, Source
from apps.webhooks.payloads import job_data
from tests.factories import make_organization, make_user, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model_dir")]


@pytest.fixture
def actor() -> Actor:
    return owner_of(make_organization(credits=1000))


@pytest.fixture
def job(actor: Actor) -> Job:
    link: Any = Source(url="https://m.example.com/two%20faces.png")
    voice = Source(url="https://m.example.com/voice.mp3")
    order = LipsyncOrder(model="lipsync-image-multi", image=link, left_audio=voice, right_audio=voice, seed=3)
    return Job.objects.get(pk=submit(actor=actor, order=order).jobs[0].pk)


def test_the_portals_pages_open_in_every_state(client: Client, actor: Actor, job: Job) -> None:
    assert actor.user is not None
    client.force_login(actor.user)
    pages = [reverse("web:job", args=[job.public_id]), reverse("web:job-board", args=[job.public_id])]
    lists = [reverse("web:jobs"), reverse("web:jobs") + "?q=faces"]
    for status, stage in (
        ("processing", "queued"),
        ("processing", "lipsync"),
        ("completed", "done"),
        ("failed", "probe"),
    ):
        Job.objects.filter(pk=job.pk).update(
            status=status, stage=stage, error_code=10911 if status == "failed" else None
        )
        for url in pages:
            assert client.get(url).status_code == 200, (url, status, stage)
        for url in lists:
            page = client.get(url)
            assert page.status_code == 200 and b"two" in page.content, (url, status)
    shown = client.get(pages[0]).content.decode()
    assert "/lipsync-image-multi" in shown and "left_audio" in shown, "the call that orders the same"
    assert client.get(reverse("web:job-transcript", args=[job.public_id])).status_code in (302, 404)


def test_the_console_tells_its_story(client: Client, job: Job) -> None:
    client.force_login(make_user("staff2@example.org", is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:jobs_job_change", args=[job.pk]))
    assert page.status_code == 200 and b"left_audio" in page.content
    assert client.get(reverse("admin:jobs_jobinput_changelist") + f"?q={job.public_id}").status_code == 200


def test_endpoints_are_told_of_it(actor: Actor, job: Job) -> None:
    services.cancel_job(actor=actor, job=job)
    job.refresh_from_db()
    found = job_data(job, Event.objects.filter(subject_id=job.public_id).order_by("-pk")[0])
    assert (found["model"], found["status"], found["translation"]) == ("lipsync-image-multi", "canceled", None)
    assert services.retry_job(actor=actor, job=job).status == "processing"
