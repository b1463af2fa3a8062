"""The finished mp4: picture, dub first and original second, soft subtitles; made to start fast in a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import langcodes

from apps.core.languages import name_in
from apps.engine import ffmpeg
from apps.engine.media import MediaInfo
from apps.engine.mix import bitexact
from apps.engine.pictures import Plan

AUDIO_KBPS = 160


@dataclass(frozen=True)
class SoftSubtitle:
    """A text track: an SRT file, its locale, and the name that players show."""

    path: Path
    locale: str
    label: str
    default: bool


@dataclass(frozen=True)
class Movie:
    """All that goes into the file. `dub` None leaves the original sound alone; locales may be "" when unknown. `pictures` is a file whose
    pictures (from its time 0 on) are shown in place of the source's; `plan` says what is done to those that are shown.
    """

    source: Path
    info: MediaInfo
    plan: Plan
    dub: Path | None
    target_locale: str
    source_locale: str
    subtitles: tuple[SoftSubtitle, ...]
    title: str
    pictures: Path | None = None


def write(movie: Movie, target: Path, work: Path, on_time: Callable[[float], None]) -> None:
    """Write `target`; `work` holds burn.ass and fonts when the plan burns. Raises JobError 10003."""
    inputs, maps = _pictures(movie)
    audio: list[str] = []
    number = 1
    if movie.dub is not None:
        inputs += ["-i", str(movie.dub.resolve())]
        maps += ["-map", "1:a:0"]
        audio += [
            "-c:a:0",
            "aac",
            "-b:a:0",
            f"{AUDIO_KBPS}k",
            *_track("a:0", movie.target_locale, _dub_name(movie), default=True),
        ]
        number = 2
    if movie.info.has_audio:
        place = 1 if movie.dub is not None else 0
        origin = 0
        if movie.pictures is not None or not movie.info.audio[0].steady:
            # unsteady sound is read apart: ffmpeg would move the pictures along with its jumping time stamps
            inputs += ffmpeg.media_input(movie.source.resolve(), movie.info.demuxer)
            origin, number = number, number + 1
        maps += ["-map", f"{origin}:{movie.info.audio[0].index}"]
        audio += _original_sound(movie.info, place)
        audio += _track(f"a:{place}", movie.source_locale, "Original", default=place == 0)
    subtitles: list[str] = []
    for place, text in enumerate(movie.subtitles):
        inputs += ["-f", "srt", "-i", str(text.path.resolve())]
        maps += ["-map", f"{number + place}:s:0"]
        subtitles += _track(f"s:{place}", text.locale, text.label, default=text.default)
    codecs = [*movie.plan.encoder(), *audio, *(["-c:s", "mov_text", *subtitles] if subtitles else [])]
    title = ["-metadata", f"title={movie.title}"] if movie.title else []
    ffmpeg.run(
        [
            *inputs,
            *maps,
            *codecs,
            *bitexact(),
            *title,
            "-t",
            f"{movie.info.duration + 0.05:.3f}",
            "-map_chapters",
            "-1",
            "-movflags",
            "+faststart",
            "-f",
            "mp4",
            target.resolve(),
        ],
        code=10003,
        what="writing the video",
        on_time=on_time,
        cwd=work,
    )


def _pictures(movie: Movie) -> tuple[list[str], list[str]]:
    """The first input, and which of its tracks is shown."""
    video = movie.info.video
    assert video is not None  # a movie has pictures
    if movie.pictures is None:
        return ffmpeg.media_input(movie.source.resolve(), movie.info.demuxer), ["-map", f"0:{video.index}"]
    return ["-itsoffset", f"{video.start:.6f}", "-f", "mp4", "-i", str(movie.pictures.resolve())], ["-map", "0:v:0"]


def language_tag(locale: str) -> str:
    """Three letters of ISO 639-2 for a track ("por" for pt-BR), "und" when unknown."""
    if not locale or locale == "auto":
        return "und"
    try:
        return langcodes.get(locale).to_alpha3(variant="T")
    except (LookupError, ValueError):
        return "und"


def _dub_name(movie: Movie) -> str:
    return name_in(movie.target_locale, "en")


def _track(which: str, locale: str, name: str, *, default: bool) -> list[str]:
    # handler_name is what players show; a track's own title atom is left out, since ffmpeg itself cannot read it back
    return [
        f"-metadata:s:{which}", f"language={language_tag(locale)}", f"-metadata:s:{which}", f"handler_name={name}",
        f"-disposition:{which}", "default" if default else "0",
    ]  # fmt: skip


def _original_sound(info: MediaInfo, place: int) -> list[str]:
    """The source's sound is copied when mp4 and browsers take it, else encoded with its gaps kept as silence."""
    sound = info.audio[0]
    if sound.codec == "aac" and info.demuxer in ("mov", "matroska"):
        return [f"-c:a:{place}", "copy"]
    # a track whose time stamps cannot be trusted is taken as one piece from its start, as apps/engine/sound.py does
    stamps = (
        "aresample=async=1:first_pts=0" if sound.steady else f"asetpts=N/SR/TB,adelay={sound.start * 1000:.0f}:all=1"
    )
    mixed_down = [f"-ac:a:{place}", "2"] if sound.channels > 2 else []
    return [f"-filter:a:{place}", stamps, f"-c:a:{place}", "aac", f"-b:a:{place}", f"{AUDIO_KBPS}k", *mixed_down]
