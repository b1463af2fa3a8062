"""Reads what is in a media file with PyAV. Only ever called inside a stage's limited process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av
import msgspec
from av.stream import Disposition

from apps.core.errors import JobError
from apps.engine.media_check import (
    Track,
    check_complete,
    check_length,
    first_time,
    guesses_length,
    test_pictures,
    test_sound,
    walk,
)
from apps.engine.task import Limits

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

ACCEPTED_DEMUXERS = (
    "mov", "matroska", "mpegts", "mpeg", "avi", "flv", "asf", "ogg", "gif",
    "mp3", "wav", "w64", "flac", "aac", "aiff", "caf", "amr",
)  # fmt: skip
"""Containers we open. Playlists and scripts (hls, dash, concat, image pipes ...) could name other files: never."""

OPEN_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": ",".join(ACCEPTED_DEMUXERS)}


class VideoInfo(msgspec.Struct, frozen=True):
    """The picture track. width and height are coded pixels; display_* are after pixel shape and rotation, i.e. what
    people see. rotation is the clockwise quarter turn in degrees (0, 90, 180, 270) a player applies. start and
    duration in seconds, start counted from the media's t=0.
    """

    index: int
    codec: str
    width: int
    height: int
    display_width: int
    display_height: int
    rotation: int
    sar: str
    fps: float
    variable_fps: bool
    pix_fmt: str
    transfer: str
    interlaced: bool
    frames: int
    start: float
    duration: float


class AudioInfo(msgspec.Struct, frozen=True):
    """One sound track; start in seconds from the media's t=0 (the extracted audio is padded by it).

    steady is False when time stamps contradict the track's length (some Ogg files): then they are not to be followed.
    """

    index: int
    codec: str
    channels: int
    layout: str
    rate: int
    language: str
    start: float
    duration: float
    steady: bool = True


class MediaInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What probe.json holds. demuxer is the format name to force when ffmpeg opens the file again; duration is the
    length of the media in seconds; start is the file's own time of t=0.
    """

    demuxer: str
    format: str
    size: int
    duration: float
    start: float
    video: VideoInfo | None
    audio: list[AudioInfo]
    subtitle_tracks: int = 0

    @property
    def has_audio(self) -> bool:
        """True when there is a sound track; the first one is used."""
        return bool(self.audio)


def read_info(path: Path, limits: Limits) -> MediaInfo:
    """Opens, measures and test-decodes a file.

    Raises JobError 10902 (damaged or incomplete), 10904 (not a container or codec we take), 10905 (over a limit). The
    cost is one pass over the packets, and at most SAMPLE_FRAMES decoded frames per sample point and stream.
    """
    size = path.stat().st_size
    if size == 0:
        raise JobError(10902, "the file is empty")
    if limits.max_bytes and size > limits.max_bytes:
        raise JobError(10905, f"the file is larger than {limits.max_bytes / 1e9:.1f} GB")
    try:
        with av.open(str(path), mode="r", options=dict(OPEN_OPTIONS)) as container:
            return _read(container, path, size, limits)
    except (av.error.FFmpegError, EOFError) as error:
        if isinstance(error, MemoryError):
            raise
        raise _not_opened(path) from error


def _read(container: InputContainer, path: Path, size: int, limits: Limits) -> MediaInfo:
    demuxer = container.format.name.split(",")[0]
    if demuxer not in ACCEPTED_DEMUXERS:
        raise JobError(10904, f"files of the type {container.format.name} are not accepted")
    if limits.max_streams and len(container.streams) > limits.max_streams:
        raise JobError(10905, f"the file has more than {limits.max_streams} tracks")
    guessed = guesses_length(path, demuxer)
    declared = container.duration / av.time_base if container.duration and not guessed else 0.0
    check_length(declared, limits)
    video = _picture_track(container)
    audio = [s for s in container.streams.audio if s.codec_context is not None and s.codec_context.sample_rate]
    if video is None and not audio:
        raise JobError(10904, "the file has neither sound nor pictures that can be read")
    if video is not None:
        _check_picture(video, limits)
    walked = walk(container, [*([video] if video else []), *audio], Limits(max_seconds=0) if declared else limits)
    start = container.start_time / av.time_base if container.start_time is not None else first_time(walked)
    check_complete(container, walked, declared, start, guessed=guessed)
    reached = max(track.last for track in walked.values()) - start
    duration = reached if not declared else declared if demuxer == "ogg" else min(declared, reached)
    rotation, interlaced = test_pictures(container, video, duration) if video else (0, False)
    for sound in audio[:1]:
        test_sound(container, sound, duration, path, demuxer)
    return MediaInfo(
        demuxer=demuxer,
        format=container.format.long_name,
        size=size,
        duration=round(duration, 3),
        start=round(start, 6),
        video=None if video is None else _video_info(video, walked[video.index], start, rotation, interlaced),
        audio=[_audio_info(stream, walked[stream.index], start, duration, demuxer) for stream in audio],
        subtitle_tracks=len(container.streams.subtitles),
    )


def _picture_track(container: InputContainer) -> VideoStream | None:
    """The first moving picture; cover art (attached pictures) is not video."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    return None


def _check_picture(video: VideoStream, limits: Limits) -> None:
    width, height = video.codec_context.width, video.codec_context.height
    if not width or not height:
        raise JobError(10902, "the picture track cannot be read")
    if limits.max_pixels and width * height > limits.max_pixels:
        raise JobError(10905, f"the picture is {width} x {height}; at most {limits.max_pixels} pixels are accepted")
    rate = video.average_rate
    if limits.max_fps and rate and float(rate) > limits.max_fps:
        raise JobError(10905, f"the picture runs at {float(rate):.0f} frames a second; at most {limits.max_fps:.0f}")


def _video_info(video: VideoStream, track: Track, start: float, rotation: int, interlaced: bool) -> VideoInfo:
    context = video.codec_context
    sar = video.sample_aspect_ratio or context.sample_aspect_ratio
    ratio = float(sar) if sar else 1.0
    shown = (max(1, round(context.width * ratio)), context.height)
    # PyAV tells the counterclockwise turn of the display matrix; players turn the other way to show it.
    turn = round(-rotation / 90) * 90 % 360
    if turn in {90, 270}:
        shown = shown[::-1]
    length = track.last - (track.first if track.first is not None else start)
    rate = float(video.average_rate or video.guessed_rate or 0) or (track.packets / length if length > 0 else 25.0)
    guessed = float(video.guessed_rate or rate)
    return VideoInfo(
        index=video.index,
        codec=context.codec.canonical_name,
        width=context.width,
        height=context.height,
        display_width=shown[0],
        display_height=shown[1],
        rotation=turn,
        sar=f"{sar.numerator}:{sar.denominator}" if sar else "1:1",
        fps=round(rate, 4),
        variable_fps=abs(rate - guessed) > 0.02 * rate,
        pix_fmt=context.pix_fmt or "",
        transfer=str(getattr(context, "color_trc", "") or ""),
        interlaced=interlaced,
        frames=track.packets,
        start=_offset(track, start),
        duration=round(length, 3),
    )


def _offset(track: Track, start: float) -> float:
    """Seconds from the media's t=0; a track's priming before it counts as 0."""
    return round(max(0.0, (track.first if track.first is not None else start) - start), 3)


def _audio_info(audio: AudioStream, track: Track, start: float, duration: float, demuxer: str) -> AudioInfo:
    first = track.first if track.first is not None else start
    return AudioInfo(
        index=audio.index,
        codec=audio.codec_context.codec.canonical_name,
        channels=audio.codec_context.channels,
        layout=audio.codec_context.layout.name,
        rate=audio.codec_context.sample_rate,
        language=audio.metadata.get("language", ""),
        start=_offset(track, start),
        duration=round(min(track.last - first, duration), 3),
        # ffmpeg's stamps of Vorbis packets inside Ogg pages jump, whatever PyAV's own release makes of them
        steady=demuxer != "ogg" and track.last - start < duration + max(0.5, 0.02 * duration),
    )


def _not_opened(path: Path) -> JobError:
    """Why a file could not be opened, by its first bytes: a known container is damaged, all else is not accepted."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if text.startswith((b"#extm3u", b"ffconcat")):
        return JobError(10904, "playlists are not accepted; send the media file itself")
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return JobError(10904, "this is a web page, not a media file; does the link need a login?")
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"}:
        return JobError(10902, "the file is damaged: its index is missing or broken (incomplete upload?)")
    known = (b"\x1a\x45\xdf\xa3", b"OggS", b"fLaC", b"RIFF", b"RF64", b"FORM", b"ID3", b"GIF8", b"FLV\x01", b"caff")
    if head.startswith(known):
        return JobError(10902, "the file is damaged and cannot be opened")
    return JobError(10904, "this is not a media file of an accepted type")
