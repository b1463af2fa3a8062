"""What one engine job is asked to do: the task written to task.json in the workspace."""

from __future__ import annotations

from typing import Literal

import msgspec

from apps.core.options import SpeakerCount, SubtitleStyle, TextBox, Timing, VoiceOptions

Step = Literal["subtitles", "voice", "lipsync"]


class GlossaryTerm(msgspec.Struct, frozen=True):
    """One wording rule. With do_not_translate the source stays as it is and target is ignored."""

    source: str
    target: str = ""
    case_sensitive: bool = False
    do_not_translate: bool = False


class Limits(msgspec.Struct, frozen=True):
    """What media is accepted; beyond any of these the probe ends with job code 10905.

    The defaults are seed 001's (4 hours, 5 GB), 4096 x 2304 pixels with room for portrait, and what phones make as a still picture
    (max_still_pixels); 0 means no limit.
    """

    max_seconds: float = 4 * 3600.0
    max_bytes: int = 5 * 1024**3
    max_pixels: int = 4096 * 2304
    max_still_pixels: int = 50_000_000
    max_fps: float = 240.0
    max_streams: int = 64
    max_lines: int = 20_000


class EngineTask(msgspec.Struct, frozen=True, kw_only=True):
    """One translation into one locale.

    source, subtitle_file and subtitle_target_file are names inside the workspace, never paths. source_language is
    "auto" or a locale of the languages table; target_locale is always a locale. With subtitle_source "file" and
    subtitle_usage "original" a second file of the translation may come along (seed 002, SourceAndTargetSubtitleFile).
    `cast` says with which voices speakers (by id) spoke in an earlier iteration: they keep them.
    """

    source: str = "source"
    title: str = ""
    media_type: Literal["auto", "video", "audio"] = "auto"
    source_language: str = "auto"
    target_locale: str = ""
    steps: tuple[Step, ...] = ("subtitles", "voice")
    subtitle_source: Literal["asr", "ocr", "file"] = "asr"
    subtitle_file: str | None = None
    subtitle_target_file: str | None = None
    subtitle_usage: Literal["original", "final_translated", "bilingual"] = "original"
    text_box: TextBox | None = None
    speaker_count: SpeakerCount = SpeakerCount()
    voice: VoiceOptions = VoiceOptions()
    cast: dict[str, str] = {}
    style: SubtitleStyle = SubtitleStyle()
    timing: Timing = Timing()
    glossary: tuple[GlossaryTerm, ...] = ()
    export_type: Literal["auto", "video", "audio", "all", "subtitles"] = "auto"
    review_after: Literal["never", "recognize", "translate"] = "never"
    hls: bool = False
    limits: Limits = Limits()

    @property
    def wants_voice(self) -> bool:
        """True when the words are to be spoken in the target language."""
        return "voice" in self.steps or "lipsync" in self.steps

    @property
    def wants_video(self) -> bool:
        """True when the order cannot be met without pictures."""
        return (
            self.media_type == "video"
            or self.export_type == "video"
            or self.style.burn_in
            or self.style.erase_source
            or self.subtitle_source == "ocr"
            or "lipsync" in self.steps
        )
