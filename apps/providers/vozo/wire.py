"""Vozo's words, both ways: addresses, fields, enums, status words and error codes of its API reference.

Read by the adapter, which calls Vozo, and by the dialect, which is called as if it were Vozo. Fields marked "client" are in no
page of the reference, but programs send them (decision in docs/migrating-from-vozo.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from apps.core import errors

BASE_URL: Final = "https://api.vozo.ai"
TASKS: Final = "/v1/media/translate"
"""POST makes a task, GET <TASKS>/<task_id> asks for it."""
VIDEOS: Final = "/v1/video_generation"
"""POST makes a lip-sync task, GET <VIDEOS>/<task_id> asks for it."""
REUSABLE_VIDEOS: Final = "/v1/reusable_lipsync_model_video_generation"
"""POST makes a lip-sync task from a reusable model; it is asked for at VIDEOS."""

# ---- the order

MediaType = Literal["video", "audio"]
ExportType = Literal["auto", "video", "audio", "all"]
SubtitleUsage = Literal["original", "final_translated"]
ProjectMode = Literal["none", "editable"]
VoiceModel = Literal["auto", "real", "native"]
SubtitleMode = Literal["replace", "add", "none"]

MIN_SPEAKERS: Final = 2
MAX_SPEAKERS: Final = 34
MAX_GLOSSARIES: Final = 3
MAX_SECONDS: Final = 2 * 3600
OCR_LANGUAGES: Final = ("en", "zh")
"""Burnt-in subtitles are only read in these languages (Vozo's page on existing subtitles)."""
POINTS_PER_MINUTE: Final = 3


class Box(Struct, frozen=True, kw_only=True):
    """Where burnt-in subtitles are: fractions 0..1 of the frame, origin top left."""

    x: float
    y: float
    width: float
    height: float


class Speakers(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many people speak, MIN_SPEAKERS..MAX_SPEAKERS; nothing given: Vozo finds out."""

    min: int | None = None
    max: int | None = None


class CreateTask(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST /v1/media/translate. None, and "" in a text, mean that the field was not given."""

    media_type: MediaType
    media_url: str
    source_language: str
    target_language: str
    export_type: ExportType
    subtitle_url: str | None = None
    subtitle_usage_type: SubtitleUsage | Literal[""] | None = None
    ocr_text_box: Box | None = None
    speaker_number: Speakers | None = None
    user_prompt: str | None = None
    callback_url: str | None = None
    project_mode: ProjectMode | Literal[""] | None = None
    glossary_ids: list[str] | None = None
    voice_model: VoiceModel | Literal[""] | None = None  # client
    subtitle_mode: SubtitleMode | Literal[""] | None = None  # client
    align_video: bool | None = None  # client


LipsyncModel = Literal["standard_v1", "precision_v1"]
ReferenceType = Literal["video", "image"]


class CreateVideo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST /v1/video_generation: the face of the reference file speaks the audio."""

    reference_file_url: str
    audio_url: str
    model: LipsyncModel
    reference_file_type: ReferenceType
    callback_url: str | None = None


class CreateReusableVideo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST /v1/reusable_lipsync_model_video_generation; reusable models are made by hand in Vozo's dashboard."""

    model_id: str
    audio_url: str
    callback_url: str | None = None


# ---- the answers


class Task(Struct, frozen=True, kw_only=True):
    """Answer of POST /v1/media/translate."""

    task_id: str


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Links to what was made, those that there are."""

    video_url: str | None = None
    audio_url: str | None = None
    subtitle_url: str | None = None
    project_url: str | None = None  # client: where an editable project is worked on


class Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of GET /v1/media/translate/<id>, and body of a callback; err_… only with `failed`, result when there is one."""

    status: str
    err_code: str | None = None
    err_message: str | None = None
    result: Result | None = None
    task_id: str | None = None  # ours: Vozo documents none here


class VideoStatus(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answer of GET /v1/video_generation/<id>, and body of a callback; the page documents status and video_url alone."""

    status: str
    video_url: str | None = None
    err_code: str | None = None  # not documented; read where it comes, told by the dialect
    err_message: str | None = None  # likewise
    task_id: str | None = None  # likewise


class Refusal(Struct, frozen=True, kw_only=True):
    """Every error: HTTP 400, `code` of API_CODES as text, `serverTs` milliseconds since 1970 as text."""

    code: str
    message: str
    serverTs: str


# ---- status words

QUEUING: Final = "queuing"
PREPROCESSING: Final = "preprocessing"
TRANSCRIBING: Final = "transcribing"
TRANSLATING: Final = "translating"
DUBBING: Final = "dubbing"
RENDERING: Final = "rendering"
DONE: Final = "done"
FAILED: Final = "failed"

STAGES: Final[Mapping[str, tuple[str, float]]] = {
    QUEUING: ("queued", 0.0),
    PREPROCESSING: ("separate", 0.05),
    TRANSCRIBING: ("recognize", 0.2),
    TRANSLATING: ("translate", 0.4),
    DUBBING: ("speak", 0.55),
    RENDERING: ("render", 0.85),
}
"""Status word -> our stage and the share of the whole that lies before it."""

WORDS: Final[Mapping[str, str]] = {
    "queued": QUEUING,
    "fetch": PREPROCESSING,
    "probe": PREPROCESSING,
    "separate": PREPROCESSING,
    "recognize": TRANSCRIBING,
    "translate": TRANSLATING,
    "review": TRANSLATING,
    "speak": DUBBING,
    "lipsync": DUBBING,
    "render": RENDERING,
    "publish": RENDERING,
}
"""Our stage -> status word."""


def status_word(status: str, stage: str) -> str:
    """The status word for our job's status and stage; a canceled job is `failed`, Vozo has no other word."""
    if status == "completed":
        return DONE
    if status in ("failed", "canceled"):
        return FAILED
    return WORDS.get(stage, QUEUING)


PENDING: Final = "pending"
VIDEO_PROCESSING: Final = "processing"


def video_status_word(status: str, stage: str) -> str:
    """The status word of a lip-sync task for our job's status and stage."""
    if status == "completed":
        return DONE
    if status in ("failed", "canceled"):
        return FAILED
    return PENDING if stage in ("", "queued") else VIDEO_PROCESSING


# ---- error codes

BAD_REQUEST: Final = 5
NO_PERMISSION: Final = 7
NO_CREDITS: Final = 104
NO_MEMBER: Final = 814
SERVER_ERROR: Final = 1000
CALLBACK_REFUSED: Final = 1301
KEY_REVOKED: Final = 1302
CONCURRENCY: Final = 1304
BUSINESS_ONLY: Final = 1305
LIPSYNC_AUDIO: Final = 1502
"""Audio of a lip-sync request is invalid; not among the codes of translation."""
NOT_AUTHORIZED: Final = 1503

API_CODES: Final = (
    BAD_REQUEST, NO_PERMISSION, NO_CREDITS, NO_MEMBER, SERVER_ERROR, CALLBACK_REFUSED, KEY_REVOKED, CONCURRENCY, BUSINESS_ONLY,
    NOT_AUTHORIZED,
)  # fmt: skip
"""The codes of the API table. They are our own too (apps.core.errors), with the same meanings."""

JOB_CODES: Final = tuple(code for code, row in errors.job_codes().items() if row.seed)
"""The codes of the job table, 10001..10045: ours with the same numbers. Ours from 10900 up are told to clients as they are."""

_OWN_API_CODES: Final[Mapping[int, int]] = {errors.RATE: CONCURRENCY, errors.UNAVAILABLE: SERVER_ERROR}
"""API codes of ours that Vozo's table lacks -> the one with that meaning; BAD_REQUEST for all others."""


def api_code(code: int) -> int:
    """The code of Vozo's table for one of ours."""
    return code if code in API_CODES else _OWN_API_CODES.get(code, BAD_REQUEST)


def is_our_trouble(code: int) -> bool:
    """True when Vozo means whoever called it (key, membership, plan, points), not the order."""
    return code in (NO_PERMISSION, NO_CREDITS, NO_MEMBER, KEY_REVOKED, BUSINESS_ONLY, NOT_AUTHORIZED)


FIELDS: Final[Mapping[str, str]] = {
    "source": "media_url",
    "source_language": "source_language",
    "target_locales": "target_language",
    "media_type": "media_type",
    "export_type": "export_type",
    "steps": "export_type",
    "subtitle.usage": "subtitle_usage_type",
    "subtitle": "subtitle_url",
    "subtitle_source": "subtitle_url",
    "ocr_text_box": "ocr_text_box",
    "speaker_count": "speaker_number",
    "prompt": "user_prompt",
    "callback_url": "callback_url",
    "glossaries": "glossary_ids",
    "voice.kind": "voice_model",
    "subtitle_style": "subtitle_mode",
    "timing.adjust_video_speed": "align_video",
}
"""Field of our order, or the beginning of its path -> Vozo's field."""


VIDEO_FIELDS: Final[Mapping[str, str]] = {
    "video": "reference_file_url",
    "image": "reference_file_url",
    "audio": "audio_url",
    "model": "reference_file_type",
    "resolution": "model",
    "callback_url": "callback_url",
}
"""The same for a lip-sync order, from a reference file; that of a reusable model is `model_id`."""


def field_name(path: str) -> str:
    """Vozo's name for a field of our order ("target_locales.0" -> "target_language"); the path itself when it has none."""
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        if found := FIELDS.get(".".join(parts[:length])):
            rest = parts[length:]
            return ".".join([found, *rest]) if found in ("ocr_text_box", "speaker_number", "glossary_ids") else found
    return path
