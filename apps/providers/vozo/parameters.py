"""Every parameter, enum value, status, result and code of Vozo's documents and where it lives with us (rows of docs/providers.md)."""

from __future__ import annotations

from typing import Final

from apps.core import errors
from apps.providers.abilities import Parameter
from apps.providers.vozo import wire

_ORDER: Final = (
    Parameter("media_type", "media_type", "auto: what the source is"),
    Parameter("media_type=video", "media_type", "video"),
    Parameter("media_type=audio", "media_type", "audio"),
    Parameter("media_url", "source", "our signed link to the stored source, good for a day; at most 2 hours of media"),
    Parameter("source_language", "source_language", "codes of Vozo's source table, auto"),
    Parameter("target_language", "target_locales", "one job each; codes of Vozo's target table"),
    Parameter("export_type", "export_type", "subtitles alone are refused: Vozo always makes a voice"),
    Parameter("export_type=auto", "export_type", "auto"),
    Parameter("export_type=video", "export_type", "video; refused with audio media"),
    Parameter("export_type=audio", "export_type", "audio; also for auto and all of audio media"),
    Parameter("export_type=all", "export_type", "all; refused with audio media"),
    Parameter("subtitle_url", "subtitle", "SRT; excludes ocr_text_box"),
    Parameter("subtitle_usage_type=original", "subtitle.usage", "original"),
    Parameter(
        "subtitle_usage_type=final_translated",
        "subtitle.usage",
        "final_translated, and the edited text of an iteration; bilingual is refused",
    ),
    Parameter(
        "ocr_text_box", "ocr_text_box", "with subtitle_source ocr; English and Chinese only. Not sent for erasing alone"
    ),
    Parameter("speaker_number.min", "speaker_count.min", "2..34; 1 is refused"),
    Parameter("speaker_number.max", "speaker_count.max", "2..34"),
    Parameter("user_prompt", "prompt"),
    Parameter("callback_url", "", "our own address for the job; left out when Vozo's challenge of it fails (1301)"),
    Parameter("project_mode=none", "", "always sent: nothing is left in the dashboard of our account"),
    Parameter("project_mode=editable", "", "refused: Vozo's editor is not reachable by API, ours is the review page"),
    Parameter(
        "glossary_ids", "glossaries", "at most 3; Vozo's ids come from the account's setting, others fail with 10908"
    ),
    Parameter("voice_model=auto", "voice.kind", "platform: left out; known from clients only"),
    Parameter("voice_model=real", "voice.kind", "personal; known from clients only"),
    Parameter("voice_model=native", "", "not sent; known from clients only"),
    Parameter("subtitle_mode=none", "subtitle_style.burn_in", "false: left out; known from clients only"),
    Parameter("subtitle_mode=add", "subtitle_style.burn_in", "true; Vozo's own look; known from clients only"),
    Parameter("subtitle_mode=replace", "subtitle_style.erase_source", "with burn_in; known from clients only"),
    Parameter("align_video", "timing.adjust_video_speed", "known from clients only"),
)
_ANSWERS: Final = (
    Parameter("task_id", "provider_ref"),
    *(Parameter(f"status={word}", f"stage.{stage}") for word, (stage, _) in wire.STAGES.items()),
    Parameter("status=done", "status.completed"),
    Parameter("status=failed", "status.failed"),
    Parameter("err_code", "error.code", "10001..10045 are ours too; any other is 10908"),
    Parameter("err_message", "error.text"),
    Parameter("result.video_url", "artefact.video"),
    Parameter("result.audio_url", "artefact.audio", "artefact.audio_mp3 for an MP3"),
    Parameter("result.subtitle_url", "artefact.subtitle_target", "SRT"),
    Parameter("result.project_url", "", "not read: known from clients only, with project_mode editable"),
    Parameter("serverTs", "", "not read"),
    Parameter("points", "", "no field tells them; 3 a minute, entered as the account's cost"),
)
_LIPSYNC: Final = (
    Parameter("video_generation: reference_file_url", "video", "our signed link to the stored file, good for a day"),
    Parameter("video_generation: reference_file_url", "image", "likewise"),
    Parameter("video_generation: reference_file_type=video", "model", "lipsync-video"),
    Parameter("video_generation: reference_file_type=image", "model", "lipsync-image; lipsync-image-multi is refused"),
    Parameter("video_generation: audio_url", "audio", "our signed link"),
    Parameter("video_generation: model=standard_v1", "account.lipsync_model", "the account's setting"),
    Parameter("video_generation: model=precision_v1", "account.lipsync_model", "the account's setting"),
    Parameter(
        "video_generation: callback_url", "", "our own address for the job; left out when its challenge fails (1301)"
    ),
    Parameter(
        "reusable_lipsync_model_video_generation: model_id",
        "account.lipsync_reusable",
        "for an order whose video is that file; models are made by hand at Vozo",
    ),
    Parameter("reusable_lipsync_model_video_generation: audio_url", "audio", "our signed link"),
    Parameter("reusable_lipsync_model_video_generation: callback_url", "", "as above"),
    Parameter("video_generation: task_id", "provider_ref"),
    Parameter("video_generation: status=pending", "stage.queued"),
    Parameter("video_generation: status=processing", "stage.lipsync"),
    Parameter("video_generation: status=done", "status.completed"),
    Parameter(
        "video_generation: status=failed",
        "status.failed",
        "err_code and err_message are read where they come; 10908 without",
    ),
    Parameter("video_generation: video_url", "artefact.video"),
)
_MEANINGS: Final = {
    wire.BAD_REQUEST: ("error.10908", "the order is refused"),
    wire.SERVER_ERROR: ("", "asked again; counts against the account's health"),
    wire.CALLBACK_REFUSED: ("", "the task is made without a callback, and polled"),
    wire.CONCURRENCY: ("", "asked again later; nothing was done"),
    wire.LIPSYNC_AUDIO: ("error.10902", "of lip sync only"),
}
_CODES: Final = (
    *(
        Parameter(
            f"code={code}",
            *_MEANINGS.get(code, ("", "our account's trouble: the job waits, fails over, in the end 10908")),
        )
        for code in (*wire.API_CODES, wire.LIPSYNC_AUDIO)
    ),
    *(Parameter(f"err_code={code}", f"error.{code}", errors.job_codes()[code].title) for code in wire.JOB_CODES),
)
PARAMETERS: Final = (*_ORDER, *_ANSWERS, *_LIPSYNC, *_CODES)
