"""Our adapter at our own dialect, over real HTTP, the built-in engine doing the work: one portal orders at another as if it were Vozo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.jobs import services
from apps.jobs.models import Job, ProviderCall
from apps.plans.services import check_books
from apps.projects.models import Transcript
from apps.providers.vozo.provider import VENDOR
from tests.factories import make_key, make_organization, owner_of
from tests.jobs.helpers import subtitle_asset
from tests.providers.road import Road

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def test_one_portal_orders_at_another(live_server: Any, settings: Any, tmp_path: Path, client: Any) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1", "localhost")
    settings.PUBLIC_URL = live_server.url
    # The last-resort voice needs no weights: what is spoken is the engine's own tests' business.
    settings.ENGINE = settings.ENGINE | {"model_dir": str(tmp_path / "none"), "separate": "duck"}
    here, there = owner_of(make_organization()), make_organization(credits=1000)
    row = Road.make_account(VENDOR, live_server.url, {"api_key": make_key(there)[1], "glossaries": ""})
    fields = {
        "steps": ["subtitles", "voice"], "export_type": "all", "subtitle_source": "file",
        "subtitle": {"asset": subtitle_asset(here, tmp_path).public_id, "usage": "final_translated"},
        "subtitle_style": {"burn_in": True},
    }  # fmt: skip
    road = Road("vozo", row, here, tmp_path, client, fields)
    ours = road.until_polled(road.order())

    theirs = Job.objects.get(organization=there)
    assert (theirs.dialect, theirs.public_id, theirs.pool) == ("vozo", ours.provider_ref, "api")
    assert (theirs.order["export_type"], theirs.order["subtitle"]["usage"]) == ("all", "final_translated")
    assert theirs.order["subtitle_style"]["burn_in"] is True
    services.advance(theirs.public_id)
    theirs.refresh_from_db()
    assert theirs.provider == "local"
    assert services.run_engine(theirs.public_id)
    theirs.refresh_from_db()
    assert (theirs.status, theirs.error) == ("completed", "")

    road.until(ours, "completed")
    kinds = {artefact.kind: artefact for artefact in ours.artefacts.all()}
    assert set(kinds) == {"video", "audio_mp3", "subtitle_target"}
    assert kinds["video"].is_main and (kinds["video"].duration_ms or 0) > 2500
    text = Transcript.objects.get(translation=ours.translation).document
    assert [line["target"] for line in text["lines"]] == ["Bom dia a todos.", "Vamos começar."]
    assert list(ProviderCall.objects.filter(job=ours, operation="create").values_list("outcome", flat=True)) == ["ok"]
    assert check_books() == []


def test_their_refusals_are_our_accounts_trouble(live_server: Any, settings: Any, tmp_path: Path, client: Any) -> None:
    """A key that the other portal does not know (7): the job waits, and the customer is told nothing of it."""
    settings.PRIVATE_HOSTS_ALLOWED = ("127.0.0.1", "localhost")
    settings.PUBLIC_URL = live_server.url
    row = Road.make_account(VENDOR, live_server.url, {"api_key": f"sk_00000000_{'a' * 43}", "glossaries": ""})
    road = Road("vozo", row, owner_of(make_organization()), tmp_path, client, {"steps": ["subtitles", "voice"]})
    job = road.turn(road.order())
    assert (job.status, job.error_code, job.error) == ("processing", None, "")
    row.refresh_from_db()
    assert "7: No permission to request." in row.last_error and row.open_until is not None
    assert not Job.objects.filter(dialect="vozo").exists()
