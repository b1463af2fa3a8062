"""What Volcengine's VOD actions take, field by field (reference: vod_2025-01-01_models.json, seed 002)."""

from __future__ import annotations

import msgspec


class Named(msgspec.Struct, kw_only=True):
    """Every action of VOD names its space."""

    SpaceName: str


class OfProject(Named, kw_only=True):
    """Those on one project."""

    ProjectId: str


class TermbaseConfig(msgspec.Struct):
    TranslationTermbaseIds: list[str] = []


class TranslationConfig(msgspec.Struct, kw_only=True):
    SourceLanguage: str
    TargetLanguage: str
    TranslationTypeList: list[str]
    TermbaseConfig: TermbaseConfig | None = None


class RecognitionConfig(msgspec.Struct):
    RecognitionType: str = "OCR"
    BilingualSubtitleFileName: str = ""
    SourceSubtitleFileName: str = ""
    SubtitleFileName: str = ""
    TargetSubtitleFileName: str = ""
    IsVision: bool = False


class VoiceCloneConfig(msgspec.Struct):
    BackgroundVolume: int = 100


class OperatorConfig(msgspec.Struct):
    SubtitleRecognitionConfig: RecognitionConfig | None = None
    VoiceCloneConfig: VoiceCloneConfig | None = None


class SubtitleConfig(msgspec.Struct):
    IsHardSubtitle: bool = False
    IsEraseSource: bool = False
    FontSize: int | None = None
    MarginL: float | None = None
    MarginR: float | None = None
    MarginV: float | None = None
    ShowLines: int | None = None


class ProcessConfig(msgspec.Struct):
    """None: not said, so that the portal's own way holds."""

    DisableCloneVoiceByScene: bool | None = None
    DisableSmartSubtitleRewrite: bool | None = None
    DisableSubtitlePunctSplit: bool | None = None
    SuspensionStageList: list[str] = []


class Submit(Named, kw_only=True):
    Vid: str
    TranslationConfig: TranslationConfig
    OperatorConfig: OperatorConfig | None = None
    SubtitleConfig: SubtitleConfig | None = None
    ProcessConfig: ProcessConfig | None = None


class Get(OfProject, kw_only=True):
    Additions: str = ""


class List(Named, kw_only=True):
    PageNumber: int = 1
    PageSize: int = 10
    ProjectIdOrTitleFilter: str = ""
    StatusFilter: str = ""


class Refresh(OfProject, kw_only=True):
    RefreshType: str


class Trim(msgspec.Struct):
    """Milliseconds."""

    Start: int | None = None
    End: int | None = None


class Utterance(msgspec.Struct, kw_only=True):
    Id: str
    Text: str | None = None
    SpeakerId: str | None = None
    Trim: Trim | None = None
    Volume: int | None = None


class UpdateUtterances(OfProject, kw_only=True):
    UpdateType: str
    Utterances: list[Utterance] = []
    InputSubtitleFileName: str = ""
    OutputSubtitleFileName: str = ""
    BilingualSubtitleFileName: str = ""


class CreateUtterance(OfProject, kw_only=True):
    StartTime: int
    EndTime: int
    SpeakerId: str


class OfUtterance(OfProject, kw_only=True):
    UtteranceId: str


class UpdateConfig(OfProject, kw_only=True):
    UpdateConfigType: str
    ProcessConfig: ProcessConfig | None = None


class CreateSpeaker(OfProject, kw_only=True):
    SpeakerName: str
    Voice: str


class SpeakerChange(msgspec.Struct, kw_only=True):
    Id: str
    SpeakerName: str | None = None
    Voice: str | None = None


class UpdateSpeakers(OfProject, kw_only=True):
    Speakers: list[SpeakerChange] = []


class ListSpeech(Named, kw_only=True):
    Language: str
    SpeechTypeFilter: str


class CreateTermbase(Named, kw_only=True):
    Name: str
    Scenario: str
    SourceLanguage: str
    TargetLanguage: str = ""
    Description: str = ""


class OfTermbase(Named, kw_only=True):
    TermbaseId: str


class UpdateTermbase(OfTermbase, kw_only=True):
    Name: str | None = None
    Description: str | None = None


class TermItem(msgspec.Struct):
    SourceText: str = ""
    TargetText: str = ""


class SetTerms(OfTermbase, kw_only=True):
    TermItems: list[TermItem] = []


class DeleteTerms(OfTermbase, kw_only=True):
    TermItemSourceTexts: list[str] = []


class UploadSource(msgspec.Struct, kw_only=True):
    SourceUrl: str
    FileName: str = ""
    FileExtension: str = ""
    Title: str = ""
    Category: str = ""


class UploadByUrl(Named, kw_only=True):
    URLSets: str | list[UploadSource]


class UploadTasks(msgspec.Struct, kw_only=True):
    JobIds: str
