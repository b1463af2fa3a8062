"""SubmitAITranslationWorkflow's parameters as our order, and our order as their configuration again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.options import SubtitleStyle, TextBox, Timing, VoiceOptions
from apps.dialects.volcengine import shapes
from apps.dialects.volcengine.assets import asset_of, is_link
from apps.dialects.volcengine.errors import missing
from apps.dialects.volcengine.languages import from_theirs
from apps.dialects.volcengine.subtitle_files import merge_files
from apps.projects.models import Asset
from apps.providers.orders import GivenSubtitle, ReviewAfter, Source, SubtitleUsage, TranslationOrder
from apps.providers.volcengine_vod import wire

_RECOGNITION: Final = "OperatorConfig.SubtitleRecognitionConfig"
# RecognitionType -> the field that names the file, and how our order uses it. Two files are made one first (subtitle_files).
_FILES: Final[Mapping[str, tuple[str, SubtitleUsage]]] = {
    wire.SOURCE_FILE: ("SourceSubtitleFileName", "original"),
    wire.OLD_FILE: ("SubtitleFileName", "original"),
    wire.BILINGUAL_FILE: ("BilingualSubtitleFileName", "bilingual"),
}
LOWER_HALF: Final = TextBox(x=0.0, y=0.5, width=1.0, height=0.5)
"""Where subtitles are looked for: their protocol has no box."""
FIELDS: Final[Mapping[str, str]] = {
    "source": "Vid",
    "source_language": "TranslationConfig.SourceLanguage",
    "target_locales": "TranslationConfig.TargetLanguage",
    "steps": "TranslationConfig.TranslationTypeList",
    "glossaries": "TranslationConfig.TermbaseConfig.TranslationTermbaseIds",
    "subtitle_source": f"{_RECOGNITION}.RecognitionType",
    "subtitle": f"{_RECOGNITION}.SourceSubtitleFileName",
    "ocr_text_box": f"{_RECOGNITION}.RecognitionType",
    "vision": f"{_RECOGNITION}.IsVision",
    "voice.background_volume": "OperatorConfig.VoiceCloneConfig.BackgroundVolume",
    "voice.by_scene": "ProcessConfig.DisableCloneVoiceByScene",
    "timing.rewrite": "ProcessConfig.DisableSmartSubtitleRewrite",
    "timing.punctuation_split": "ProcessConfig.DisableSubtitlePunctSplit",
    "review_after": "ProcessConfig.SuspensionStageList",
    "subtitle_style.burn_in": "SubtitleConfig.IsHardSubtitle",
    "subtitle_style.erase_source": "SubtitleConfig.IsEraseSource",
    "subtitle_style.font_size": "SubtitleConfig.FontSize",
    "subtitle_style.margin_l": "SubtitleConfig.MarginL",
    "subtitle_style.margin_r": "SubtitleConfig.MarginR",
    "subtitle_style.margin_v": "SubtitleConfig.MarginV",
    "subtitle_style.max_lines": "SubtitleConfig.ShowLines",
}
"""Our fields -> theirs, for refusals."""


def order_of(actor: Actor, given: shapes.Submit) -> TranslationOrder:
    """The order. Raises MissingParameter, or ApiError 5 naming their field."""
    config = given.TranslationConfig
    steps = wire.TYPE_LISTS.get(tuple(config.TranslationTypeList))
    if steps is None:
        raise errors.invalid("TranslationConfig.TranslationTypeList", "This combination is not supported.")
    style = given.SubtitleConfig or shapes.SubtitleConfig()
    process = given.ProcessConfig or shapes.ProcessConfig()
    operator = given.OperatorConfig or shapes.OperatorConfig()
    volume = (operator.VoiceCloneConfig or shapes.VoiceCloneConfig()).BackgroundVolume
    raw: dict[str, Any] = {
        "source": _source(actor, given),
        "source_language": from_theirs(config.SourceLanguage),
        "target_locales": [from_theirs(config.TargetLanguage)],
        "steps": list(steps),
        "voice": {"background_volume": volume, "by_scene": process.DisableCloneVoiceByScene is False},
        "subtitle_style": _style(style),
        "timing": _timing(process),
        "glossaries": config.TermbaseConfig.TranslationTermbaseIds if config.TermbaseConfig else [],
        "review_after": _review(process),
        **_recognition(actor, given, operator.SubtitleRecognitionConfig or shapes.RecognitionConfig()),
    }
    if style.IsEraseSource:
        raw["ocr_text_box"] = LOWER_HALF
    try:
        return msgspec.convert(raw, TranslationOrder, from_attributes=True)
    except msgspec.ValidationError as error:
        raise _named(error) from None


def timing_of(process: shapes.ProcessConfig) -> Timing:
    """The part of ProcessConfig that UpdateAITranslationProjectConfig may change."""
    return msgspec.convert(_timing(process), Timing)


def _source(actor: Actor, given: shapes.Submit) -> Source:
    if is_link(given.Vid):
        return Source(url=given.Vid)
    asset = asset_of(actor, given.Vid, kind=Asset.Kind.MEDIA, field="Vid", folder=given.SpaceName)
    return Source(asset=asset.public_id)


def _recognition(actor: Actor, given: shapes.Submit, wanted: shapes.RecognitionConfig) -> dict[str, Any]:
    kind = wanted.RecognitionType
    made: dict[str, Any] = {"vision": wanted.IsVision}
    if kind == wire.ASR:
        return made | {"subtitle_source": "asr"}
    if kind == wire.OCR:
        return made | {"subtitle_source": "ocr", "ocr_text_box": LOWER_HALF}
    if kind not in wire.RECOGNITION_FILES:
        raise errors.invalid(f"{_RECOGNITION}.RecognitionType", f"{kind[:40]!r} is not supported.")
    files = [_file(actor, given, wanted, field) for field in wire.RECOGNITION_FILES[kind]]
    usage: SubtitleUsage = "bilingual" if kind == wire.BOTH_FILES else _FILES[kind][1]
    file = files[0]
    if kind == wire.BOTH_FILES:
        file = merge_files(actor, *files, fields=wire.RECOGNITION_FILES[kind], prefix=_RECOGNITION)
    return made | {"subtitle_source": "file", "subtitle": GivenSubtitle(asset=file.public_id, usage=usage)}


def _file(actor: Actor, given: shapes.Submit, wanted: shapes.RecognitionConfig, field: str) -> Asset:
    # Their documents let the older name stand for the newer one.
    name = getattr(wanted, field) or (wanted.SubtitleFileName if field == "SourceSubtitleFileName" else "")
    if not name:
        raise missing(f"{_RECOGNITION}.{field}")
    return asset_of(actor, name, kind=Asset.Kind.SUBTITLE, field=f"{_RECOGNITION}.{field}", folder=given.SpaceName)


def _style(style: shapes.SubtitleConfig) -> dict[str, Any]:
    numbers = {
        "font_size": ("FontSize", style.FontSize),
        "margin_l": ("MarginL", style.MarginL),
        "margin_r": ("MarginR", style.MarginR),
        "margin_v": ("MarginV", style.MarginV),
        "max_lines": ("ShowLines", style.ShowLines),
    }
    if style.IsHardSubtitle:
        for theirs, value in numbers.values():
            if value is None:
                raise missing(f"SubtitleConfig.{theirs}")
    given = {ours: value for ours, (_, value) in numbers.items() if value is not None}
    return {"burn_in": style.IsHardSubtitle, "erase_source": style.IsEraseSource} | given


def _timing(process: shapes.ProcessConfig) -> dict[str, Any]:
    # Their rewriting and scene voices are on by default; ours only when asked for with an explicit false.
    return {
        "rewrite": process.DisableSmartSubtitleRewrite is False,
        "punctuation_split": not process.DisableSubtitlePunctSplit,
    }


def _review(process: shapes.ProcessConfig) -> ReviewAfter:
    stages = process.SuspensionStageList
    if not stages:
        return "never"
    if len(stages) > 1 or stages[0] not in wire.SUSPENSION_STAGES:
        raise errors.invalid("ProcessConfig.SuspensionStageList", "One of SubtitleRecognition, SubtitleTranslation.")
    return wire.SUSPENSION_STAGES[stages[0]]  # type: ignore[return-value]  # its values are those words


def _named(error: msgspec.ValidationError) -> errors.ApiError:
    text, _, place = str(error).partition(" - at `$.")
    return errors.invalid(place.rstrip("`").split("[")[0] or "body", f"{text.replace('`', '')}.")


def config_of(order: Mapping[str, Any]) -> dict[str, Any]:
    """OperatorConfig, SubtitleConfig and TranslationTypeList of a kept order, as Get and List tell them."""
    style = msgspec.convert(order.get("subtitle_style") or {}, SubtitleStyle)
    voice = msgspec.convert(order.get("voice") or {}, VoiceOptions)
    steps = tuple(order.get("steps") or ("subtitles", "voice"))
    given = order.get("subtitle") or {}
    kind = {"asr": wire.ASR, "ocr": wire.OCR}.get(str(order.get("subtitle_source") or "asr"), wire.SOURCE_FILE)
    recognition: dict[str, Any] = {"RecognitionType": kind, "IsVision": bool(order.get("vision"))}
    if kind == wire.SOURCE_FILE:
        usage = given.get("usage", "original")
        kind = next((name for name, (_, used) in _FILES.items() if used == usage), wire.SOURCE_FILE)
        recognition["RecognitionType"] = kind
        recognition[_FILES[kind][0]] = given.get("asset") or given.get("url") or ""
    return {
        "TranslationTypeList": list(wire.types_of(steps)),
        "OperatorConfig": {
            "SubtitleRecognitionConfig": recognition,
            "VoiceCloneConfig": {"BackgroundVolume": voice.background_volume},
        },
        "SubtitleConfig": {
            "IsHardSubtitle": style.burn_in,
            "IsEraseSource": style.erase_source,
            "FontSize": style.font_size or 0,
            "MarginL": style.margin_l,
            "MarginR": style.margin_r,
            "MarginV": style.margin_v,
            "ShowLines": style.max_lines,
        },
    }
