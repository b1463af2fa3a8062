"""Azure Video Translation in the registry: what it can do, as data and as a check of what needs more than a look at one field."""

from __future__ import annotations

from typing import Final

from apps.core.options import SubtitleStyle
from apps.providers.abilities import ANY, Capabilities
from apps.providers.azure import mapping, wire
from apps.providers.azure.adapter import AzureAdapter
from apps.providers.azure.parameters import PARAMETERS
from apps.providers.base import Vendor
from apps.providers.orders import TranslationOrder

# Languages with a voice in Azure's text to speech, which is what its document names as the list of locales.
_SPOKEN: Final = frozenset(
    {
        "af", "am", "ar", "az", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa",
        "fi", "fil", "fr", "ga", "gl", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "jv", "ka", "kk",
        "km", "kn", "ko", "lo", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl", "pa", "pl",
        "ps", "pt", "ro", "ru", "si", "sk", "sl", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "th", "tr", "uk",
        "ur", "uz", "vi", "yue", "zh", "zu",
    }
)  # fmt: skip
_PLAIN: Final = SubtitleStyle()
_FONT_PIXELS: Final = tuple(mapping.font_size_to_ours(size) for size in wire.FONT_SIZES)


def pair(source: str, target: str, heard: bool, speaks: bool) -> str:
    """ "" when both languages have a voice at Azure, else the reason."""
    for side, code in (("source", source), ("target", target)):
        if side == "source" and code == ANY:
            continue
        if code.split("-")[0] not in _SPOKEN or not wire.is_locale(code):
            return f"Azure does not offer {code} as a {side} language."
    return ""


def check(order: TranslationOrder) -> dict[str, list[str]]:
    """Fields that Azure has no word for: named, never dropped."""
    found: dict[str, list[str]] = {}
    style, count = order.subtitle_style, order.speaker_count

    def wrong(name: str, refused: bool, reason: str) -> None:
        if refused:
            found.setdefault(name, []).append(reason)

    wrong("steps", "voice" not in order.steps, "Azure always makes a dub; order voice too.")
    audio_export = order.export_type == "audio" and order.media_type != "audio"
    wrong("export_type", audio_export, "Azure exports sound only from sound; set media_type to audio.")
    video_export = order.export_type == "video" and order.media_type == "audio"
    wrong("export_type", video_export, "Azure makes no film from sound.")
    burns = style.burn_in and order.media_type == "audio"
    wrong("subtitle_style.burn_in", burns, "Audio has no picture.")
    wrong("speaker_count", count.min != count.max, "Azure takes one exact number: set min and max to the same.")
    wrong(
        "voice.background_volume", order.voice.background_volume == 0, "Azure cannot silence the background: 1 to 100."
    )
    font = style.font_size
    outside = font is not None and not _FONT_PIXELS[0] <= font <= _FONT_PIXELS[1]
    wrong("subtitle_style.font_size", outside, f"Azure takes {_FONT_PIXELS[0]} to {_FONT_PIXELS[1]}.")
    high = mapping.margin_to_theirs(style.margin_v) > wire.MARGINS[1]
    wrong("subtitle_style.margin_v", high, f"Azure takes at most {mapping.margin_to_ours(wire.MARGINS[1]):.2f}.")
    open_ended = style.max_chars_per_line is not None and style.max_lines == 0
    wrong("subtitle_style.max_lines", open_ended, "Azure takes one number for the whole caption: set max_lines too.")
    lines_only = style.max_chars_per_line is None and style.max_lines != _PLAIN.max_lines
    wrong("subtitle_style.max_lines", lines_only, "Azure takes it only together with max_chars_per_line.")
    for name in ("outline", "margin_l", "margin_r"):
        wrong(f"subtitle_style.{name}", getattr(style, name) != getattr(_PLAIN, name), "Azure does not offer this.")
    wrong("timing.punctuation_split", not order.timing.punctuation_split, "Azure always splits at punctuation.")
    bilingual = order.subtitle is not None and order.subtitle.usage == "bilingual"
    wrong("subtitle.usage", bilingual, "Azure takes one language a file: original or final_translated.")
    return found


_CAPABILITIES: Final = Capabilities(
    steps=frozenset({"subtitles", "voice", "lipsync"}),
    subtitle_sources=frozenset({"asr", "file"}),
    export_types=frozenset({"auto", "video", "audio"}),
    media_types=frozenset({"auto", "video", "audio"}),
    options=frozenset(
        {
            "personal_voice", "emotion", "lexicon", "background_volume", "burn_in", "adjust_video_speed", "ocr_correction",
            "review", "speaker_count",
        }
    ),
    pair=pair,
    max_bytes=wire.MAX_BYTES,
    max_seconds=wire.MAX_SECONDS,
    check=check,
    parameters=PARAMETERS,
    remarks=(
        "Takes .mp4 films, and .mp3 or .wav sound, of at most 5 GB and 4 hours.",
        "Review: the first iteration runs to its end and its text waits at the gate; an edited text goes out as a second one.",
        "Azure bills that second iteration too. A text that nobody changed costs nothing more.",
        "After `recognize` only the source is shown, and Azure translates what you make of it.",
        "A given subtitle file must be WebVTT.",
        "Personal voice and lip sync need Microsoft's consent for the account; Azure refuses them otherwise.",
    ),
)  # fmt: skip

# Every order is dubbed, and a review costs a second iteration.
VENDOR: Final = Vendor("azure", "Azure Video Translation", _CAPABILITIES, AzureAdapter())
