"""A task's status in our words: stages, fractions, job codes and outputs. The same for a poll's answer and a callback."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from apps.core import errors
from apps.providers.conversation import Output, Verdict, Work
from apps.providers.vozo import wire

_VIDEO_FORMATS: Final = ("mp4", "mov", "webm", "mkv")
_AUDIO_FORMATS: Final = ("mp3", "wav", "m4a", "aac", "flac", "ogg")


def verdict(work: Work, status: wire.Status) -> Verdict:
    """Where the task stands; `unknown` for words that no page names, and for `done` without links."""
    word = status.status
    if word in wire.STAGES:
        stage, fraction = wire.STAGES[word]
        return Verdict("working", stage=stage, fraction=fraction)
    if word == wire.FAILED:
        code, reason = failure(status)
        return Verdict("failed", error_code=code, error=reason)
    if word == wire.DONE and (made := outputs(work, status.result or wire.Result())):
        return Verdict("succeeded", fraction=1.0, outputs=made)
    return Verdict("unknown", error=f"Vozo's status is {word[:40]!r}{'' if word != wire.DONE else ' without results'}")


def failure(status: wire.Status) -> tuple[int, str]:
    """Our job code and a reason: codes of the job table are ours; any other is 10908, and one about our account is not told."""
    text = (status.err_code or "").strip()
    code = int(text) if text.isascii() and text.isdigit() else 0
    said = (status.err_message or "").strip()[:500]
    if code in wire.JOB_CODES:
        return code, said or errors.job_codes()[code].title
    if wire.is_our_trouble(code) or code == wire.CONCURRENCY:
        return errors.PROVIDER_FAILED, "Vozo could not do the work, for a reason on our side."
    return errors.PROVIDER_FAILED, f"Vozo failed{f' ({text[:20]})' if text else ''}: {said or 'no reason given'}"


def outputs(work: Work, result: wire.Result) -> tuple[Output, ...]:
    """What there is, the main one first: the video if there is one, else the audio."""
    made = []
    if result.video_url:
        made.append(("video", video_format(result.video_url), result.video_url))
    if result.audio_url:
        form = _format(result.audio_url, _AUDIO_FORMATS)
        made.append(("audio_mp3" if form == "mp3" else "audio", form, result.audio_url))
    if made and result.subtitle_url:
        made.append(("subtitle_target", "srt", result.subtitle_url))
    return tuple(
        Output(kind, form, url, language=work.target_locale, main=place == 0)
        for place, (kind, form, url) in enumerate(made)
    )


def video_format(url: str) -> str:
    """By the link's own name; mp4 when it says nothing."""
    return _format(url, _VIDEO_FORMATS)


def _format(url: str, known: tuple[str, ...]) -> str:
    """By the link's own name; the first of `known` when it says nothing."""
    suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower().removeprefix(".")
    return suffix if suffix in known else known[0]
