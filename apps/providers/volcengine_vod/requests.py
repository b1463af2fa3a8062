"""The bodies of Volcengine VOD's requests, made from orders and memos."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from apps.core.errors import JobError
from apps.core.options import SubtitleStyle
from apps.providers.conversation import Work
from apps.providers.volcengine_vod import wire

DEFAULT_FONT_SIZE: Final = 24
"""The vendor's own example; the field is needed with hard subtitles."""
_MEDIA_ENDINGS: Final = frozenset(
    {"mp4", "mov", "mkv", "webm", "m4v", "avi", "flv", "ts", "wmv", "mp3", "wav", "m4a", "aac"}
)


def submit(work: Work, *, space: str, vid: str, files: Mapping[str, str], termbases: Sequence[str]) -> dict[str, Any]:
    """SubmitAITranslationWorkflow. `files` are FileNames by role, `termbases` ids."""
    order = work.order
    translation: dict[str, Any] = {
        "SourceLanguage": wire.language_of(order.source_language),
        "TargetLanguage": wire.language_of(work.target_locale),
        "TranslationTypeList": list(wire.types_of(order.steps)),
    }
    if termbases:
        translation["TermbaseConfig"] = {"TranslationTermbaseIds": list(termbases)}
    operators: dict[str, Any] = {"SubtitleRecognitionConfig": recognition(work, files)}
    if "voice" in order.steps:
        operators["VoiceCloneConfig"] = {"BackgroundVolume": order.voice.background_volume}
    return {
        "SpaceName": space,
        "Vid": vid,
        "TranslationConfig": translation,
        "OperatorConfig": operators,
        "SubtitleConfig": look(order.subtitle_style),
        "ProcessConfig": process(work),
    }


def recognition(work: Work, files: Mapping[str, str]) -> dict[str, Any]:
    """SubtitleRecognitionConfig: where the text comes from; an iteration brings both sides as files."""
    order = work.order
    if work.iteration > 1:
        made: dict[str, Any] = {"RecognitionType": wire.BOTH_FILES}
        made["SourceSubtitleFileName"] = files.get("source", "")
        made["TargetSubtitleFileName"] = files.get("target", "")
    elif order.subtitle_source == "file" and order.subtitle is not None:
        if order.subtitle.usage == "bilingual":
            made = {"RecognitionType": wire.BILINGUAL_FILE, "BilingualSubtitleFileName": files.get("bilingual", "")}
        else:
            made = {"RecognitionType": wire.SOURCE_FILE, "SourceSubtitleFileName": files.get("source", "")}
    else:
        made = {"RecognitionType": wire.OCR if order.subtitle_source == "ocr" else wire.ASR}
    if order.vision:
        made["IsVision"] = True
    return made


def look(style: SubtitleStyle) -> dict[str, Any]:
    """SubtitleConfig: all five fields go along with hard subtitles, none without."""
    made: dict[str, Any] = {"IsHardSubtitle": style.burn_in, "IsEraseSource": style.erase_source}
    if style.burn_in:
        made |= {
            "FontSize": style.font_size or DEFAULT_FONT_SIZE,
            "MarginL": style.margin_l,
            "MarginR": style.margin_r,
            "MarginV": style.margin_v,
            "ShowLines": style.max_lines,
        }
    return made


def process(work: Work) -> dict[str, Any]:
    """ProcessConfig: the vendor's own defaults are never relied on."""
    order = work.order
    made: dict[str, Any] = {
        "DisableCloneVoiceByScene": not order.voice.by_scene,
        "DisableSubtitlePunctSplit": not order.timing.punctuation_split,
        "DisableSmartSubtitleRewrite": not order.timing.rewrite,
    }
    stage = next((theirs for theirs, ours in wire.SUSPENSION_STAGES.items() if ours == order.review_after), "")
    if stage and work.iteration == 1:
        made["SuspensionStageList"] = [stage]
    return made


def project_config(work: Work, space: str, project: str) -> dict[str, Any]:
    """UpdateAITranslationProjectConfig: the two settings that it can change."""
    settings = process(work)
    return {
        "SpaceName": space,
        "ProjectId": project,
        "UpdateConfigType": wire.UPDATE_CONFIG_TYPE,
        "ProcessConfig": {
            name: settings[name] for name in ("DisableSubtitlePunctSplit", "DisableSmartSubtitleRewrite")
        },
    }


def upload(work: Work, roles: Sequence[str], space: str) -> dict[str, str]:
    """UploadMediaByUrl, a form: one URL for each role. Its CallbackArgs and Title are our id, so that a console tells whose it is."""
    sets = []
    for role in roles:
        link = link_of(work, role)
        entry = {"SourceUrl": link, "FileExtension": ending(link, role), "CallbackArgs": work.client_id}
        entry["Title"] = work.client_id if role == "media" else f"{work.client_id}-{role}"
        if role != "media":
            entry["Category"] = "subtitle"
        sets.append(entry)
    return {"SpaceName": space, "URLSets": json.dumps(sets)}


def link_of(work: Work, role: str) -> str:
    """Where the vendor fetches a file from."""
    if role == "media":
        return work.source_url
    if work.iteration == 1 and role in ("source", "bilingual"):
        return work.subtitle_url
    name = {"edit": "edit.srt", "source": "source.srt", "target": "target.srt"}[role]
    return work.links.get(name, "")


def ending(link: str, role: str) -> str:
    """The FileExtension of an upload, with its dot. Raises JobError 10034 for subtitles that the vendor cannot read."""
    found = PurePosixPath(unquote(urlsplit(link).path)).suffix.lower().lstrip(".")
    if role == "media":
        return f".{found}" if found in _MEDIA_ENDINGS else ".mp4"
    if found not in (*wire.SUBTITLE_FORMATS, "", "txt"):
        raise JobError(10034, f"Volcengine reads SRT and WebVTT subtitles, not {found.upper()}")
    return f".{found}" if found in wire.SUBTITLE_FORMATS else ".srt"
