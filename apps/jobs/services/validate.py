"""Check 6 of DESIGN section 4, the part that needs no rows: an order's own parameters, every wrong field at once."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from django.conf import settings

from apps.core import languages
from apps.core.http import OutboundError, OutboundPolicy, check_url
from apps.jobs.services.routing import Usable, check_order
from apps.providers.orders import TranslationOrder

Errors = dict[str, list[str]]


def normalize(order: TranslationOrder, usable: Usable | None = None) -> tuple[TranslationOrder, Errors]:
    """Languages matched to the tables of seed 000, order of target locales kept, plus every error found on the way.

    `usable` gives the providers that the orderer may use (routing.usable_for), asked only when the built-in engine does not
    settle the matter; without it all are taken to be usable.
    """
    errors: Errors = {}
    source = order.source_language
    try:
        source = languages.match_source(source)
    except languages.UnknownLanguage as error:
        add(errors, "source_language", str(error))
    targets: list[str] = []
    for place, text in enumerate(order.target_locales):
        try:
            target = languages.match_target(text)
        except languages.UnknownLanguage as error:
            add(errors, f"target_locales.{place}", str(error))
            continue
        if target in targets:
            add(errors, f"target_locales.{place}", f"{target} is asked for twice.")
        elif target == source:
            add(errors, f"target_locales.{place}", "The target language is the source language.")
        targets.append(target)
    order = msgspec.structs.replace(order, source_language=source, target_locales=targets)
    _check_source(order, errors)
    _check_steps(order, errors)
    _check_subtitle(order, errors)
    _check_ranges(order, errors)
    if order.callback_url is not None:
        check_address(errors, "callback_url", order.callback_url)
    if not errors:
        for name, reasons in check_order(order, usable).items():
            for reason in reasons:
                add(errors, name, reason)
    return order, errors


def needs_video(order: TranslationOrder) -> list[str]:
    """Fields that make no sense for media without a picture."""
    fields = {
        "steps": "lipsync" in order.steps,
        "export_type": order.export_type == "video",
        "subtitle_source": order.subtitle_source == "ocr",
        "subtitle_style.burn_in": order.subtitle_style.burn_in,
        "subtitle_style.erase_source": order.subtitle_style.erase_source,
    }
    return [name for name, needed in fields.items() if needed]


def _check_source(order: TranslationOrder, errors: Errors) -> None:
    if (order.source.asset is None) == (order.source.url is None):
        add(errors, "source", "Give either asset or url.")
    elif order.source.url is not None:
        check_address(errors, "source.url", order.source.url)


def _check_steps(order: TranslationOrder, errors: Errors) -> None:
    steps = list(order.steps)
    if len(set(steps)) != len(steps):
        add(errors, "steps", "A step is named twice.")
    if "subtitles" not in steps:
        add(errors, "steps", "subtitles is always part of the work.")
    if "lipsync" in steps and "voice" not in steps:
        add(errors, "steps", "lipsync needs voice.")
    if "lipsync" in steps and order.export_type == "audio":
        add(errors, "export_type", "Lip sync needs a video to be exported.")
    if order.export_type == "subtitles" and "voice" in steps:
        add(errors, "export_type", "With voice among the steps there is more to export than subtitles.")
    if order.export_type in ("audio", "all") and "voice" not in steps:
        add(errors, "export_type", f"{order.export_type} needs voice among the steps.")
    if order.media_type == "audio":
        for name in needs_video(order):
            add(errors, name, "Audio has no picture.")
        if order.hls:
            add(errors, "hls", "Audio has no picture.")
    if order.hls and order.export_type in ("audio", "subtitles"):
        add(errors, "hls", "A streaming copy needs a video to be exported.")
    if order.subtitle_style.burn_in and order.export_type in ("audio", "subtitles"):
        add(errors, "subtitle_style.burn_in", "Burnt-in subtitles need a video to be exported.")


def _check_subtitle(order: TranslationOrder, errors: Errors) -> None:
    given = order.subtitle
    if order.subtitle_source == "file" and given is None:
        add(errors, "subtitle", "Needed when subtitle_source is file.")
    if given is not None:
        if order.subtitle_source != "file":
            add(errors, "subtitle", "Only with subtitle_source file.")
        if (given.asset is None) == (given.url is None):
            add(errors, "subtitle", "Give either asset or url.")
        elif given.url is not None:
            check_address(errors, "subtitle.url", given.url)
        if given.usage == "bilingual" and len(order.target_locales) > 1:
            add(errors, "subtitle.usage", "A bilingual file holds one target language; order one at a time.")
        if given.usage == "final_translated":
            if len(order.target_locales) > 1:
                add(errors, "subtitle.usage", "A translated file holds one target language; order one at a time.")
            if order.review_after == "recognize":
                add(errors, "review_after", "There is nothing to recognize when the translation is given.")
    box = order.ocr_text_box
    erases = order.subtitle_style.erase_source
    if order.subtitle_source == "ocr" and box is None:
        add(errors, "ocr_text_box", "Needed when subtitle_source is ocr.")
    if box is not None:
        if order.subtitle_source != "ocr" and not erases:
            add(errors, "ocr_text_box", "Only with subtitle_source ocr, or to erase the old subtitles.")
        if box.x + box.width > 1.000001:
            add(errors, "ocr_text_box.width", "The box leaves the frame: x + width is more than 1.")
        if box.y + box.height > 1.000001:
            add(errors, "ocr_text_box.height", "The box leaves the frame: y + height is more than 1.")
    if order.ocr_correction and order.subtitle_source != "asr":
        add(
            errors,
            "ocr_correction",
            "Only with subtitle_source asr: it corrects what is heard by what stands in the picture.",
        )


def _check_ranges(order: TranslationOrder, errors: Errors) -> None:
    least, most = order.speaker_count.min, order.speaker_count.max
    if least is not None and most is not None and least > most:
        add(errors, "speaker_count.max", "Smaller than min.")
    style = order.subtitle_style
    if style.margin_l + style.margin_r >= 0.9:
        add(errors, "subtitle_style.margin_r", "The margins leave no room for text.")
    if len(set(order.glossaries)) != len(order.glossaries):
        add(errors, "glossaries", "A glossary is named twice.")
    if order.voice.lexicon_url is not None:
        check_address(errors, "voice.lexicon_url", order.voice.lexicon_url)
    for name, text in (("title", order.title), ("prompt", order.prompt)):
        if "\x00" in text:
            add(errors, name, "Holds a zero byte.")


def check_address(errors: Errors, name: str, url: str) -> None:
    """The SSRF check of a link, as far as it needs no lookup."""
    try:
        check_url(url, OutboundPolicy(allowed_private=tuple(settings.PRIVATE_HOSTS_ALLOWED)))
    except OutboundError as error:
        add(errors, name, str(error))


def url_name(url: str) -> str:
    """The last part of a link's path, for showing what was ordered before it is fetched."""
    parts = urlsplit(url)
    return (parts.path.rstrip("/").rpartition("/")[2] or parts.hostname or "")[:255]


def add(errors: Errors, name: str, reason: str) -> None:
    """One more reason why a field is wrong."""
    errors.setdefault(name, []).append(reason)
