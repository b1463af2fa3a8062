"""What Volcengine VOD can carry out, refused by name where it cannot; every word of the vendor's document has its row."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core import languages
from apps.providers.base import problems
from apps.providers.volcengine_translate.parameters import PARAMETERS as TRANSLATE_ROWS
from apps.providers.volcengine_vod import requests, rules, wire
from apps.providers.volcengine_vod.parameters import PARAMETERS
from apps.providers.volcengine_vod.provider import VENDOR
from tests.providers.volcengine.gateway import models
from tests.providers.volcengine.talk import order

FILE = {"subtitle_source": "file", "subtitle": {"asset": "ast_00000001", "usage": "original"}}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, set()),
        ({"steps": ["subtitles"]}, set()),
        ({"steps": ["lipsync", "voice", "subtitles"]}, set()),
        ({"source_language": "zh-CN", "target_locales": ["th-TH"]}, set()),
        ({"subtitle_source": "ocr", "vision": True, "review_after": "recognize"}, set()),
        (FILE, set()),
        ({**FILE, "subtitle": {"asset": "ast_00000001", "usage": "bilingual"}}, set()),
        ({"voice": {"kind": "personal", "by_scene": True, "background_volume": 0}}, set()),
        ({"subtitle_style": {"burn_in": True, "font_size": 80, "erase_source": True}}, set()),
        ({"glossaries": ["gls_00000000"]}, set()),
        ({"source_language": "auto"}, {"source_language", "target_locales.0"}),
        ({"source_language": "ja-JP"}, {"source_language", "target_locales.0"}),
        ({"source_language": "zh-HK"}, {"source_language", "target_locales.0"}),
        ({"target_locales": ["nl-NL"]}, {"target_locales.0"}),
        ({"target_locales": ["en-GB"]}, {"target_locales.0"}),
        ({"target_locales": ["zh-TW"]}, {"target_locales.0"}),
        ({"media_type": "audio"}, {"media_type"}),
        ({"export_type": "audio"}, {"export_type"}),
        ({"export_type": "all"}, {"export_type"}),
        ({**FILE, "subtitle": {"asset": "ast_00000001", "usage": "final_translated"}}, {"subtitle.usage"}),
        (
            {**FILE, "subtitle": {"asset": "ast_00000001", "usage": "bilingual"}, "source_language": "fr-FR"},
            {"source_language"},
        ),
        ({"steps": ["subtitles"], "voice": {"background_volume": 50}}, {"voice.background_volume"}),
        ({"steps": ["subtitles"], "voice": {"by_scene": True}}, {"voice.by_scene"}),
        ({"subtitle_style": {"burn_in": True, "primary_color": "FFFF00"}}, {"subtitle_style.primary_color"}),
        ({"subtitle_style": {"burn_in": True, "max_chars_per_line": 20}}, {"subtitle_style.max_chars_per_line"}),
        ({"voice": {"emotion": "on"}}, {"voice.emotion"}),
        ({"voice": {"lexicon_url": "https://x.example/l.xml"}}, {"voice.lexicon_url"}),
        ({"timing": {"adjust_video_speed": True}}, {"timing.adjust_video_speed"}),
        ({"ocr_correction": True, "subtitle_source": "ocr"}, {"ocr_correction"}),
        ({"prompt": "Be brief."}, {"prompt"}),
        ({"hls": True}, {"hls"}),
        ({"speaker_count": {"min": 2}}, {"speaker_count"}),
        ({"source": {"url": "https://cdn.example.com/v.mp4#vod=space/v0"}}, set()),
        ({"source": {"url": "https://cdn.example.com/v.mp4#vod=space"}}, {"source.url"}),
        ({"source": {"url": "https://cdn.example.com/v.mp4#t=10"}}, set()),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(fields: dict[str, Any], wrong: set[str]) -> None:
    assert set(problems(VENDOR, order(**({"steps": ["subtitles", "voice"]} | fields)))) == wrong


@pytest.mark.parametrize(
    ("fragment", "found"),
    [
        ("vod=test/v0ccfeg7007", ("test", "v0ccfeg7007")),
        ("vod=te_st-1/v0", ("te_st-1", "v0")),
        ("vod=/v0", None),
        ("vod=test/", None),
        ("vod=test/v0/more", None),
        ("vod=te st/v0", None),
        ("vod=te%20st/v0", None),
        ("v=1", None),
    ],
)
def test_the_vid_at_the_end_of_a_link(fragment: str, found: tuple[str, str] | None) -> None:
    assert rules.given_vid(order(source={"url": f"https://cdn.example.com/v.mp4#{fragment}"})) == found


def test_languages_go_both_ways() -> None:
    assert len(wire.LOCALES) == 15
    for code, locale in wire.LOCALES.items():
        assert wire.language_of(locale) == code and locale == languages.match_target(code)


def test_only_the_three_documented_combinations() -> None:
    assert [wire.types_of(ours) for ours in wire.TYPE_LISTS.values()] == list(wire.TYPE_LISTS)
    assert wire.types_of(["subtitles", "lipsync"]) == () and wire.types_of(["voice"]) == ()


@pytest.mark.parametrize(
    ("link", "role", "ending"),
    [
        ("https://p/files/token/My%20Film.MOV", "media", ".mov"),
        ("https://p/files/token/film", "media", ".mp4"),
        ("https://p/files/token/film.exe?x=.mov", "media", ".mp4"),
        ("https://p/files/token/a.vtt?sig=1", "source", ".vtt"),
        ("https://p/files/token/a", "source", ".srt"),
    ],
)
def test_the_ending_of_a_file(link: str, role: str, ending: str) -> None:
    assert requests.ending(link, role) == ending


def test_every_field_of_the_reference_has_its_row() -> None:
    """Of the submit, the project, its list, utterances, termbases and the two audio calls."""
    rows = " ".join(row.theirs for row in PARAMETERS)
    shapes = (
        "SubmitAITranslationWorkflowRequest", "TranslationConfigForSubmitAITranslationWorkflowInput",
        "SubtitleRecognitionConfigForSubmitAITranslationWorkflowInput", "VoiceCloneConfigForSubmitAITranslationWorkflowInput",
        "SubtitleConfigForSubmitAITranslationWorkflowInput", "ProcessConfigForSubmitAITranslationWorkflowInput",
        "TermbaseConfigForSubmitAITranslationWorkflowInput",
    )  # fmt: skip
    known = models("vod_2025-01-01_models.json")
    for shape in shapes:
        for name in known.get(shape, {"fields": {}})["fields"]:
            assert name in rows, f"{shape}.{name}"
    result = known.get("ProjectInfoForGetAITranslationProjectOutput", {"fields": {}})["fields"]
    base = {
        "ProjectId",
        "ProjectVersion",
        "Status",
        "CreatedAt",
        "OperatorConfig",
        "TargetBlueprints",
        "TranslationTypeList",
    }
    for name in set(result) - base:
        assert name in rows, name
    told = " ".join(row.theirs for row in TRANSLATE_ROWS)
    audio = models("translate_2025-03-01_models.json")
    for shape in (
        "SubmitAudioRequest",
        "SubmitAudioResponse",
        "QueryAudioRequest",
        "QueryAudioResponse",
        "SubtitleForQueryAudioOutput",
    ):
        for name in audio.get(shape, {"fields": {}})["fields"]:
            assert name in told, f"{shape}.{name}"


def test_every_enum_value_has_its_row() -> None:
    rows = {row.theirs for row in PARAMETERS}
    wanted = {f"RecognitionType={word}" for word in wire.RECOGNITION_TYPES} | {
        f"Status={word}" for word in wire.STATUSES
    }
    wanted |= {f"SourceLanguage={code}" for code in wire.SOURCE_LANGUAGES} | {
        f"TargetLanguage={code}" for code in wire.LOCALES
    }
    wanted |= {f"SuspensionStage={stage}" for stage in wire.SUSPENSION_STAGES}
    assert wanted <= rows
    assert len(rows) == len(PARAMETERS), "no row twice"
