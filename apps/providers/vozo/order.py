"""An order in Vozo's words, and what of an order Vozo cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from apps.core import errors, languages
from apps.core.errors import JobError
from apps.core.options import SubtitleStyle
from apps.engine import subtitles
from apps.providers.conversation import Account, Work
from apps.providers.orders import TranslationOrder
from apps.providers.vozo import wire

EDITED: Final = "edited.srt"
_AUDIO_NAMES: Final = frozenset({".mp3", ".wav", ".m4a", ".aac", ".flac", ".ogg", ".oga", ".opus", ".wma", ".aiff"})
_OWN_LOOK: Final = (
    "font_size", "primary_color", "outline_color", "outline", "margin_l", "margin_r", "margin_v", "max_lines", "max_chars_per_line",
)  # fmt: skip


def create_task(work: Work, account: Account, *, with_callback: bool) -> wire.CreateTask:
    """Body of the create call. Raises JobError 10908 for a glossary that nobody has set up at Vozo."""
    order = work.order
    media_type = media_type_of(work)
    subtitle_url, usage = _subtitle(work)
    return wire.CreateTask(
        media_type=media_type,
        media_url=work.source_url,
        source_language=order.source_language,
        target_language=work.target_locale,
        export_type=_export_type(order, media_type),
        subtitle_url=subtitle_url,
        subtitle_usage_type=usage,
        ocr_text_box=None if subtitle_url else _box(order),
        speaker_number=_speakers(order),
        user_prompt=order.prompt or None,
        callback_url=work.callback_url or None if with_callback else None,
        project_mode="none",
        glossary_ids=_glossaries(work, account) or None,
        voice_model="real" if order.voice.kind == "personal" else None,
        subtitle_mode=subtitle_mode(order.subtitle_style) if media_type == "video" else None,
        align_video=True if order.timing.adjust_video_speed else None,
    )


def edited_text(work: Work) -> Mapping[str, bytes]:
    """The edited text of an iteration as the SRT file that Vozo speaks instead of translating; nothing for a first job.

    Vozo refuses times that overlap or go backwards: an earlier line ends where the next one begins.
    """
    if work.transcript is None:
        return {}
    cues = sorted(subtitles.cues_of(work.transcript, "target"), key=lambda cue: (cue.start, cue.end))
    apart = [
        subtitles.Cue(cue.start, min(cue.end, following.start), cue.text)
        for cue, following in zip(cues, [*cues[1:], subtitles.Cue(float("inf"), float("inf"), "")], strict=True)
    ]
    return {EDITED: subtitles.write([cue for cue in apart if cue.end > cue.start], "srt").encode()}


def media_type_of(work: Work) -> wire.MediaType:
    """The order's own word, else what the file's name says; video when it says nothing."""
    if work.order.media_type != "auto":
        return work.order.media_type
    for link in (work.source_url, work.order.source.url or "", work.title):
        suffix = PurePosixPath(unquote(urlsplit(link).path)).suffix.lower()
        if suffix in _AUDIO_NAMES:
            return "audio"
    return "video"


def subtitle_mode(style: SubtitleStyle) -> wire.SubtitleMode | None:
    """`replace` covers old subtitles by new ones, `add` only draws new ones; nothing is sent when none are wanted."""
    if not style.burn_in:
        return None
    return "replace" if style.erase_source else "add"


def glossary_table(account: Account) -> dict[str, str]:
    """Our glossary id -> Vozo's, of the account's setting "gls_… = id", one a line or separated by commas."""
    pairs = account.values.get("glossaries", "").replace(",", "\n").splitlines()
    table = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if equals and ours.strip() and theirs.strip():
            table[ours.strip()] = theirs.strip()
    return table


def check(order: TranslationOrder) -> Mapping[str, list[str]]:
    """What takes more than one look to refuse: field -> reasons."""
    found: dict[str, list[str]] = {}
    style = order.subtitle_style

    def wrong(name: str, reason: str) -> None:
        found.setdefault(name, []).append(reason)

    if "voice" not in order.steps:
        wrong("steps", "Vozo always makes a new voice; order voice, or subtitles alone from another provider.")
    if order.media_type == "audio" and order.export_type in ("video", "all"):
        wrong("export_type", "Vozo exports audio only from audio.")
    if order.subtitle is not None and order.subtitle.usage == "bilingual":
        wrong("subtitle.usage", "Vozo takes subtitles of one language.")
    if order.subtitle_source == "ocr" and not _reads(order.source_language):
        wrong("source_language", "Vozo reads burnt-in subtitles in English and Chinese only.")
    for name, count in (("min", order.speaker_count.min), ("max", order.speaker_count.max)):
        if count is not None and count < wire.MIN_SPEAKERS:
            wrong(f"speaker_count.{name}", f"Vozo's range begins at {wire.MIN_SPEAKERS}; leave it out for one speaker.")
    if len(order.glossaries) > wire.MAX_GLOSSARIES:
        wrong("glossaries", f"Vozo takes at most {wire.MAX_GLOSSARIES} glossaries.")
    if style.format != "srt":
        wrong("subtitle_style.format", "Vozo makes SRT subtitles only.")
    if style.erase_source and not style.burn_in:
        wrong("subtitle_style.erase_source", "Vozo erases old subtitles only to draw new ones: order burn_in with it.")
    if style.burn_in:
        plain = SubtitleStyle()
        for name in _OWN_LOOK:
            if getattr(style, name) != getattr(plain, name):
                wrong(f"subtitle_style.{name}", "Vozo draws burnt-in subtitles in a look of its own.")
    return found


def pair(source: str, target: str, heard: bool, speaks: bool) -> str:
    """ "" when both are in Vozo's two tables (seed 000, which are ours), else why not."""
    if source not in (languages.AUTO, target) and source not in languages.sources():
        return f"Vozo does not hear {languages.describe(source).name}."
    if target not in languages.targets():
        return f"Vozo does not translate into {languages.describe(target).name}."
    return ""


def _export_type(order: TranslationOrder, media_type: wire.MediaType) -> wire.ExportType:
    if media_type == "audio":
        return "audio"
    return "auto" if order.export_type == "subtitles" else order.export_type


def _subtitle(work: Work) -> tuple[str | None, wire.SubtitleUsage | None]:
    if EDITED in work.links:
        return work.links[EDITED], "final_translated"
    given = work.order.subtitle
    if given is None or not work.subtitle_url:
        return None, None
    return work.subtitle_url, "original" if given.usage == "original" else "final_translated"


def _box(order: TranslationOrder) -> wire.Box | None:
    """Only as the source of the text: a box that merely says what to erase would make Vozo read there instead of listening."""
    box = order.ocr_text_box
    if box is None or order.subtitle_source != "ocr":
        return None
    return wire.Box(x=box.x, y=box.y, width=box.width, height=box.height)


def _speakers(order: TranslationOrder) -> wire.Speakers | None:
    least, most = order.speaker_count.min, order.speaker_count.max
    if least is None and most is None:
        return None
    return wire.Speakers(min=least or wire.MIN_SPEAKERS, max=most or wire.MAX_SPEAKERS)


def _glossaries(work: Work, account: Account) -> list[str]:
    table = glossary_table(account)
    missing = [glossary.name for glossary in work.glossaries if glossary.id not in table]
    if missing:
        names = ", ".join(f"“{name}”" for name in missing)
        raise JobError(errors.PROVIDER_FAILED, f"Not set up at Vozo, where glossaries are made by hand: {names}.")
    return [table[glossary.id] for glossary in work.glossaries]


def _reads(source: str) -> bool:
    return source == languages.AUTO or languages.base_language(source) in wire.OCR_LANGUAGES
