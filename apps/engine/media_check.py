"""Tests that a media file really holds what its header promises: a walk over its packets and sample decodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av
import msgspec

from apps.core.errors import JobError
from apps.engine import ffmpeg
from apps.engine.task import Limits

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

SAMPLE_POINTS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.97)
SAMPLE_PACKETS = 40
SAMPLE_FRAMES = 6
BIG_FRAME_PIXELS = 2_500_000
FIRST_FRAME = 2048
"""Bytes after the tags in which an MP3's first frame lies, padding included."""
MISSING_SECONDS = 1.0
MISSING_FRACTION = 0.03


class Track(msgspec.Struct):
    """What the walk over all packets found of one stream, in seconds of the file's own clock."""

    packets: int = 0
    first: float | None = None
    last: float = 0.0


def check_length(seconds: float, limits: Limits) -> None:
    """Raises 10905 when media of this length is not accepted."""
    if limits.max_seconds and seconds > limits.max_seconds:
        raise JobError(10905, f"the media is longer than {limits.max_seconds / 60:.0f} minutes")


def walk(container: InputContainer, streams: list[VideoStream | AudioStream], limits: Limits) -> dict[int, Track]:
    """Reads all packets without decoding: finds real lengths and files that end early."""
    tracks = {stream.index: Track() for stream in streams}
    bases = {stream.index: float(stream.time_base or 0) for stream in streams}
    origin: float | None = None
    try:
        for packet in container.demux(streams):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if stamp is None or packet.size == 0:
                continue
            track, base = tracks[packet.stream.index], bases[packet.stream.index]
            seconds = stamp * base
            track.packets += 1
            track.first = seconds if track.first is None else min(track.first, seconds)
            track.last = max(track.last, seconds + (packet.duration or 0) * base)
            origin = seconds if origin is None else min(origin, seconds)
            if limits.max_seconds and track.last - origin > limits.max_seconds:
                check_length(track.last - origin, limits)
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        # A read error in the middle: check_complete compares what was reached with what the header promised.
    return tracks


def guesses_length(path: Path, demuxer: str) -> bool:
    """True for files whose length is nowhere written: ADTS, and MP3 without a table (Xing, Info, VBRI) in its first frame.

    What the demuxer declares then is a guess by the first frames' bit rate, wrong by any factor where the rate changes.
    """
    if demuxer != "mp3":
        return demuxer == "aac"
    with path.open("rb") as stream:
        head = stream.read(10)
        tags = 0
        if head.startswith(b"ID3") and len(head) == 10:
            tags = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        stream.seek(tags)
        first = stream.read(FIRST_FRAME)
    return not any(name in first for name in (b"Xing", b"Info", b"VBRI"))


def first_time(tracks: dict[int, Track]) -> float:
    """The earliest time stamp of all tracks, in seconds of the file's own clock."""
    return min((track.first for track in tracks.values() if track.first is not None), default=0.0)


def check_complete(
    container: InputContainer, walked: dict[int, Track], declared: float, start: float, *, guessed: bool = False
) -> None:
    """Raises 10902 when a track, or the whole, ends clearly before the length that the file's header promises (not only guesses)."""
    if not any(track.packets for track in walked.values()):
        raise JobError(10902, "the file holds no media data")
    if guessed:
        return
    told = False
    for index, track in walked.items():
        stream = container.streams[index]
        if not stream.duration or not stream.time_base:
            continue
        told = True
        promised = float(stream.duration * stream.time_base)
        begin = track.first if track.first is not None else start
        _check_end(promised, track.last - begin if track.packets else 0.0)
    # The whole may be longer than its sound and pictures where subtitles or data tracks go on.
    if declared and not told and len(walked) == len(container.streams):
        _check_end(declared, max(track.last for track in walked.values()) - start)


def _check_end(promised: float, found: float) -> None:
    if promised - found > max(MISSING_SECONDS, MISSING_FRACTION * promised):
        raise JobError(10902, f"the file ends early: it should last {promised:.1f} s but only {found:.1f} s are there")


def test_pictures(container: InputContainer, video: VideoStream, duration: float) -> tuple[int, bool]:
    """Decodes a little at several places; gives PyAV's rotation and whether it is interlaced; raises 10902."""
    pixels = video.codec_context.width * video.codec_context.height
    frames, errors = _decode_samples(container, video, duration, 2 if pixels > BIG_FRAME_PIXELS else SAMPLE_FRAMES)
    pictures = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
    if not pictures or errors > len(pictures):
        raise JobError(10902, "the picture track is damaged: it cannot be decoded")
    return int(pictures[-1].rotation), any(frame.interlaced_frame for frame in pictures)


def test_sound(container: InputContainer, audio: AudioStream, duration: float, path: Path, demuxer: str) -> None:
    """The same for sound. PyAV 18 cannot decode Vorbis from Ogg, so ffmpeg has the last word; raises 10902."""
    frames, errors = _decode_samples(container, audio, duration, SAMPLE_FRAMES)
    if frames and errors <= len(frames):
        return
    source = ffmpeg.media_input(path, demuxer)
    args = [*source, "-map", f"0:{audio.index}", "-t", "2", "-f", "s16le", "pipe:1"]
    if not ffmpeg.run(args, code=10902, what="decoding the audio track", capture=True).stdout:
        raise JobError(10902, "the audio track is damaged: it cannot be decoded")


def _decode_samples(
    container: InputContainer, stream: VideoStream | AudioStream, duration: float, wanted: int
) -> tuple[list[av.VideoFrame | av.AudioFrame], int]:
    frames: list[av.VideoFrame | av.AudioFrame] = []
    errors = 0
    for point in SAMPLE_POINTS if duration > 3 else SAMPLE_POINTS[:1]:
        some, failed = _decode_some(container, stream, point * duration, wanted)
        frames += some
        errors += failed
    return frames, errors


def _decode_some(
    container: InputContainer, stream: VideoStream | AudioStream, seconds: float, wanted: int
) -> tuple[list[av.VideoFrame | av.AudioFrame], int]:
    """Up to `wanted` frames from about `seconds` on, and the number of packets that failed."""
    frames: list[av.VideoFrame | av.AudioFrame] = []
    errors = 0
    try:
        container.seek(int((seconds + (container.start_time or 0) / av.time_base) * av.time_base))
    except av.error.FFmpegError:
        if seconds > 0:
            return frames, errors
    stream.codec_context.flush_buffers()
    packets = 0
    try:
        for packet in container.demux(stream):
            packets += 1
            try:
                frames += [f for f in packet.decode() if isinstance(f, av.VideoFrame | av.AudioFrame)]
            except av.error.FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise
                errors += 1
            if len(frames) >= wanted or packets > SAMPLE_PACKETS:
                break
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        errors += 1
    return frames, errors
