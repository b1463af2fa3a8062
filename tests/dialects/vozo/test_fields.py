"""Every field of POST /v1/media/translate: what it becomes in our order, and what is refused by its name."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Organization
from apps.core import languages
from apps.dialects.models import Resource
from apps.glossaries.services import create_glossary
from apps.jobs.models import Job
from apps.providers.vozo import wire
from tests.dialects.vozo.conftest import Vozo, refused
from tests.factories import owner_of

LISTEN = {"subtitle_url": "", "subtitle_usage_type": ""}
BOX = {"x": 0.1, "y": 0.8, "width": 0.8, "height": 0.15}


def ordered(vozo: Vozo, **changes: Any) -> dict[str, Any]:
    """The order of the job that an accepted body makes."""
    answer = vozo.create(**changes)
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"task_id"}
    job = Job.objects.get(public_id=answer.json()["task_id"])
    assert job.dialect == "vozo"
    return dict(job.order)


def test_the_documented_fields(vozo: Vozo, organization: Organization) -> None:
    order = ordered(vozo)
    assert order["source"] == {"asset": None, "url": "https://media.example.com/talk.mp4"}
    assert (order["source_language"], order["target_locales"]) == ("en-US", ["pt-BR"])
    assert (order["media_type"], order["export_type"], order["steps"]) == ("video", "auto", ["subtitles", "voice"])
    assert order["subtitle_source"] == "file"
    assert order["subtitle"] == {
        "asset": None,
        "url": "https://media.example.com/talk.srt",
        "usage": "final_translated",
    }
    job = Job.objects.get()
    assert (job.pool, job.organization_id) == ("api", organization.pk)
    task = Resource.objects.get()
    assert (task.dialect, task.kind, task.external_id, task.subject) == ("vozo", "task", job.public_id, job.public_id)


def test_export_types(vozo: Vozo) -> None:
    for pair in (
        ("video", "auto"),
        ("video", "video"),
        ("video", "audio"),
        ("video", "all"),
        ("audio", "auto"),
        ("audio", "audio"),
    ):
        order = ordered(vozo, media_type=pair[0], export_type=pair[1])
        assert (order["media_type"], order["export_type"]) == pair
    for export_type in ("video", "all"):
        assert "export_type" in refused(vozo.create(media_type="audio", export_type=export_type), "5")["message"]


def test_speakers_up_to_34(vozo: Vozo) -> None:
    assert ordered(vozo, speaker_number={"min": 2, "max": 34})["speaker_count"] == {"min": 2, "max": 34}
    assert ordered(vozo, speaker_number={"max": 3})["speaker_count"] == {"min": None, "max": 3}
    assert ordered(vozo, speaker_number={})["speaker_count"] == {"min": None, "max": None}


@pytest.mark.usefixtures("model_dir")
def test_text_from_the_picture(vozo: Vozo) -> None:
    order = ordered(vozo, **LISTEN, ocr_text_box=BOX, target_language="pt")
    assert (order["subtitle_source"], order["ocr_text_box"], order["target_locales"]) == ("ocr", BOX, ["pt-BR"])


@pytest.mark.usefixtures("model_dir")
def test_original_subtitles_are_the_default_use(vozo: Vozo) -> None:
    order = ordered(vozo, subtitle_usage_type=None, source_language="auto")
    assert (order["subtitle"]["usage"], order["source_language"]) == ("original", "auto")


def test_glossaries_are_ours(vozo: Vozo, organization: Organization, stranger: Vozo) -> None:
    made = create_glossary(actor=owner_of(organization), name="Names", source_language="en-US", target_locale="pt-BR")
    assert ordered(vozo, glossary_ids=[made.public_id])["glossaries"] == [made.public_id]
    assert "glossary_ids" in refused(stranger.create(glossary_ids=[made.public_id]), "5")["message"]


def test_a_prompt_needs_a_provider_that_follows_it(vozo: Vozo) -> None:
    assert "user_prompt" in refused(vozo.create(user_prompt="formal"), "5")["message"]


def test_unknown_fields_and_nulls_are_passed_over(vozo: Vozo) -> None:
    nothing = dict.fromkeys(
        ("ocr_text_box", "speaker_number", "user_prompt", "callback_url", "glossary_ids", "project_mode")
    )
    ordered(vozo, **nothing, voice_model=None, subtitle_mode=None, align_video=None, webhook_id=7, extra={"a": [1]})
    ordered(vozo, callback_url="", user_prompt="", project_mode="", voice_model="", subtitle_mode="", glossary_ids=[])


class TestWishes:
    """Fields that only clients know: honoured where a provider can, else the answer says that the task goes on without."""

    def test_a_known_clients_defaults_are_taken(self, vozo: Vozo) -> None:
        answer = vozo.create(
            voice_model="auto", subtitle_mode="replace", align_video=True, project_mode="editable", export_type="video"
        )
        assert answer.status_code == 200, answer.content
        named = [text.partition(":")[0] for text in answer.json()["warnings"]]
        assert named == ["align_video", "subtitle_mode"]
        order = Job.objects.get().order
        assert order["timing"]["adjust_video_speed"] is False
        assert order["subtitle_style"]["burn_in"] is True and order["subtitle_style"]["erase_source"] is False
        assert Resource.objects.get().data == {
            "project_mode": "editable",
            "passed_over": ["align_video", "subtitle_mode"],
        }

    def test_what_can_be_honoured_is(self, vozo: Vozo) -> None:
        assert ordered(vozo, subtitle_mode="add")["subtitle_style"]["burn_in"] is True
        assert (
            ordered(vozo, subtitle_mode="none", voice_model="native", align_video=False)["voice"]["kind"] == "platform"
        )

    @pytest.mark.usefixtures("model_dir")
    def test_replace_where_the_old_ones_are_told(self, vozo: Vozo) -> None:
        order = ordered(vozo, **LISTEN, ocr_text_box=BOX, subtitle_mode="replace")
        assert order["subtitle_style"]["erase_source"] is True

    def test_a_voice_of_ones_own(self, vozo: Vozo) -> None:
        answer = vozo.create(voice_model="real")
        assert [text.partition(":")[0] for text in answer.json()["warnings"]] == ["voice_model"]

    def test_a_wish_does_not_hide_an_error(self, vozo: Vozo) -> None:
        said = refused(vozo.create(align_video=True, user_prompt="formal"), "5")["message"]
        assert "user_prompt" in said
        assert not Job.objects.exists()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"without": "media_type"}, "media_type"),
    ({"without": "media_url"}, "media_url"),
    ({"without": "source_language"}, "source_language"),
    ({"without": "target_language"}, "target_language"),
    ({"without": "export_type"}, "export_type"),
    ({"media_type": "picture"}, "media_type"),
    ({"media_url": ""}, "media_url"),
    ({"media_url": 7}, "media_url"),
    ({"media_url": "ftp://media.example.com/a.mp4"}, "media_url"),
    ({"media_url": "http://169.254.169.254/latest"}, "media_url"),
    ({"media_url": "https://media.example.com/" + "a" * 5000}, "media_url"),
    ({"source_language": "xx-XX"}, "source_language"),
    ({"target_language": "tlh"}, "target_language"),
    ({"target_language": "auto"}, "target_language"),
    ({"target_language": "en-US"}, "target_language"),
    ({"export_type": "subtitles"}, "export_type"),
    ({"subtitle_usage_type": "bilingual"}, "subtitle_usage_type"),
    ({"subtitle_url": "file:///etc/passwd"}, "subtitle_url"),
    ({"ocr_text_box": BOX}, "subtitle_url"),
    ({**LISTEN, "ocr_text_box": BOX, "media_type": "audio"}, "ocr_text_box"),
    ({**LISTEN, "ocr_text_box": {**BOX, "x": 1.5}}, "ocr_text_box.x"),
    ({**LISTEN, "ocr_text_box": {**BOX, "width": 0.95}}, "ocr_text_box.width"),
    ({**LISTEN, "ocr_text_box": {"x": 0.1}}, "ocr_text_box.y"),
    ({"speaker_number": {"min": 1}}, "speaker_number.min"),
    ({"speaker_number": {"max": 35}}, "speaker_number.max"),
    ({"speaker_number": {"min": 5, "max": 3}}, "speaker_number.max"),
    ({"speaker_number": 3}, "speaker_number"),
    ({"user_prompt": "a" * 2001}, "user_prompt"),
    ({"user_prompt": "\x00"}, "user_prompt"),
    ({"callback_url": "ftp://example.com"}, "callback_url"),
    ({"project_mode": "always"}, "project_mode"),
    ({"glossary_ids": ["a", "b", "c", "d"]}, "glossary_ids"),
    ({"glossary_ids": ["gls_000000000000"]}, "glossary_ids.0"),
    ({"glossary_ids": "gls_000000000000"}, "glossary_ids"),
    ({"voice_model": "loud"}, "voice_model"),
    ({"subtitle_mode": "some"}, "subtitle_mode"),
    ({"align_video": "yes"}, "align_video"),
]


def test_every_wrong_field_is_named(vozo: Vozo) -> None:
    missed = []
    for changes, field in WRONG:
        said = refused(vozo.create(**changes), "5")["message"]
        if not said.startswith("Invalid request parameters. ") or f"{field}:" not in said:
            missed.append((changes, field, said))
    assert missed == []
    assert not Job.objects.exists()


def test_a_body_that_is_none(vozo: Vozo) -> None:
    for body in (b"", b"[]", b"null", b"{", b'"text"', b"\xff\xfe", b"[" * 5000):
        refused(vozo.call("POST", "/v1/media/translate", body), "5")


def test_both_tables_of_languages(vozo: Vozo) -> None:
    """Every code of seed 000 is a code of ours, and the pattern of the reference plus three-letter codes covers them."""
    for code in languages.sources():
        assert languages.match_source(code) == code
    for code in languages.targets():
        assert languages.match_target(code) == code
    for base, locales in languages.target_groups().items():
        assert languages.match_target(base) in locales
    assert wire.field_name("target_locales.0") == "target_language"
