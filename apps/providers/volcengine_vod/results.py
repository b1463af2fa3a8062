"""What a finished or paused project tells: outputs, text, and where the conversation stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.core import errors
from apps.engine.captions import lay_out, rows_for_files
from apps.engine.subtitles import Side, SubtitleFormat, cues_of, write
from apps.engine.transcript import Transcript
from apps.providers import volcengine_call as vc
from apps.providers.conversation import AccountRefused, Output, Verdict, Work
from apps.providers.volcengine_vod import plan, texts, wire

_ALWAYS: Final[tuple[SubtitleFormat, ...]] = ("srt", "vtt")
_THEIR_FILES: Final = (("OutputSubtitle", "subtitle_target"), ("InputSubtitle", "subtitle_source"))


def is_suspended(status: str) -> bool:
    """The list of statuses in the vendor's pages leaves this one out; clients know it as ProcessSuspended."""
    return status == wire.SUSPENDED or "suspend" in status.lower()


def verdict(work: Work, info: Mapping[str, Any]) -> Verdict:
    """Where a project stands. Raises AccountRefused when it is done and gives no link to its video."""
    status = vc.text(info, "Status")
    if status in wire.FAILED:
        return _failed(info)
    if status in wire.WORKING:
        return Verdict("working", stage="render" if status == wire.IN_EXPORTING else "")
    if is_suspended(status):
        return _suspended(work, info)
    if status in wire.SUCCEEDED:
        return Verdict("working") if _is_stale(work, info) else _succeeded(work, info)
    return Verdict("unknown")


def _failed(info: Mapping[str, Any]) -> Verdict:
    number, message = vc.number(info, "ErrorCode"), vc.text(info, "ErrorMsg")
    reason = f"{vc.text(info, 'Status')} {int(number) if number else ''}".strip()
    return Verdict(
        "failed",
        error_code=errors.PROVIDER_FAILED,
        error=f"Volcengine: {message[:300] or 'no reason given'} ({reason})",
    )


def _suspended(work: Work, info: Mapping[str, Any]) -> Verdict:
    if work.memo.get("done") or work.iteration > 1:
        return Verdict("working")  # it was told to go on and has not begun yet
    if not work.memo.get("details"):
        return _ask_for_details(work, info)
    transcript = texts.transcript_of(info, plan.side_of(work), work.order.source_language, work.target_locale)
    if not transcript.lines:
        return Verdict("failed", error_code=10042, error="Volcengine stopped for review and found no text")
    return Verdict("review", transcript=transcript, stage="review")


def _succeeded(work: Work, info: Mapping[str, Any]) -> Verdict:
    if not work.memo.get("details"):
        return _ask_for_details(work, info)
    transcript = texts.transcript_of(info, "target", work.order.source_language, work.target_locale)
    text = transcript if transcript.lines else None
    outputs = [*_video(work, info), *(_written(work, text) if text else _their_files(work, info))]
    seconds = vc.number(info, "OutputVideo", "DurationSecond") or vc.number(info, "InputVideo", "DurationSecond")
    return Verdict("succeeded", outputs=tuple(outputs), transcript=text, measured_seconds=seconds)


def _ask_for_details(work: Work, info: Mapping[str, Any]) -> Verdict:
    """The next poll brings the texts along: they are long, and asked for only now."""
    memo = {**work.memo, "details": True}
    if made := vc.text(info, "OutputVideo", "Vid"):
        memo["made"] = made
    return Verdict("working", memo=memo, wait=0.0)


def _is_stale(work: Work, info: Mapping[str, Any]) -> bool:
    """After a Refresh the success of before may still show: its version is the one from before the Refresh."""
    before, version = work.memo.get("before"), work.memo.get("version")
    return bool(before and version) and before != version and vc.text(info, "ProjectVersion") == before


def wants_video(work: Work) -> bool:
    """Whether a video is what was ordered: subtitles alone change nothing in it unless they are burnt in or erased."""
    order = work.order
    if order.export_type != "auto":
        return order.export_type == "video"
    return "voice" in order.steps or order.subtitle_style.burn_in or order.subtitle_style.erase_source


def _video(work: Work, info: Mapping[str, Any]) -> list[Output]:
    if not wants_video(work):
        return []
    link = vc.text(info, "OutputVideo", "Url")
    if not link:
        raise AccountRefused(
            f"Volcengine gives no link to {vc.text(info, 'OutputVideo', 'Vid') or 'the video'}: the space has no playback domain"
        )
    ending = vc.text(info, "OutputVideo", "FileName").rpartition(".")[2].lower()
    return [Output("video", ending if ending in ("mp4", "mov", "mkv", "webm") else "mp4", url=link, main=True)]


def _written(work: Work, transcript: Transcript) -> list[Output]:
    """Subtitle files of our own making, with the speakers where the format has them."""
    style = work.order.subtitle_style
    alone = not wants_video(work)
    sides: tuple[tuple[Side, str], ...] = (
        ("target", work.target_locale),
        ("source", transcript.source_language),
        ("bilingual", work.target_locale),
    )
    made = []
    for side, language in sides:
        if side == "bilingual" and not any(line.source for line in transcript.lines):
            continue
        cues = lay_out(cues_of(transcript, side), rows_for_files(style, language or "en"))
        for form in dict.fromkeys((style.format, *_ALWAYS)) if cues else ():
            content = write(cues, form, language=language, title=work.title).encode()
            main = alone and side == "target" and form == style.format
            made.append(Output(f"subtitle_{side}", form, body=content, language=language, main=main))
    return made


def _their_files(work: Work, info: Mapping[str, Any]) -> list[Output]:
    """The vendor's own subtitle files, for a project that tells no utterances."""
    made = []
    for name, kind in _THEIR_FILES:
        if link := vc.text(info, name, "Url"):
            ending = vc.text(info, name, "FileName").rpartition(".")[2].lower()
            form = ending if ending in wire.SUBTITLE_FORMATS else "srt"
            language = work.target_locale if kind == "subtitle_target" else work.order.source_language
            main = kind == "subtitle_target" and not wants_video(work)
            made.append(Output(kind, form, url=link, language=language, main=main))
    return made
