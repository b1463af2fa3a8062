"""A job's road through the engine: stages, charges, review gate, cancel, retry, repeated and late messages."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.db import connections

from apps.core.errors import ApiError
from apps.engine.transcript import Transcript as Document
from apps.events.models import Event
from apps.jobs import services
from apps.jobs.models import ConcurrencyCounter, Job
from apps.jobs.services.engine import workspace_path
from apps.plans.models import Hold, RateCard, Subscription, Wallet
from apps.plans.services import check_books
from apps.projects import storage
from apps.projects.models import Transcript
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture
def actor() -> Any:
    return owner_of(make_organization())


def running(actor: Any) -> int:
    return ConcurrencyCounter.objects.get(organization=actor.organization, api_key=None).running


def run(job: Job) -> Job:
    services.advance(job.public_id)
    assert services.run_engine(job.public_id)
    return Job.objects.select_related("hold", "translation").get(pk=job.pk)


def types(job: Job) -> list[str]:
    return list(Event.objects.filter(subject_id=job.public_id).order_by("id").values_list("type", flat=True))


def assert_balanced() -> None:
    assert check_books() == []
    for hold in Hold.objects.all():
        ended = Job.objects.filter(
            public_id=hold.job_public_id, status__in=["completed", "failed", "canceled"]
        ).exists()
        assert (hold.status == "placed") != ended


def test_a_job_goes_through_all_stages_and_is_charged_for_its_length(actor: Any, tmp_path: Path) -> None:
    job = run(submitted(actor, subtitles_order(actor, tmp_path)))
    assert (job.status, job.stage, job.error) == ("completed", "done", "")
    assert set(job.timings) == {"fetch", "probe", "recognize", "translate", "render", "publish"}
    assert 2900 < (job.measured_ms or 0) < 3300
    assert job.hold is not None and job.hold.status == "captured"
    assert job.charged == job.hold.captured > 0
    assert running(actor) == 0
    artefacts = list(job.artefacts.all())
    kinds = {artefact.kind for artefact in artefacts}
    assert {"subtitle_target", "video", "transcript", "report"} <= kinds
    assert sum(artefact.is_main for artefact in artefacts) == 1
    for artefact in artefacts:
        assert storage.exists(artefact.storage_key)
        with storage.open_key(artefact.storage_key) as stream:
            assert len(stream.read()) == artefact.size
        assert artefact.file_name.startswith("clip.pt-BR.")
    assert Transcript.objects.get(translation=job.translation).line_count == 2
    told = types(job)
    assert told[0] == "job.created" and told[-1] == "job.completed" and told.count("job.stage") == 11
    assert not workspace_path(job).exists()
    assert_balanced()


def test_a_subscription_that_ended_meanwhile_does_not_stop_the_job(actor: Any, tmp_path: Path) -> None:
    job = submitted(actor, subtitles_order(actor, tmp_path))
    Subscription.objects.filter(organization=actor.organization).update(status="canceled")
    job = run(job)
    assert (job.status, job.error) == ("completed", "")
    assert job.charged == job.estimate > 0
    assert_balanced()


def test_doubled_and_late_messages_change_nothing(actor: Any, tmp_path: Path) -> None:
    job = run(submitted(actor, subtitles_order(actor, tmp_path)))
    before = (types(job), job.charged, Wallet.objects.get(organization=actor.organization, pool="portal").available)
    services.advance(job.public_id)
    assert not services.run_engine(job.public_id)
    job.refresh_from_db()
    assert before == (
        types(job),
        job.charged,
        Wallet.objects.get(organization=actor.organization, pool="portal").available,
    )


def test_review_gate_pauses_edits_and_goes_on_with_the_edit(actor: Any, tmp_path: Path) -> None:
    job = run(submitted(actor, subtitles_order(actor, tmp_path, review_after="translate")))
    assert (job.status, job.stage, job.lease_owner) == ("paused", "review", "")
    assert running(actor) == 0, "a paused job holds no slot"
    assert job.hold is not None and job.hold.status == "placed"
    assert job.translation is not None
    found = Transcript.objects.get(translation=job.translation)
    document = msgspec.convert(found.document, Document)
    document.lines[0].target = "Boa noite a todos."
    saved = services.edit_transcript(
        actor=actor, translation=job.translation, document=document, expected_revision=found.revision
    )
    with pytest.raises(ApiError) as caught:
        services.edit_transcript(
            actor=actor, translation=job.translation, document=document, expected_revision=found.revision
        )
    assert caught.value.http_status == 412
    job = services.resume_job(actor=actor, job=job)
    assert (job.status, job.reviewed_revision, running(actor)) == ("processing", saved.revision, 1)
    job = run(job)
    assert (job.status, job.error) == ("completed", "")
    srt = job.artefacts.get(kind="subtitle_target", format="srt")
    with storage.open_key(srt.storage_key) as stream:
        text = stream.read().decode()
    assert "Boa noite a todos." in text and "Bom dia" not in text
    assert types(job).count("job.paused") == types(job).count("job.resumed") == 1
    with pytest.raises(ApiError) as caught:
        services.resume_job(actor=actor, job=job)
    assert caught.value.http_status == 409
    assert_balanced()


def test_a_price_that_rises_meanwhile_is_not_charged(actor: Any, tmp_path: Path) -> None:
    job = run(submitted(actor, subtitles_order(actor, tmp_path, review_after="translate")))
    assert (job.status, job.estimate) == ("paused", 3000)
    RateCard.objects.filter(service="translate", item="subtitles").update(millicredits=9000)
    services.resume_job(actor=actor, job=job)
    job = run(job)
    assert job.hold is not None
    assert (job.status, job.charged, job.estimate, job.hold.amount) == ("completed", 3000, 3000, 3000)
    assert_balanced()


def test_resume_on_a_machine_that_never_saw_the_job(actor: Any, tmp_path: Path) -> None:
    import shutil

    job = run(submitted(actor, subtitles_order(actor, tmp_path, review_after="translate")))
    shutil.rmtree(workspace_path(job))
    job = run(services.resume_job(actor=actor, job=job))
    assert (job.status, job.error) == ("completed", "")
    assert_balanced()


def test_cancel_before_during_and_at_the_gate(actor: Any, tmp_path: Path) -> None:
    queued = submitted(actor, subtitles_order(actor, tmp_path))
    assert services.cancel_job(actor=actor, job=queued).status == "canceled"
    assert not services.run_engine(queued.public_id)

    paused = run(submitted(actor, subtitles_order(actor, tmp_path, review_after="translate")))
    assert paused.status == "paused"
    assert services.cancel_job(actor=actor, job=paused).status == "canceled"
    assert services.cancel_job(actor=actor, job=paused).status == "canceled", "again is harmless"
    assert running(actor) == 0
    assert types(paused).count("job.canceled") == 1
    assert_balanced()


@pytest.mark.parametrize("stage", ["probe", "recognize", "translate", "render"])
def test_cancel_while_a_worker_is_in_the_stage(actor: Any, tmp_path: Path, stage: str) -> None:
    job = submitted(actor, subtitles_order(actor, tmp_path))

    def work() -> None:
        try:
            services.run_engine(job.public_id)
        finally:
            connections.close_all()

    services.advance(job.public_id)
    worker = threading.Thread(target=work)
    worker.start()
    deadline = time.monotonic() + 30
    while Job.objects.get(pk=job.pk).stage != stage and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        services.cancel_job(actor=actor, job=job)
    finally:
        began = time.monotonic()
        worker.join(20)
    assert not worker.is_alive()
    assert time.monotonic() - began < 5
    job.refresh_from_db()
    assert job.status == "canceled"
    assert not workspace_path(job).exists()
    assert running(actor) == 0
    assert job.artefacts.count() == 0
    assert_balanced()


def test_a_failed_job_says_why_costs_nothing_and_can_be_tried_again(actor: Any, tmp_path: Path) -> None:
    order = subtitles_order(actor, tmp_path, media_type="video", subtitle_style={"burn_in": False})
    job = submitted(actor, order)
    assert job.translation is not None
    asset = job.translation.project.source_asset
    with storage.open_key(asset.storage_key) as stream:
        kept = stream.read()
    storage.delete(asset.storage_key)
    job = run(job)
    assert (job.status, job.error_code) == ("failed", 10901)
    assert job.error
    assert job.hold is not None and job.hold.status == "released"
    assert running(actor) == 0
    assert_balanced()

    path = tmp_path / "again.mp4"
    path.write_bytes(kept)
    storage.save_file(path, asset.storage_key)
    again = services.retry_job(actor=actor, job=job)
    assert (again.status, again.attempt, again.error_code, running(actor)) == ("processing", 2, None, 1)
    assert Hold.objects.filter(job_public_id=job.public_id).count() == 2
    done = run(again)
    assert (done.status, done.error) == ("completed", "")
    with pytest.raises(ApiError) as caught:
        services.retry_job(actor=actor, job=done)
    assert caught.value.http_status == 409
    assert_balanced()


def test_damaged_media_is_a_numbered_error_and_spoils_the_asset(actor: Any, tmp_path: Path) -> None:
    order = subtitles_order(actor, tmp_path)
    job = submitted(actor, order)
    assert job.translation is not None
    asset = job.translation.project.source_asset
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypisom" + b"\x00" * 4000)
    storage.save_file(path, asset.storage_key)
    job = run(job)
    assert job.status == "failed" and job.error_code == 10902
    with pytest.raises(ApiError) as caught:
        submitted(actor, order)
    assert "source.asset" in caught.value.errors
    assert_balanced()


def test_a_fault_of_our_own_gives_the_job_back(actor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submitted(actor, subtitles_order(actor, tmp_path))
    blocked = Path(settings.WORK_DIR) / job.public_id
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("a file where the workspace should be")
    assert services.run_engine(job.public_id)
    job.refresh_from_db()
    assert (job.status, job.lease_owner, job.tries) == ("processing", "", 1)
    assert job.next_run_at is not None
    blocked.unlink()
    assert run(job).status == "completed"
