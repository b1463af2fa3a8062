"""Names, values and bodies of Azure Video Translation (api-versions 2025-05-20 and 2026-03-01), read by adapter and dialect alike.

Source: the service's OpenAPI. The dialect imports this module, `mapping` and `webvtt` of this folder, which are the wire format,
and nothing else of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

VERSION_2025: Final = "2025-05-20"
VERSION_2026: Final = "2026-03-01"
API_VERSIONS: Final = (VERSION_2025, VERSION_2026)
PREFIX: Final = "/videotranslation"

RESOURCE_ID: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}[a-zA-Z0-9]")
LOCALE: Final = re.compile(r"[A-Za-z]{2,4}([_-][A-Za-z]{4})?([_-]([A-Za-z]{2}|[0-9]{3}))?")
GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
COLOR: Final = re.compile(r"#?(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
LOCALE_LENGTHS: Final = (5, 16)
FONT_SIZES: Final = (5, 30)
MARGINS: Final = (0, 200)

NOT_STARTED: Final = "NotStarted"
RUNNING: Final = "Running"
SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"
CANCELED: Final = "Canceled"
STATUSES: Final = (NOT_STARTED, RUNNING, SUCCEEDED, FAILED, CANCELED)

VOICE_KINDS: Final[Mapping[str, str]] = {"PlatformVoice": "platform", "PersonalVoice": "personal"}
EMOTIONS: Final[Mapping[str, str]] = {"Auto": "auto", "Enable": "on", "Disable": "off"}

METADATA_JSON: Final = "MetadataJson"
SOURCE_SUBTITLE: Final = "SourceLocaleSubtitle"
TARGET_SUBTITLE: Final = "TargetLocaleSubtitle"
WEBVTT_KINDS: Final = (SOURCE_SUBTITLE, TARGET_SUBTITLE, METADATA_JSON)

PING: Final = "Ping"
TRANSLATION_COMPLETION: Final = "TranslationCompletion"
ITERATION_COMPLETION: Final = "IterationCompletion"
EVENT_KINDS: Final = (PING, TRANSLATION_COMPLETION, ITERATION_COMPLETION)

FIRST_ITERATION: Final = "Initial"
"""What the service calls the iteration that it makes by itself (autoCreateFirstIteration)."""

MAX_BYTES: Final = 5 * 1024**3
MAX_SECONDS: Final = 4 * 3600
AUDIO_ENDINGS: Final = (".mp3", ".wav")
DATA_DAYS: Final = 31
"""Longest life of a translation's data that we hand out or ask for (timeToLiveInHours), in days."""


class WebvttFile(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A text to work from; both fields are required on the wire."""

    url: str | None = None
    kind: str | None = None


class IterationInput(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Input of an iteration; None is "not given", as is null on the wire. The last five came with 2026-03-01."""

    webvtt_file: WebvttFile | None = None
    speaker_count: int | None = None
    subtitle_max_char_count_per_segment: int | None = None
    export_subtitle_in_video: bool | None = None
    tts_custom_lexicon_file_url: str | None = None
    tts_custom_lexicon_file_id_in_audio_content_creation: str | None = None
    enable_video_speed_adjustment: bool | None = None
    enable_ocr_correction_from_subtitle: bool | None = None
    export_target_locale_advanced_subtitle_file: bool | None = None
    subtitle_primary_color: str | None = None
    subtitle_outline_color: str | None = None
    subtitle_font_size: int | None = None
    enable_emotional_platform_voice: str | None = None
    export_adjusted_prompt_audio_in_webvtt: bool | None = None
    subtitle_vertical_margin: int | None = None
    adjust_background_volume_multiplier: float | None = None
    push_result_to_azure_storage_blob_dir_url: str | None = None
    push_result_to_azure_storage_blob_managed_identity_client_id: str | None = None


class TranslationInput(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Input of a translation; None is "not given". The last three came with 2026-03-01."""

    source_locale: str | None = None
    target_locale: str | None = None
    voice_kind: str | None = None
    video_file_url: str | None = None
    audio_file_url: str | None = None
    speaker_count: int | None = None
    enable_lip_sync: bool | None = None
    subtitle_max_char_count_per_segment: int | None = None
    export_subtitle_in_video: bool | None = None
    auto_create_first_iteration: bool | None = None
    input_file_source_kind: str | None = None
    input_file_azure_storage_blob_managed_identity_client_id: str | None = None


class TranslationProperties(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Came with 2026-03-01."""

    time_to_live_in_hours: int | None = None


class TranslationBody(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What PUT translation takes; read-only fields that clients send along (id, status, ...) are passed over."""

    input: TranslationInput | None = None
    first_iteration_input: IterationInput | None = None
    properties: TranslationProperties | None = None
    display_name: str | None = None
    description: str | None = None


class IterationBody(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """What PUT iteration takes."""

    input: IterationInput | None = None
    description: str | None = None


class EventHubConfiguration(Struct, rename="camel", omit_defaults=True, kw_only=True):
    """Where the service tells that work is done; all but the client id are required on the wire."""

    is_enabled: bool | None = None
    event_hub_namespace_host_name: str | None = None
    event_hub_name: str | None = None
    managed_identity_client_id: str | None = None
    enabled_events: list[str] | None = None


# Result fields of an iteration -> kind and format of the artefact that each is with us.
RESULTS: Final[Mapping[str, tuple[str, str]]] = {
    "translatedVideoFileUrl": ("video", "mp4"),
    "translatedAudioFileUrl": ("audio", "wav"),
    "sourceLocaleSubtitleWebvttFileUrl": ("subtitle_source", "vtt"),
    "targetLocaleSubtitleWebvttFileUrl": ("subtitle_target", "vtt"),
    "targetLocaleAdvancedSubtitleFileUrl": ("subtitle_target", "ass"),
    "metadataJsonWebvttFileUrl": ("transcript", "vtt"),
    "reportFileUrl": ("report", "json"),
}


def is_resource_id(text: str) -> bool:
    """Whether a text may be the id of a translation, iteration or operation (3 to 64 characters)."""
    return RESOURCE_ID.fullmatch(text) is not None


def is_locale(text: str) -> bool:
    """Whether a text is a locale as the service spells them: language and region at least ("es-ES")."""
    return LOCALE_LENGTHS[0] <= len(text) <= LOCALE_LENGTHS[1] and LOCALE.fullmatch(text) is not None


def dropped_nulls(value: Any) -> Any:
    """A document without the members that are null: clients send, and services answer, many of them."""
    if isinstance(value, dict):
        return {name: dropped_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [dropped_nulls(inner) for inner in value]
    return value
