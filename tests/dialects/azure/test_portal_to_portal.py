"""Our adapter at our own dialect, over real HTTP, the built-in engine doing the work: one portal orders at another as if it were Azure."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from apps.engine.transcript import Transcript as Document
from apps.jobs import services
from apps.jobs.models import Job, ProviderCall
from apps.jobs.services.iterations import submit_iteration
from apps.plans.services import check_books
from apps.projects.models import Transcript
from apps.projects.services import create_asset_from_file, save_revision
from apps.providers.azure.provider import VENDOR
from apps.webhooks.sender import Sender
from tests.dialects.azure.conftest import Azure, Hooks
from tests.dialects.azure.test_eventhub import CONFIGURATION, REAL
from tests.factories import make_key, make_organization, owner_of
from tests.providers.media import vtt
from tests.providers.road import Road

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine, pytest.mark.long]


def worked_on(job: Job) -> Job:
    """The other portal's own worker does the job."""
    services.advance(job.public_id)
    assert services.run_engine(job.public_id)
    job.refresh_from_db()
    assert (job.provider, job.status, job.error) == ("local", "completed", "")
    return job


@pytest.fixture(autouse=True)
def vendor_account(db: None) -> None:
    """No other account than the test's own."""


@pytest.mark.usefixtures("model_dir")
def test_one_portal_orders_at_another(
    live_server: Any, settings: Any, tmp_path: Path, client: Any, hooks: Hooks
) -> None:
    """An order from a given translation, its end told to the other's webhook, then an edited line as its next iteration."""
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1", "localhost")
    settings.PUBLIC_URL = live_server.url
    here, there = owner_of(make_organization()), make_organization(credits=1000)
    key = make_key(there)[1]
    row = Road.make_account(VENDOR, live_server.url, {"key": key, "api_version": "2026-03-01"})
    assert Azure(key).call("PUT", CONFIGURATION, REAL | {"eventHubNamespaceHostName": hooks.base}).status_code == 200
    given = tmp_path / "given.vtt"
    given.write_bytes(vtt())
    asset = create_asset_from_file(actor=here, path=given, file_name="given.vtt", kind="subtitle")
    fields = {
        "steps": ["subtitles", "voice"], "subtitle_source": "file",
        "subtitle": {"asset": asset.public_id, "usage": "final_translated"},
    }  # fmt: skip
    road = Road("azure", row, here, tmp_path, client, fields)
    ours = road.until_polled(road.order())

    theirs = Job.objects.get(organization=there)
    assert (theirs.dialect, theirs.pool, theirs.order["subtitle"]["usage"]) == ("azure", "api", "final_translated")
    worked_on(theirs)
    asyncio.run(Sender().run_until_idle())
    told = hooks.requests[-1]
    assert [(event["kind"], event["status"]) for event in told.json()] == [
        ("IterationCompletion", "Succeeded"),
        ("TranslationCompletion", "Succeeded"),
    ]
    assert len(hooks.requests) == 2 and told.headers["webhook-signature"].startswith("v1,")
    road.until(ours, "completed")
    kinds = {(artefact.kind, artefact.format): artefact for artefact in ours.artefacts.all()}
    assert {("video", "mp4"), ("audio", "wav"), ("subtitle_target", "vtt"), ("transcript", "json")} <= set(kinds)
    assert kinds["video", "mp4"].is_main and (kinds["video", "mp4"].duration_ms or 0) > 2500
    assert ours.translation is not None
    document = msgspec.convert(Transcript.objects.get(translation=ours.translation).document, Document)
    assert [line.target for line in document.lines] == ["Bom dia a todos.", "Vamos começar."]

    document.lines[1].target = "Até logo."
    save_revision(actor=here, translation=ours.translation, document=document, origin="edited")
    again = submit_iteration(actor=here, translation=ours.translation)
    road.until_polled(again)
    second = Job.objects.filter(organization=there).latest("pk")
    assert second.base_job == theirs and second.iteration == 2 and second.dialect == "azure"
    (text,) = Transcript.objects.filter(translation=second.translation, revision=second.reviewed_revision)
    assert [line["target"] for line in text.document["lines"]] == ["Bom dia a todos.", "Até logo."]
    (made,) = ProviderCall.objects.filter(job=again)
    assert (made.operation, made.outcome, made.http_status) == ("CreateIteration", "ok", 201)
    assert json.dumps(made.request).count("MetadataJson") == 1
    assert check_books() == []
