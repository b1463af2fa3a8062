"""What the engine says it can do is what the installed weights can do."""

from __future__ import annotations

from apps.core.options import SubtitleStyle, TextBox, Timing, VoiceOptions
from apps.engine import capabilities
from apps.engine.settings import EngineSettings

BARE = EngineSettings(model_dir="")


def test_default_weights_cover_english_and_portuguese_and_say_no_to_the_rest(engine_settings: EngineSettings) -> None:
    good = capabilities.covers(engine_settings, "en-US", "pt-BR", ["subtitles", "voice"])
    assert (good.ok, good.text, good.voice) == (True, "good", "natural")
    assert capabilities.covers(engine_settings, "auto", "pt-BR", ["voice"]).ok
    assert capabilities.covers(engine_settings, "ja-JP", "en-US", ["voice"]).ok
    refused = capabilities.covers(engine_settings, "en-US", "de-DE", ["subtitles"])
    assert (refused.ok, refused.code) == (False, 10906)
    assert "de-DE" in refused.reason
    assert not capabilities.covers(engine_settings, "ja-JP", "pt-BR", ["voice"], subtitle_source="ocr").ok


def test_a_given_translation_needs_only_a_voice(engine_settings: EngineSettings) -> None:
    spoken = capabilities.covers(engine_settings, "en-US", "de-DE", ["voice"], translation_given=True)
    assert (spoken.ok, spoken.voice) == (True, "robotic")
    assert "robotic" in spoken.remarks[0]
    assert not capabilities.covers(engine_settings, "en-US", "zu-ZA", ["voice"], translation_given=True).ok


def test_pairs_are_listed_with_quality_and_way(engine_settings: EngineSettings) -> None:
    pairs = {(pair.source, pair.target): pair for pair in capabilities.language_pairs(engine_settings)}
    assert pairs["en-US", "pt-BR"].via == "firefox en-pt"
    assert pairs["en-US", "en-GB"].text == "copy"
    assert "Whisper" in pairs["de-DE", "en-US"].via
    assert ("en-US", "de-DE") not in pairs
    assert set(capabilities.target_locales(engine_settings)) >= {"pt-BR", "pt-PT", "en-US"}


def test_options_that_cannot_be_honoured_are_named_one_by_one() -> None:
    assert capabilities.unsupported_options(BARE, target_locale="pt-BR") == {}
    wrong = capabilities.unsupported_options(
        BARE, target_locale="bn-IN", steps=["lipsync"], voice=VoiceOptions(kind="personal", emotion="on", by_scene=True, lexicon_url="https://x.test/l"),
        timing=Timing(adjust_video_speed=True, rewrite=True), style=SubtitleStyle(burn_in=True, erase_source=True),
    )  # fmt: skip
    assert set(wrong) == {
        "steps", "voice.kind", "voice.emotion", "voice.by_scene", "voice.lexicon_url", "timing.adjust_video_speed", "timing.rewrite",
        "subtitle_style.burn_in", "subtitle_style.erase_source",
    }  # fmt: skip
    box = TextBox(x=0, y=0.8, width=1, height=0.2)
    assert (
        capabilities.unsupported_options(
            BARE, target_locale="pt-BR", style=SubtitleStyle(erase_source=True), text_box=box
        )
        == {}
    )


def test_the_check_says_what_to_install(engine_settings: EngineSettings) -> None:
    rows = capabilities.check(engine_settings)
    order = ["probe", "separate", "recognize", "translate", "speak", "render", "lipsync"]
    assert [row.stage for row in rows] == sorted((row.stage for row in rows), key=order.index)
    assert all(row.ok for row in rows if row.required)
    bare = [row for row in capabilities.check(BARE) if row.required and not row.ok]
    assert {row.backend for row in bare} == {"faster-whisper", "fxtranslate", "kokoro-onnx"}
    assert all("install_models" in row.advice for row in bare)


def test_lip_sync_needs_the_face_weights(engine_settings: EngineSettings) -> None:
    row, bare = capabilities.check(engine_settings)[-1], capabilities.check(BARE)[-1]
    assert (row.stage, row.backend, row.ok, row.advice) == ("lipsync", "preview", True, "")
    assert (bare.ok, bare.required) == (False, False)
    assert "install_models" in bare.advice
    assert (capabilities.can_lipsync(engine_settings), capabilities.can_lipsync(BARE)) == (True, False)
