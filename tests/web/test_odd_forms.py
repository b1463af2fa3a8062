"""Forms filled in by nobody's browser are answered in words, never by a fault."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from django.test import Client

from apps.core.options import SubtitleStyle
from apps.jobs.models import Job
from apps.jobs.services.transcripts import read_document
from apps.projects.services import save_revision
from tests.factories import make_organization, owner_of
from tests.jobs.helpers import submitted, subtitles_order
from tests.web.test_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", ["inf", "-inf", "nan", "1e999", "x", "9" * 400])
def test_numbers_that_are_none(client: Client, number: str) -> None:
    client.force_login(make_organization().memberships.get().user)
    names = ("speakers_min", "font_size", "background_volume", "outline", "margin_v", "box_x", "duration_ms")
    form = dict.fromkeys(names, number) | {
        "target_locales": "es-ES",
        "subtitle_source": "ocr",
        "url": "https://example.com/a.mp4",
    }
    form["source_kind"] = "link"
    assert client.post("/jobs/new/preview/", form).status_code == 200
    assert client.post("/jobs/new/", form).status_code in (302, 422)


@pytest.mark.usefixtures("model_dir")
@pytest.mark.parametrize("length", ["1e30", "9223372036854775807", "1e308", "-5"])
def test_lengths_that_no_file_has(client: Client, length: str) -> None:
    client.force_login(make_organization().memberships.get().user)
    url = "https://example.com/a.mp4"
    dub = {"source_kind": "link", "url": url, "target_locales": "es-ES", "steps": "subtitles"}
    lips = {"model": "lipsync-video"}
    lips |= {f"{name}_{key}": value for name in ("video", "audio") for key, value in (("kind", "link"), ("url", url))}
    for path, form, field in (("/jobs/new/", dub, "duration_ms"), ("/lipsync/", lips, "audio_ms")):
        unknown, answer = (client.post(f"{path}preview/", body) for body in (form, form | {field: length}))
        assert answer.status_code == 200
        told, wanted = (text_of(one).partition("Idempotency-Key")[0] for one in (answer, unknown))
        assert told == wanted, "as if it were not known"


def test_a_revision_that_is_none(client: Client, tmp_path: Path) -> None:
    organization = make_organization(credits=100)
    actor = owner_of(organization)
    client.force_login(organization.memberships.get().user)
    job: Job = submitted(actor, subtitles_order(actor, tmp_path))
    document = read_document(
        b'{"source_language":"en-US","target_locale":"pt-BR","duration":2,"speakers":[],'
        b'"lines":[{"id":"l1","start":0,"end":1,"source":"a","target":"b"}]}'
    )
    assert job.translation is not None
    save_revision(actor=None, translation=job.translation, document=document, origin="translated")
    for revision in ("x", "-1", "9" * 30, ""):
        answer = client.post(f"/jobs/{job.public_id}/transcript/", {"line-l1": "c", "revision": revision})
        assert answer.status_code == 302, "somebody was faster, it says"
    assert job.translation.transcripts.count() == 1


@pytest.mark.parametrize("colour", ["FFFFFF\n", "#FFFFFF00\n", "FFFFF", "red"])
def test_colours_are_colours(colour: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"primary_color": colour}, SubtitleStyle)
