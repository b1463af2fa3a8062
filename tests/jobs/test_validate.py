"""Parameters of an order: every wrong field is named, right ones pass, and nothing is silently dropped."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from apps.jobs.services.validate import normalize
from apps.providers.orders import TranslationOrder

SUBTITLE = {"url": "https://media.example.org/a.srt", "usage": "final_translated"}
BASE: dict[str, Any] = {
    "source": {"url": "https://media.example.org/talk.mp4"},
    "target_locales": ["pt-BR"],
    "source_language": "en-US",
    "steps": ["subtitles"],
    "subtitle_source": "file",
    "subtitle": SUBTITLE,
}
HEARD = {"subtitle_source": "asr", "subtitle": None}
BOX = {"x": 0.1, "y": 0.8, "width": 0.8, "height": 0.15}


def wrong(**fields: Any) -> dict[str, list[str]]:
    """What is wrong for an organization that has no vendor: only the built-in engine may be used."""
    return normalize(msgspec.convert(BASE | fields, TranslationOrder), lambda: frozenset({"local"}))[1]


def test_languages_are_matched_to_the_tables() -> None:
    order, errors = normalize(
        msgspec.convert(BASE | {"source_language": "EN", "target_locales": ["pt_br"]}, TranslationOrder)
    )
    assert errors == {}
    assert (order.source_language, order.target_locales) == ("en-US", ["pt-BR"])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"source": {}}, {"source"}),
        ({"source": {"asset": "ast_0000000000000000", "url": "https://example.org/a.mp4"}}, {"source"}),
        ({"source": {"url": "file:///etc/passwd"}}, {"source.url"}),
        ({"source": {"url": "http://10.0.0.1/a.mp4"}}, {"source.url"}),
        ({"source_language": "klingon"}, {"source_language"}),
        ({**HEARD, "target_locales": ["pt-BR", "pt-br"]}, {"target_locales.1"}),
        ({"target_locales": ["auto"]}, {"target_locales.0"}),
        ({"source_language": "pt-BR"}, {"target_locales.0"}),
        ({"steps": ["subtitles", "subtitles"]}, {"steps"}),
        ({"steps": ["voice"]}, {"steps"}),
        ({"steps": ["subtitles", "lipsync"]}, {"steps"}),
        ({"steps": ["subtitles"], "export_type": "audio"}, {"export_type"}),
        ({"steps": ["subtitles", "voice"], "export_type": "subtitles"}, {"export_type"}),
        ({"media_type": "audio", "export_type": "video"}, {"export_type"}),
        ({"media_type": "audio", "subtitle_style": {"burn_in": True}}, {"subtitle_style.burn_in"}),
        ({"media_type": "audio", "hls": True}, {"hls"}),
        ({"subtitle": None}, {"subtitle"}),
        ({"subtitle": {"usage": "original"}}, {"subtitle"}),
        ({"subtitle_source": "asr"}, {"subtitle"}),
        ({"subtitle_source": "ocr", "subtitle": None}, {"ocr_text_box"}),
        ({"ocr_text_box": BOX}, {"ocr_text_box"}),
        ({**HEARD, "subtitle_source": "ocr", "ocr_text_box": BOX | {"x": 0.5}}, {"ocr_text_box.width"}),
        ({**HEARD, "subtitle_source": "ocr", "ocr_text_box": BOX | {"y": 0.95}}, {"ocr_text_box.height"}),
        ({"subtitle_style": {"erase_source": True}}, {"ocr_text_box"}),
        ({"ocr_correction": True}, {"ocr_correction"}),
        ({"speaker_count": {"min": 3, "max": 2}}, {"speaker_count.max"}),
        ({"subtitle_style": {"margin_l": 0.5, "margin_r": 0.5}}, {"subtitle_style.margin_r"}),
        ({"glossaries": ["gls_0000000000000000"] * 2}, {"glossaries"}),
        ({"target_locales": ["pt-BR", "en-GB"]}, {"subtitle.usage"}),
        ({"callback_url": "gopher://example.org"}, {"callback_url"}),
        ({"title": "a\x00b"}, {"title"}),
        # What the built-in engine does not do is said, by field.
        ({"prompt": "be funny"}, {"prompt"}),
        ({"vision": True}, {"vision"}),
        ({"voice": {"emotion": "on"}}, {"voice.emotion"}),
        ({"voice": {"kind": "personal"}}, {"voice.kind"}),
        ({"timing": {"adjust_video_speed": True}}, {"timing.adjust_video_speed"}),
        ({"timing": {"rewrite": True}}, {"timing.rewrite"}),
        ({"steps": ["subtitles", "voice", "lipsync"], "media_type": "audio"}, {"steps"}),
        ({"steps": ["subtitles", "voice", "lipsync"], "export_type": "audio"}, {"export_type"}),
        ({"provider": "nobody"}, {"provider"}),
    ],
)  # fmt: skip
def test_the_wrong_field_is_named(fields: dict[str, Any], named: set[str]) -> None:
    assert set(wrong(**fields)) == named


def test_several_wrong_fields_are_told_at_once() -> None:
    assert set(wrong(source={}, source_language="xx", steps=["voice"], speaker_count={"min": 3, "max": 2})) == {
        "source", "source_language", "steps", "speaker_count.max"
    }  # fmt: skip


def test_a_pair_without_weights_is_a_capability_error(tmp_path: Any, settings: Any) -> None:
    settings.ENGINE = settings.ENGINE | {"model_dir": str(tmp_path)}
    found = wrong(**HEARD)
    assert set(found) == {"target_locales.0"}
    assert "no weights" in found["target_locales.0"][0]


def test_lip_sync_needs_its_weights(tmp_path: Any, settings: Any, model_dir: Any) -> None:
    steps = ["subtitles", "voice", "lipsync"]
    assert wrong(steps=steps, target_locales=["de-DE"]) == {}
    settings.ENGINE = settings.ENGINE | {"model_dir": str(tmp_path)}
    assert set(wrong(steps=steps, target_locales=["de-DE"])) == {"steps.2"}


def test_a_pair_with_weights_passes(model_dir: Any) -> None:
    assert wrong(**HEARD) == {}
    assert wrong(**HEARD, source_language="auto", steps=["subtitles", "voice"]) == {}
