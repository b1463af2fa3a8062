"""Every parameter, enum, status and result of seed 002 and of the field models, and where it lives with us (rows of docs/providers.md)."""

from __future__ import annotations

from typing import Final

from apps.providers.abilities import Parameter as P
from apps.providers.volcengine_vod import wire

_SUBMIT: Final = (
    P("SpaceName", "account.space"),
    P("Vid", "source", "of UploadMediaByUrl, or named at the end of the source link: #vod=<space>/<vid>"),
    P("TranslationConfig.SourceLanguage", "source_language", "named; auto is refused"),
    *(P(f"SourceLanguage={code}", "source_language", wire.LOCALES[code]) for code in wire.SOURCE_LANGUAGES),
    P("TranslationConfig.TargetLanguage", "target_locales", "one project for each; a region is not told to the vendor"),
    *(P(f"TargetLanguage={code}", "target_locales", locale) for code, locale in wire.LOCALES.items()),
    *(P(f"TranslationTypeList={list(theirs)}", "steps", ", ".join(ours)) for theirs, ours in wire.TYPE_LISTS.items()),
    P(
        "TranslationConfig.TermbaseConfig.TranslationTermbaseIds",
        "glossaries",
        "up to 10; termbases made from the pinned versions",
    ),
    P(
        "OperatorConfig.SubtitleRecognitionConfig.RecognitionType",
        "subtitle_source",
        "always sent: the vendor's default is OCR",
    ),
    P("RecognitionType=ASR", "subtitle_source", "asr"),
    P("RecognitionType=OCR", "subtitle_source", "ocr; the vendor finds the text itself, ocr_text_box is not sent"),
    P("RecognitionType=SourceSubtitleFile", "subtitle.usage", "original"),
    P("RecognitionType=BilingualSubtitleFile", "subtitle.usage", "bilingual"),
    P(
        "RecognitionType=SourceAndTargetSubtitleFile",
        "iteration",
        "an iteration that needs a project of its own; final_translated is refused",
    ),
    P("RecognitionType=SubtitleFile", "", "deprecated by the vendor; SourceSubtitleFile is sent instead"),
    P("SourceSubtitleFileName", "subtitle", "brought in by URL, SRT or WebVTT"),
    P("TargetSubtitleFileName", "transcript", "of an iteration"),
    P("BilingualSubtitleFileName", "subtitle", "brought in by URL, SRT or WebVTT"),
    P("SubtitleFileName", "", "deprecated by the vendor"),
    P("OperatorConfig.SubtitleRecognitionConfig.IsVision", "vision", "the vendor enables it for an account on request"),
    P("OperatorConfig.VoiceCloneConfig.BackgroundVolume", "voice.background_volume", "0..100"),
    P("SubtitleConfig.IsHardSubtitle", "subtitle_style.burn_in"),
    P("SubtitleConfig.FontSize", "subtitle_style.font_size", "1..80; 24 when the order leaves it open"),
    P("SubtitleConfig.MarginL", "subtitle_style.margin_l"),
    P("SubtitleConfig.MarginR", "subtitle_style.margin_r"),
    P("SubtitleConfig.MarginV", "subtitle_style.margin_v"),
    P("SubtitleConfig.ShowLines", "subtitle_style.max_lines", "0: no limit"),
    P("SubtitleConfig.IsEraseSource", "subtitle_style.erase_source", "ocr_text_box is not sent"),
    P("ProcessConfig.SuspensionStageList", "review_after", "one stage; not in an iteration"),
    *(P(f"SuspensionStage={theirs}", "review_after", ours) for theirs, ours in wire.SUSPENSION_STAGES.items()),
    P("ProcessConfig.DisableCloneVoiceByScene", "voice.by_scene", "the other way round; always sent"),
    P("ProcessConfig.DisableSubtitlePunctSplit", "timing.punctuation_split", "the other way round; always sent"),
    P("ProcessConfig.DisableSmartSubtitleRewrite", "timing.rewrite", "the other way round; always sent"),
    P("ProjectBaseInfo.ProjectId", "provider_ref"),
    P("ProjectBaseInfo.ProjectVersion", "", "tells a finished Refresh from the success before it"),
)
_MEANINGS: Final = {
    wire.IN_PROCESSING: ("status.processing", ""),
    wire.SUSPENDED: ("status.paused", "not in the vendor's list of statuses; any status that says suspend is taken so"),
    wire.PROCESS_SUCCEED: ("status.completed", ""),
    wire.PROCESS_FAILED: ("error.10908", "with the vendor's ErrorCode and ErrorMsg, for which it has no table"),
    wire.IN_EXPORTING: ("stage.render", ""),
    wire.EXPORT_SUCCEED: ("status.completed", ""),
    wire.EXPORT_FAILED: ("error.10908", ""),
}
_PROJECT: Final = (
    *(P(f"Status={status}", *_MEANINGS[status]) for status in wire.STATUSES),
    P("ProjectInfo.OutputVideo", "artefact.video", "Url; no link is our account's trouble (playback domain)"),
    P("ProjectInfo.SourceUtterances", "transcript.lines.source", "also artefact.subtitle_source, made by us"),
    P(
        "ProjectInfo.TargetUtterances",
        "transcript.lines.target",
        "also artefact.subtitle_target and subtitle_bilingual",
    ),
    P("ProjectInfo.SourceClips, TargetClips", "transcript.lines.start", "Trim, milliseconds"),
    P("ProjectInfo.Speakers", "transcript.speakers", "Id and Name; Voice is the vendor's own"),
    P("ProjectInfo.OutputSubtitle, InputSubtitle", "artefact.subtitle_target", "only of a project without utterances"),
    P("ProjectInfo.InputVideo", "measured", "DurationSecond"),
    P("ProjectInfo.ErrorCode, ErrorMsg", "error.text"),
    P("ProjectInfo.BilingualSubtitle", "", "ours is made from the utterances"),
    P("ProjectInfo.ForegroundAudio, BackgroundAudio", "", "not fetched: intermediate"),
    P(
        "ProjectInfo.VoiceTranslationVideo, FacialTranslationVideo, ErasedSubtitleVideo",
        "",
        "not fetched: intermediate",
    ),
    P("ProjectInfo.PreviewVideo, PreviewVideoMuted", "", "not fetched: previews"),
    P("ProjectInfo.SourceTracks, TargetTracks, BackgroundClip, SourceBlueprints", "", "not read"),
    P("ProjectInfo.WorkflowId, InputVideoTitle, UpdatedAt", "", "not read"),
)
_CALLS: Final = (
    P(f"{wire.LIST}.PageNumber, PageSize", "", "finds a Submit whose answer was never seen"),
    P(
        f"{wire.LIST}.StatusFilter, ProjectIdOrTitleFilter",
        "",
        "not sent: a project that the filter hides would be made twice",
    ),
    P(
        f"{wire.LIST}.Projects.CreatedAt, TargetBlueprints, TranslationTypeList",
        "",
        "matched, see docs/decisions/volcengine-once.md",
    ),
    P(wire.CONTINUE, "resume", "after the review"),
    P(wire.UPDATE_UTTERANCES, "transcript", "changed lines after the review and in an iteration"),
    P("UpdateType=Utterances", "transcript.lines", "Id, Text, SpeakerId, Trim of what changed"),
    P("UpdateType=InputSubtitleFile, OutputSubtitleFile", "transcript", "when lines were added, removed or emptied"),
    P("UpdateType=BilingualSubtitleFile", "", "not sent: only one side is edited at a time"),
    P("Utterances.Volume", "", "not sent: a line has no volume with us"),
    P(f"{wire.REFRESH}.RefreshType=whole", "iteration"),
    P(f"{wire.UPDATE_CONFIG}.UpdateConfigType=ProcessConfig", "timing", "of an iteration"),
    P(
        f"{wire.CREATE_TERMBASE}.Name",
        "glossaries",
        "30 bytes, unique: made from glossary, version, languages and terms",
    ),
    P(f"{wire.CREATE_TERMBASE}.Description", "glossaries", "glossary, version and name, cut to 100 bytes"),
    P(f"{wire.CREATE_TERMBASE}.Scenario=AITranslation", "", "always"),
    P(
        f"{wire.SET_TERM_ITEM}.TermItems",
        "glossaries.terms",
        "30 bytes a text, 100 items: checked before, each term named",
    ),
    P("Term.case_sensitive", "", "the vendor has none: told as a remark"),
    P(
        f"{wire.UPDATE_TERMBASE}, {wire.DELETE_TERMBASE}, {wire.DELETE_TERM_ITEM}, {wire.GET_TERMBASE}",
        "",
        "not needed: a termbase is one pinned version and never changes",
    ),
    P(
        "CreateAITranslationUtterance, RemoveAITranslationUtterance",
        "",
        "not sent: a text with other lines goes as a file",
    ),
    P(
        "CreateAITranslationSpeaker, UpdateAITranslationSpeakers, CreateAITranslationSpeech, ...",
        "",
        "not sent: voices of one's own are not part of an order",
    ),
    P(wire.GENERATE_AUDIO, "", "not sent: Refresh speaks all changed lines"),
    P("StartExecution, GetExecution", "", "other services of the same API; not used"),
    P(
        f"{wire.UPLOAD}.URLSets",
        "source",
        "SourceUrl (our signed link), FileExtension, Title and CallbackArgs (our id), Category subtitle",
    ),
    P(f"{wire.UPLOAD_STATE}.State", "stage.fetch", "initial, processing, success, failed (10901)"),
    P("DeleteMedia.Vids", "forget", "the media that we brought in and the result; projects cannot be deleted"),
    P(f"{wire.EVENT}.Data.ProjectId", "provider_ref", "an event only says that it is time to poll"),
    P("X-VOD-TIMESTAMP, X-VOD-SIGNATURE", "account.callback_key", "MD5, 15 minutes"),
    P(
        "ResponseMetadata.Error",
        "error.10908",
        "codes about key, rights or speed are our account's trouble, never the customer's",
    ),
)
PARAMETERS: Final = (*_SUBMIT, *_PROJECT, *_CALLS)
