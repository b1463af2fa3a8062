"""Every parameter, status and result of seed 004 and of the field models, and where it lives with us (rows of docs/providers.md)."""

from __future__ import annotations

from typing import Final

from apps.providers.abilities import Parameter
from apps.providers.volcengine_translate import wire

PARAMETERS: Final = (
    Parameter(f"Version={wire.FLAT}", "account.version", "answers are flat"),
    Parameter(f"Version={wire.WRAPPED}", "account.version", "answers are in Result"),
    Parameter("SubmitAudio.SourceLanguage", "source_language", "named; auto is refused"),
    *(Parameter(f"SourceLanguage={code}", "source_language", wire.LOCALES[code]) for code in wire.SOURCE_LANGUAGES),
    Parameter("SubmitAudio.TargetLanguage", "target_locales", "one task for each; a region is not told to the vendor"),
    *(Parameter(f"TargetLanguage={code}", "target_locales", wire.LOCALES[code]) for code in wire.TARGET_LANGUAGES),
    Parameter("SubmitAudio.Uri", "source", "our signed link to the stored source, good for a day"),
    Parameter("SubmitAudio.TaskId", "provider_ref"),
    Parameter("QueryAudio.TaskId", "provider_ref"),
    Parameter("QueryAudio.Status", "status"),
    Parameter("Status=created", "stage.recognize", "queued or at work: the vendor tells no more"),
    *(Parameter(f"Status={status}", f"error.{code}", reason) for status, (code, reason) in wire.FAILURES.items()),
    Parameter("Status=success", "status.completed"),
    Parameter(
        "QueryAudio.Subtitles",
        "artefact.transcript",
        "also artefact.subtitle_target and artefact.subtitle_source, made by us",
    ),
    Parameter("Subtitle.StartTime", "transcript.lines.start", "milliseconds"),
    Parameter("Subtitle.EndTime", "transcript.lines.end", "milliseconds"),
    Parameter("Subtitle.Text", "transcript.lines.source"),
    Parameter("Subtitle.Translation", "transcript.lines.target"),
    Parameter("(none)", "review_after", "translate: our own gate before the files are made; recognize is refused"),
    Parameter("QueryAudio.Confidence", "", "of 2025-03-01; not read: nothing of ours depends on it"),
    Parameter(
        "ResponseMetadata.Error",
        "error.10908",
        "codes about key, rights or speed are our account's trouble, never the customer's",
    ),
    Parameter("LangDetect, TranslateText, TranslateImage, GetUsage", "", "other services of the same API; not used"),
)
