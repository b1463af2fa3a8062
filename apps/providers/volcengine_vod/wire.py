"""Field names, enumerations and limits of Volcengine VOD AI translation (seed 002), both ways; used by adapter and dialect.

From seed 002, the field models of shared/reference/volcengine and the vendor's own pages docs/4/1584289 (event), 1584291 (get),
1584292 (list), 1758811 (utterances), 1779205 (refresh), 1909463 and 1909472 (termbases), 4652 and 65622 (upload by URL), 116752
(callback authentication).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from apps.core.languages import base_language
from apps.providers.volcengine_errors import COMMON_ERRORS as COMMON_ERRORS

NAME: Final = "volcengine-vod"
SERVICE: Final = "vod"
REGION: Final = "cn-north-1"
ENDPOINT: Final = "https://vod.volcengineapi.com"
VERSION: Final = "2025-01-01"
UPLOAD_VERSION: Final = "2020-08-01"

# ---- actions

SUBMIT: Final = "SubmitAITranslationWorkflow"
GET: Final = "GetAITranslationProject"
LIST: Final = "ListAITranslationProject"
CONTINUE: Final = "ContinueAITranslationWorkflow"
REFRESH: Final = "RefreshAITranslationProject"
UPDATE_UTTERANCES: Final = "UpdateAITranslationUtterances"
UPDATE_CONFIG: Final = "UpdateAITranslationProjectConfig"
GENERATE_AUDIO: Final = "GenerateAITranslationUtteranceAudio"
CREATE_TERMBASE: Final = "CreateAITermbase"
UPDATE_TERMBASE: Final = "UpdateAITermbase"
GET_TERMBASE: Final = "GetAITermbase"
LIST_TERMBASE: Final = "ListAITermbase"
DELETE_TERMBASE: Final = "DeleteAITermbase"
SET_TERM_ITEM: Final = "SetAITermItem"
DELETE_TERM_ITEM: Final = "DeleteAITermItem"
UPLOAD: Final = "UploadMediaByUrl"
UPLOAD_STATE: Final = "QueryUploadTaskInfo"
DELETE_MEDIA: Final = "DeleteMedia"

_BY_QUERY: Final = (LIST, GET_TERMBASE, LIST_TERMBASE, UPLOAD_STATE, DELETE_MEDIA)
_BY_BODY: Final = (
    SUBMIT, GET, CONTINUE, REFRESH, UPDATE_UTTERANCES, UPDATE_CONFIG, GENERATE_AUDIO, CREATE_TERMBASE, UPDATE_TERMBASE,
    DELETE_TERMBASE, SET_TERM_ITEM, DELETE_TERM_ITEM, UPLOAD,
)  # fmt: skip
METHODS: Final[Mapping[str, str]] = dict.fromkeys(_BY_QUERY, "GET") | dict.fromkeys(_BY_BODY, "POST")
"""Action -> HTTP method; GET ones have their fields in the query."""
SUBMITS_PER_SECOND: Final = 1.0
CALLS_PER_SECOND: Final = 10.0
"""Of every other action of version 2025-01-01."""

# ---- languages

SOURCE_LANGUAGES: Final = ("zh", "en")
LOCALES: Final[Mapping[str, str]] = {
    "zh": "zh-CN", "en": "en-US", "ja": "ja-JP", "ko": "ko-KR", "de": "de-DE", "fr": "fr-FR", "ru": "ru-RU", "es": "es-ES",
    "pt": "pt-BR", "it": "it-IT", "id": "id-ID", "vi": "vi-VN", "th": "th-TH", "ar": "ar-EG", "tr": "tr-TR",
}  # fmt: skip
"""Their target language -> our locale."""


def language_of(locale: str) -> str:
    """Their code of our locale, "" when there is none. Chinese is simplified here."""
    base = base_language(locale)
    return base if base in LOCALES and locale not in ("zh-TW", "zh-HK") else ""


# ---- what is asked for

SUBTITLES: Final = "SubtitleTranslation"
VOICE: Final = "VoiceTranslation"
FACE: Final = "FacialTranslation"
TYPE_LISTS: Final[Mapping[tuple[str, ...], tuple[str, ...]]] = {
    (SUBTITLES,): ("subtitles",),
    (SUBTITLES, VOICE): ("subtitles", "voice"),
    (SUBTITLES, VOICE, FACE): ("subtitles", "voice", "lipsync"),
}
"""The three documented combinations of TranslationTypeList -> our steps."""


def types_of(steps: Sequence[str]) -> tuple[str, ...]:
    """TranslationTypeList of our steps, in the documented order; () when the combination is not offered."""
    return next((theirs for theirs, ours in TYPE_LISTS.items() if set(ours) == set(steps)), ())


OCR: Final = "OCR"
ASR: Final = "ASR"
SOURCE_FILE: Final = "SourceSubtitleFile"
BOTH_FILES: Final = "SourceAndTargetSubtitleFile"
BILINGUAL_FILE: Final = "BilingualSubtitleFile"
OLD_FILE: Final = "SubtitleFile"
RECOGNITION_TYPES: Final = (OCR, ASR, SOURCE_FILE, BOTH_FILES, BILINGUAL_FILE, OLD_FILE)
RECOGNITION_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    SOURCE_FILE: ("SourceSubtitleFileName",),
    BOTH_FILES: ("SourceSubtitleFileName", "TargetSubtitleFileName"),
    BILINGUAL_FILE: ("BilingualSubtitleFileName",),
    OLD_FILE: ("SubtitleFileName",),
}
"""RecognitionType -> the file names that it needs. SubtitleFile is the old word for SourceSubtitleFile."""
SUBTITLE_FORMATS: Final = ("srt", "vtt")

FONT_SIZES: Final = (1, 80)

SUSPEND_RECOGNIZE: Final = "SubtitleRecognition"
SUSPEND_TRANSLATE: Final = "SubtitleTranslation"
SUSPENSION_STAGES: Final[Mapping[str, str]] = {SUSPEND_RECOGNIZE: "recognize", SUSPEND_TRANSLATE: "translate"}
"""SuspensionStageList (one at most) -> our review_after."""

# ---- projects

IN_PROCESSING: Final = "InProcessing"
SUSPENDED: Final = "ProcessSuspended"
PROCESS_SUCCEED: Final = "ProcessSucceed"
PROCESS_FAILED: Final = "ProcessFailed"
IN_EXPORTING: Final = "InExporting"
EXPORT_SUCCEED: Final = "ExportSucceed"
EXPORT_FAILED: Final = "ExportFailed"
STATUSES: Final = (
    IN_PROCESSING, SUSPENDED, PROCESS_SUCCEED, PROCESS_FAILED, IN_EXPORTING, EXPORT_SUCCEED, EXPORT_FAILED
)  # fmt: skip
WORKING: Final = frozenset({IN_PROCESSING, IN_EXPORTING})
SUCCEEDED: Final = frozenset({PROCESS_SUCCEED, EXPORT_SUCCEED})
FAILED: Final = frozenset({PROCESS_FAILED, EXPORT_FAILED})
ADDITIONS: Final = (
    "Speakers", "SourceUtterances", "SourceTracks", "SourceClips", "TargetUtterances", "TargetTracks", "TargetClips",
    "BackgroundClip",
)  # fmt: skip
"""What GetAITranslationProject gives only when asked for, as a comma-separated list."""
REFRESH_WHOLE: Final = "whole"
UPDATE_CONFIG_TYPE: Final = "ProcessConfig"
BY_ID: Final = "Utterances"
INPUT_FILE: Final = "InputSubtitleFile"
OUTPUT_FILE: Final = "OutputSubtitleFile"
TWO_SIDED_FILE: Final = "BilingualSubtitleFile"
UPDATE_TYPES: Final[Mapping[str, str]] = {
    BY_ID: "Utterances",
    INPUT_FILE: "InputSubtitleFileName",
    OUTPUT_FILE: "OutputSubtitleFileName",
    TWO_SIDED_FILE: "BilingualSubtitleFileName",
}
"""UpdateType -> the field that it needs. Times of utterances (Trim) are milliseconds."""

# ---- termbases

SCENARIO: Final = "AITranslation"
TERM_BYTES: Final = 30
TERM_ITEMS: Final = 100
TERMBASE_NAME_BYTES: Final = 30
TERMBASE_TEXT_BYTES: Final = 100

# ---- upload by URL

URLS_PER_UPLOAD: Final = 20
UPLOAD_SUCCESS: Final = "success"
UPLOAD_FAILED: Final = "failed"

# ---- events

EVENT: Final = "AITranslationComplete"
TIMESTAMP_HEADER: Final = "x-vod-timestamp"
SIGNATURE_HEADER: Final = "x-vod-signature"

_NAMED: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,127}\Z", re.ASCII)


def is_name(text: str) -> bool:
    """Whether it can be a SpaceName or a Vid."""
    return _NAMED.match(text) is not None
