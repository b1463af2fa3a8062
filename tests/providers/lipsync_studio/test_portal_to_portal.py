"""Our adapter at our own API, over real HTTP: one portal orders at another as if it were lipsync.studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import JobError
from apps.jobs import states
from apps.jobs.models import Artefact, Job
from apps.jobs.services.finish import fail_job, move_status, tell
from apps.plans.services import check_books
from apps.projects import storage
from apps.providers.lipsync_studio.provider import VENDOR
from tests.factories import make_key, make_organization, owner_of
from tests.providers.media import mp4
from tests.providers.road import Road

pytestmark = pytest.mark.django_db(transaction=True)


def finish(job: Job, folder: Path) -> None:
    """What a worker there would do."""
    path = folder / "result.mp4"
    path.write_bytes(mp4())
    saved = storage.save_file(path, f"artefacts/{job.public_id}/result.mp4", "video/mp4")
    Artefact.objects.create(
        organization=job.organization, job=job, kind="video", format="mp4", file_name="result.mp4", storage_key=saved.key,
        content_type="video/mp4", size=saved.size, sha256=saved.sha256, is_main=True,
    )  # fmt: skip
    assert move_status(job, "complete", stage=states.DONE)
    tell(job, "complete", None, {})


def test_one_portal_orders_at_another(live_server: Any, settings: Any, tmp_path: Path, client: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1", "localhost")
    settings.PUBLIC_URL = live_server.url
    here, there = owner_of(make_organization()), make_organization(credits=1000)
    row = Road.make_account(VENDOR, live_server.url, {"api_key": make_key(there)[1]})
    road = Road(
        "lipsync-studio",
        row,
        here,
        tmp_path,
        client,
        {"model": "lipsync-image-multi", "order": "left_right", "seed": 7},
    )
    ours = road.until_polled(road.order())

    theirs = Job.objects.get(organization=there)
    assert (theirs.public_id, theirs.model, theirs.pool) == (ours.provider_ref, "lipsync-image-multi", "api")
    assert (theirs.order["order"], theirs.order["seed"], theirs.order["resolution"]) == ("left_right", 7, "480p")
    assert theirs.order["left_audio"]["url"].startswith(live_server.url)
    finish(theirs, tmp_path)
    Job.objects.filter(pk=ours.pk).update(measured_ms=3000)  # the clip that stands for the result is three seconds long
    road.until(ours, "completed")
    (artefact,) = ours.artefacts.all()
    assert (artefact.kind, artefact.is_main, artefact.size) == ("video", True, len(mp4()))

    failing = road.until_polled(road.order(seed=8))
    assert fail_job(Job.objects.get(public_id=failing.provider_ref), JobError(10002, "left_audio: there is no speech"))
    road.until(failing, "failed")
    assert (failing.error_code, "there is no speech" in failing.error) == (10042, True)
    assert check_books() == []
