"""TranslationOrder and LipsyncOrder: the frozen, provider-neutral description of what was asked (DESIGN section 1)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from apps.core.options import SpeakerCount, SubtitleStyle, TextBox, Timing, VoiceOptions

Step = Literal["subtitles", "voice", "lipsync"]
MediaType = Literal["auto", "video", "audio"]
ExportType = Literal["auto", "video", "audio", "all", "subtitles"]
ReviewAfter = Literal["never", "recognize", "translate"]
SubtitleUsage = Literal["original", "final_translated", "bilingual"]
LipsyncModel = Literal["lipsync-video", "lipsync-image", "lipsync-image-multi"]
LipsyncResolution = Literal["480p", "720p"]
LipsyncInput = Literal["video", "image", "audio", "left_audio", "right_audio", "mask_image"]
SpeakingOrder = Literal["meanwhile", "left_right", "right_left"]
PublicId = Annotated[str, Meta(min_length=5, max_length=32)]
WebUrl = Annotated[str, Meta(min_length=8, max_length=4096)]


class Source(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the media is: exactly one of a stored asset's public id or a URL."""

    asset: PublicId | None = None
    url: WebUrl | None = None


class GivenSubtitle(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A subtitle file that replaces recognition; exactly one of asset or url (seed 000 `subtitle_url`)."""

    asset: PublicId | None = None
    url: WebUrl | None = None
    usage: SubtitleUsage = "original"


class TranslationOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Body of POST /translations (api.md); names follow seed 000.

    `target_locales` are BCP 47 tags, 1 to 20, matched to seed 000's table before the order is stored. `hls` asks for a
    packaged HLS copy of the result beside the mp4. With `lipsync` among the steps (it needs `voice` and a video) the mouths of
    those who speak follow the dub; made by the built-in engine that is a preview, and the report says so.
    """

    source: Source
    target_locales: Annotated[list[str], Meta(min_length=1, max_length=20)]
    source_language: str = "auto"
    media_type: MediaType = "auto"
    export_type: ExportType = "auto"
    steps: Annotated[list[Step], Meta(min_length=1, max_length=3)] = field(
        default_factory=lambda: ["subtitles", "voice"]
    )
    subtitle_source: Literal["asr", "ocr", "file"] = "asr"
    subtitle: GivenSubtitle | None = None
    ocr_text_box: TextBox | None = None
    speaker_count: SpeakerCount = field(default_factory=SpeakerCount)
    voice: VoiceOptions = field(default_factory=VoiceOptions)
    subtitle_style: SubtitleStyle = field(default_factory=SubtitleStyle)
    timing: Timing = field(default_factory=Timing)
    ocr_correction: bool = False
    vision: bool = False
    glossaries: Annotated[list[PublicId], Meta(max_length=10)] = field(default_factory=list)
    prompt: Annotated[str, Meta(max_length=2000)] = ""
    review_after: ReviewAfter = "never"
    hls: bool = False
    provider: str | None = None
    callback_url: WebUrl | None = None
    project: PublicId | None = None
    title: Annotated[str, Meta(max_length=200)] = ""


class FacePick(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A face that shall speak, by a point inside of it: shares (0 to 1) of the picture's width and height, in a video at `at` seconds."""

    x: Annotated[float, Meta(ge=0, le=1)]
    y: Annotated[float, Meta(ge=0, le=1)]
    at: Annotated[float, Meta(ge=0, le=86_400)] = 0.0


class LipsyncOrder(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one of the three forms of POST /lipsync-* asks for (seed 003): one picture, one or two voices.

    `lipsync-video` takes `video` and `audio`, `lipsync-image` `image` and `audio`, `lipsync-image-multi` `image`, `left_audio`
    and `right_audio` (the faces as the viewer sees them) with the `order` in which they speak. `mask_image` limits where the
    picture may change (white: may), `seed` makes a result repeatable.

    Ours alone: `faces` names who speaks (the form of two voices: first the left one's face, then the right one's), and with
    `first_seconds` only so much of the sound is made, for a look before the whole is ordered.
    """

    model: LipsyncModel
    video: Source | None = None
    image: Source | None = None
    audio: Source | None = None
    left_audio: Source | None = None
    right_audio: Source | None = None
    order: SpeakingOrder = "meanwhile"
    resolution: LipsyncResolution = "480p"
    mask_image: Source | None = None
    prompt: Annotated[str, Meta(max_length=2000)] = ""
    seed: int | None = None
    faces: Annotated[list[FacePick], Meta(max_length=8)] = field(default_factory=list)
    first_seconds: Annotated[int, Meta(ge=1, le=60)] | None = None
    provider: str | None = None
    callback_url: WebUrl | None = None
    project: PublicId | None = None
    title: Annotated[str, Meta(max_length=200)] = ""

    def inputs(self) -> dict[LipsyncInput, Source]:
        """The files that the order names, by their place in the form, the picture first."""
        found: dict[LipsyncInput, Source | None] = {
            "video": self.video,
            "image": self.image,
            "audio": self.audio,
            "left_audio": self.left_audio,
            "right_audio": self.right_audio,
            "mask_image": self.mask_image,
        }
        return {name: source for name, source in found.items() if source is not None}


LIPSYNC_NEEDS: Final[dict[LipsyncModel, tuple[LipsyncInput, ...]]] = {
    "lipsync-video": ("video", "audio"),
    "lipsync-image": ("image", "audio"),
    "lipsync-image-multi": ("image", "left_audio", "right_audio"),
}
"""The files that each form must have; `mask_image` may be given with any of them."""
Order = TranslationOrder | LipsyncOrder
