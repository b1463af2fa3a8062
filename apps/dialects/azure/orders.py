"""From Azure's inputs to our order: values checked one by one, and every refusal said in the names that the caller used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from apps.accounts.actor import Actor
from apps.core import errors
from apps.core.errors import ApiError
from apps.core.options import SpeakerCount, SubtitleStyle, Timing, VoiceOptions
from apps.jobs.services import routing, validate
from apps.jobs.services.iterations import IterationChanges
from apps.providers.azure import mapping, wire
from apps.providers.azure.wire import IterationInput, TranslationInput
from apps.providers.orders import TranslationOrder

MOST_SPEAKERS: Final = 34
MOST_HOURS: Final = wire.DATA_DAYS * 24
_STORAGE: Final = (
    "There is no Azure identity here: give links that can be read (signed ones), and fetch results from theirs."
)
_NOT_OFFERED: Final = "This is not offered here."

# Our fields -> theirs, input of the translation (t) or of the iteration (i); the longest name that fits decides.
_NAMES: Final[Mapping[str, str]] = {
    "source": "t.{media}FileUrl",
    "media_type": "t.{media}FileUrl",
    "export_type": "t.{media}FileUrl",
    "source_language": "t.sourceLocale",
    "target_locales": "t.targetLocale",
    "steps": "t.enableLipSync",
    "voice.kind": "t.voiceKind",
    "voice.emotion": "i.enableEmotionalPlatformVoice",
    "voice.lexicon_url": "i.ttsCustomLexiconFileUrl",
    "voice.background_volume": "i.adjustBackgroundVolumeMultiplier",
    "speaker_count": "i.speakerCount",
    "subtitle_style.burn_in": "i.exportSubtitleInVideo",
    "subtitle_style.format": "i.exportTargetLocaleAdvancedSubtitleFile",
    "subtitle_style.font_size": "i.subtitleFontSize",
    "subtitle_style.primary_color": "i.subtitlePrimaryColor",
    "subtitle_style.outline_color": "i.subtitleOutlineColor",
    "subtitle_style.margin_v": "i.subtitleVerticalMargin",
    "subtitle_style.max_lines": "i.subtitleMaxCharCountPerSegment",
    "subtitle_style.max_chars_per_line": "i.subtitleMaxCharCountPerSegment",
    "timing.adjust_video_speed": "i.enableVideoSpeedAdjustment",
    "ocr_correction": "i.enableOcrCorrectionFromSubtitle",
    "subtitle": "i.webvttFile",
    "subtitle_source": "i.webvttFile",
    "revision": "i.webvttFile",
    "lines": "i.webvttFile",
    "title": "displayName",
    "callback_url": "eventHubNamespaceHostName",
    "provider": "t.{media}FileUrl",
}


class Named:
    """Says refusals in the caller's names: where the two inputs are in the body, and which of the media links was given."""

    def __init__(self, translation: str, iteration: str, given: TranslationInput, asked: IterationInput) -> None:
        self._places = {"t": translation, "i": iteration}
        self._media = "audio" if given.audio_file_url else "video"
        self._asked = msgspec.to_builtins(asked)

    def name(self, ours: str) -> str:
        """The caller's name of one of our fields; ours where the caller has none."""
        parts = ours.split(".")
        for length in range(len(parts), 0, -1):
            if theirs := _NAMES.get(".".join(parts[:length])):
                theirs = theirs.format(media=self._media)
                where, _, field = theirs.partition(".")
                if not field:
                    return theirs
                # What a translation and an iteration both may say was said by the translation unless the iteration does.
                inherited = where == "i" and field in _INHERITED and field not in self._asked
                return f"{self._places['t' if inherited else where]}.{field}"
        return ours

    def error(self, error: ApiError) -> ApiError:
        """The refusal with its fields renamed; one that names none is left as it is."""
        if not error.errors:
            return error
        fields: dict[str, list[str]] = {}
        for name, texts in error.errors.items():
            fields.setdefault(self.name(name), []).extend(texts)
        named = errors.invalid(errors=fields)
        return ApiError(error.code, named.detail, errors=fields, headers=error.headers, extra=error.extra)


_INHERITED: Final = frozenset({"speakerCount", "subtitleMaxCharCountPerSegment", "exportSubtitleInVideo"})


class Problems:
    """Collects what is wrong, field by field."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, wrong: bool, name: str, reason: str) -> None:
        """Notes a reason when there is one."""
        if wrong:
            self.found.setdefault(name, []).append(reason)

    def check(self) -> None:
        """Raises ApiError 5 when anything was noted."""
        if self.found:
            raise errors.invalid(errors=self.found)


def check_translation(body: wire.TranslationBody) -> TranslationInput:
    """The input of a translation, every value one that the service documents. Raises ApiError 5."""
    given = body.input
    if given is None:
        raise errors.invalid("input", "This field is required.")
    wrong = Problems()
    wrong.add(given.target_locale is None, "input.targetLocale", "This field is required.")
    for name, locale in (("sourceLocale", given.source_locale), ("targetLocale", given.target_locale)):
        wrong.add(locale is not None and not wire.is_locale(locale), f"input.{name}", "Must be a locale such as en-US.")
    wrong.add(given.voice_kind is None, "input.voiceKind", "This field is required.")
    _one_of(wrong, "input.voiceKind", given.voice_kind, tuple(wire.VOICE_KINDS))
    neither = given.video_file_url is None and given.audio_file_url is None
    wrong.add(neither, "input.videoFileUrl", "Give videoFileUrl or audioFileUrl.")
    both = given.video_file_url is not None and given.audio_file_url is not None
    wrong.add(both, "input.audioFileUrl", "Give videoFileUrl or audioFileUrl, not both.")
    _counts(wrong, "input", given.speaker_count, given.subtitle_max_char_count_per_segment)
    wrong.add(given.input_file_source_kind is not None, "input.inputFileSourceKind", _STORAGE)
    identity = given.input_file_azure_storage_blob_managed_identity_client_id
    wrong.add(identity is not None, "input.inputFileAzureStorageBlobManagedIdentityClientId", _STORAGE)
    hours = body.properties.time_to_live_in_hours if body.properties is not None else None
    wrong.add(
        hours is not None and not 1 <= hours <= MOST_HOURS,
        "properties.timeToLiveInHours",
        f"Must be from 1 to {MOST_HOURS}.",
    )
    wrong.check()
    return given


def check_iteration(given: IterationInput, place: str) -> None:
    """An iteration's input, every value one that the service documents; `place` is where it is in the body. Raises ApiError 5."""
    wrong = Problems()
    _counts(wrong, place, given.speaker_count, given.subtitle_max_char_count_per_segment)
    if given.webvtt_file is not None:
        wrong.add(not given.webvtt_file.url, f"{place}.webvttFile.url", "This field is required.")
        wrong.add(given.webvtt_file.kind is None, f"{place}.webvttFile.kind", "This field is required.")
        _one_of(wrong, f"{place}.webvttFile.kind", given.webvtt_file.kind, wire.WEBVTT_KINDS)
    lexicon_id = f"{place}.ttsCustomLexiconFileIdInAudioContentCreation"
    wrong.add(
        given.tts_custom_lexicon_file_id_in_audio_content_creation is not None,
        lexicon_id,
        "There is no Audio Content Creation here; give ttsCustomLexiconFileUrl.",
    )
    emotion = given.enable_emotional_platform_voice
    _one_of(wrong, f"{place}.enableEmotionalPlatformVoice", emotion, tuple(wire.EMOTIONS))
    for name, color in (("Primary", given.subtitle_primary_color), ("Outline", given.subtitle_outline_color)):
        bad = color is not None and wire.COLOR.fullmatch(color) is None
        wrong.add(bad, f"{place}.subtitle{name}Color", "Must be RRGGBB or RRGGBBAA, with or without #.")
    _between(wrong, f"{place}.subtitleFontSize", given.subtitle_font_size, wire.FONT_SIZES)
    _between(wrong, f"{place}.subtitleVerticalMargin", given.subtitle_vertical_margin, wire.MARGINS)
    factor = given.adjust_background_volume_multiplier
    volume = f"{place}.adjustBackgroundVolumeMultiplier"
    wrong.add(factor is not None and not 0 < factor <= 1, volume, "Must be more than 0 and at most 1.")
    prompts = f"{place}.exportAdjustedPromptAudioInWebvtt"
    wrong.add(bool(given.export_adjusted_prompt_audio_in_webvtt), prompts, _NOT_OFFERED)
    for name in ("pushResultToAzureStorageBlobDirUrl", "pushResultToAzureStorageBlobManagedIdentityClientId"):
        wrong.add(getattr(given, _snake(name)) is not None, f"{place}.{name}", _STORAGE)
    wrong.check()


def make_order(given: TranslationInput, iteration: IterationInput, named: Named, **more: Any) -> TranslationOrder:
    """The order; `more` are fields besides (title, subtitle, project, ...). Raises ApiError 5 in the caller's names."""
    try:
        order = msgspec.convert(mapping.order_fields(given, iteration) | more, TranslationOrder)
    except msgspec.ValidationError as error:
        match = re.search(r"^(.*) - at `\$\.?(.*)`$", str(error))
        text, path = (match[1], match[2]) if match else (str(error), "")
        raise named.error(errors.invalid(path.replace("[", ".").replace("]", "") or "input", f"{text}.")) from None
    return order


def check_order(actor: Actor, order: TranslationOrder, named: Named) -> None:
    """What an order must satisfy besides rows, asked before anything is paid. Raises ApiError 5 in the caller's names."""
    _, wrong = validate.normalize(order, routing.usable_for(actor))
    if wrong:
        raise named.error(errors.invalid(errors=wrong))


def changes_of(given: TranslationInput, iteration: IterationInput) -> IterationChanges:
    """What a later iteration asks to be different: all that its input says or inherits."""
    count = iteration.speaker_count if iteration.speaker_count is not None else given.speaker_count
    return IterationChanges(
        subtitle_style=msgspec.convert(mapping.style_fields(given, iteration), SubtitleStyle),
        voice=msgspec.convert(mapping.voice_fields(given, iteration), VoiceOptions),
        speaker_count=None if count is None else SpeakerCount(min=count, max=count),
        timing=Timing(adjust_video_speed=bool(iteration.enable_video_speed_adjustment)),
    )


def renamed(call: Callable[[], Any], named: Named) -> Any:
    """Runs a service; its refusal comes out in the caller's names."""
    try:
        return call()
    except ApiError as error:
        raise named.error(error) from None


def _counts(wrong: Problems, place: str, speakers: int | None, chars: int | None) -> None:
    bad = speakers is not None and not 1 <= speakers <= MOST_SPEAKERS
    wrong.add(bad, f"{place}.speakerCount", f"Must be from 1 to {MOST_SPEAKERS}.")
    _between(wrong, f"{place}.subtitleMaxCharCountPerSegment", chars, mapping.CAPTION_CHARS)


def _between(wrong: Problems, name: str, value: int | None, limits: tuple[int, int]) -> None:
    least, most = limits
    wrong.add(value is not None and not least <= value <= most, name, f"Must be from {least} to {most}.")


def _one_of(wrong: Problems, name: str, value: str | None, known: tuple[str, ...]) -> None:
    wrong.add(value is not None and value not in known, name, f"Must be one of {', '.join(known)}.")


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)
