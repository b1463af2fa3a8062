"""Pictures and sound in and out of lip sync: even-timed decoding, encoding, and a soundtrack that is not touched."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine import ffmpeg
from apps.engine.lipsync.faces import Picture
from apps.engine.lipsync.types import SHORTER_SIDE, LipsyncResolution
from apps.engine.media import OPEN_OPTIONS, MediaInfo
from apps.engine.settings import EngineSettings

Counter = Callable[[int], None]
SOUND_RATE = 16_000
COPIED = frozenset({"aac", "mp3", "flac", "alac", "opus", "ac3", "eac3"})
"""Sound formats that MP4 carries as they are; all others become FLAC, which loses nothing either."""
CRF, PRESET = "16", "veryfast"
TO_YUV = Interpolation.AREA | Interpolation.ACCURATE_RND
"""swscale's quick way from BGR takes the colour of one pixel in four and rounds coarsely: 40 dB at best; this one 45, in the same time."""
MAX_FPS = 60
MAX_SIDE = 4096
"""Pixels of the longer side of a result: players and encoders end there."""
TRUST = 1.1
"""How many times longer than its header tells a sound may be, beside a second: some headers round. The rest is not worked on."""
KEPT_BYTES = 400 * 1024**2
SWS_MATRIX = {1: 1, 9: 9}
"""swscale's number of a colour matrix by its number in the stream; all others are BT.601, as swscale itself takes it."""
SWS_BT601 = 5


class Colours(NamedTuple):
    """What a stream says of its colours: matrix, primaries and transfer by their numbers in H.273."""

    matrix: int = 6
    primaries: int = 6
    transfer: int = 6

    @property
    def sws(self) -> int:
        """The matrix as swscale numbers it."""
        return SWS_MATRIX.get(self.matrix, SWS_BT601)


@dataclass(frozen=True)
class Sound:
    """A sound file: the demuxer that the probe accepted, the track's number in the file, its codec, and at what second it begins.

    The sound of a film may begin after its pictures; the result keeps that pause, and mouths are shut in it. Where it is cut after
    `seconds`, it is stored anew. `most` ends what is longer than its header tells: that much was paid for.
    """

    path: Path
    demuxer: str
    index: int
    codec: str
    start: float = 0.0
    seconds: int | None = None
    most: float = math.inf

    @classmethod
    def of(cls, path: Path, info: MediaInfo, seconds: int | None = None) -> Sound:
        """The first sound track of a probed file, or only its first `seconds`; raises JobError 10002 when there is none."""
        if not info.audio:
            raise JobError(errors.NO_AUDIO, "the sound file has no audio stream")
        first = info.audio[0]
        if seconds is not None and first.start + first.duration <= seconds:
            seconds = None
        start, most = first.start if first.steady else 0.0, info.duration * TRUST + 1
        return cls(path, info.demuxer, first.index, first.codec, start, seconds, most)

    @property
    def input(self) -> list[str]:
        """ffmpeg's arguments that open it."""
        limit = min(self.most, math.inf if self.seconds is None else self.seconds)
        return [*(["-t", f"{limit:.3f}"] if math.isfinite(limit) else []), *ffmpeg.media_input(self.path, self.demuxer)]


def read_sound(sound: Sound, rate: int = SOUND_RATE) -> NDArray[np.float32]:
    """The whole sound as mono float -1..1, with the pause that it begins after; raises JobError 10003."""
    args = [*sound.input, "-map", f"0:{sound.index}", "-vn", "-ac", "1"]
    found = ffmpeg.run(
        [*args, "-ar", str(rate), "-f", "s16le", "pipe:1"], code=10003, what="decoding the sound", capture=True
    )
    heard = np.asarray(np.frombuffer(found.stdout, np.int16) / 32768, np.float32)
    heard = np.pad(heard, (round(sound.start * rate), 0)) if sound.start else heard
    return heard if sound.seconds is None else heard[: sound.seconds * rate]


def scaled(size: tuple[int, int], resolution: LipsyncResolution) -> tuple[int, int]:
    """Width and height of the result: the shorter side at most as asked for, the longer one at most MAX_SIDE, never enlarged, even."""
    side = SHORTER_SIDE.get(resolution)
    factor = min(1.0, MAX_SIDE / max(size), math.inf if side is None else side / max(1, min(size)))
    width, height = (max(2, round(length * factor / 2) * 2) for length in size)
    return width, height


class Source:
    """The pictures of a video in even time, upright, with square pixels, scaled; may be gone through more than once.

    `frames` is how many there are, counted by the probe's length (decoding may give a few less). Those of a short video are kept from
    the first time on, so that the second time costs nothing.
    """

    def __init__(self, path: Path, info: MediaInfo, resolution: LipsyncResolution) -> None:
        if info.video is None:
            raise JobError(errors.NO_VIDEO, "the file has no video stream")
        self._path, self._info, self._video = path, info, info.video
        self.size = scaled((self._video.display_width, self._video.display_height), resolution)
        self.rate = Fraction(min(self._video.fps, MAX_FPS)).limit_denominator(1001)
        self.fps = float(self.rate)
        self.duration = self._video.duration
        self.frames = max(1, round(self._video.duration * self.fps))
        self.colours = Colours()
        self._kept: list[Picture] | None = None
        self._whole = 1 << 60
        self._reformatter = av.video.reformatter.VideoReformatter()

    def pictures(self, limit: int) -> Iterator[Picture]:
        """At most `limit` BGR pictures; raises JobError 10902 when nothing can be decoded."""
        if self._kept is not None and len(self._kept) >= min(limit, self._whole):
            yield from self._kept[:limit]
            return
        keep: list[Picture] | None = []
        number, room = 0, KEPT_BYTES // (3 * self.size[0] * self.size[1])
        for picture in self._even(limit):
            number += 1
            if keep is not None:
                keep.append(picture)
                if len(keep) > room:
                    keep = None
            yield picture
        self._kept, self._whole = keep, number if number < limit else self._whole

    def samples(self, every: float, until: float, *, keys_only: bool = False) -> Iterator[tuple[float, Picture]]:
        """(second, picture) at least `every` seconds apart, before second `until`; keys_only decodes key pictures alone, which is quick."""
        due = 0.0
        for second, frame in self._frames(keys_only=keys_only):
            if second >= until:
                return
            if second >= due:
                due = second + every
                yield second, self._upright(frame)

    def _even(self, limit: int) -> Iterator[Picture]:
        number, last = 0, None
        for second, picture in self._decoded():
            while last is not None and number < limit and number / self.fps < second - 0.5 / self.fps:
                yield last
                number += 1
            last = picture
            if number >= limit:
                return
        if last is None:
            raise JobError(errors.DAMAGED, "the video's pictures cannot be decoded")
        if number < limit:
            yield last

    def _decoded(self) -> Iterator[tuple[float, Picture]]:
        """(second from the first picture on, picture) as they are in the file."""
        for second, frame in self._frames():
            yield second, self._upright(frame)

    def _frames(self, *, keys_only: bool = False) -> Iterator[tuple[float, av.VideoFrame]]:
        options = dict(OPEN_OPTIONS)
        with av.open(str(self._path), mode="r", format=self._info.demuxer, options=options) as container:
            stream = container.streams.video[0]
            for candidate in container.streams.video:
                if candidate.index == self._video.index:
                    stream = candidate
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = EngineSettings.from_env().cores
            if keys_only:
                stream.codec_context.skip_frame = "NONKEY"
            origin: float | None = None
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError as error:
                    if isinstance(error, MemoryError):
                        raise
                    continue  # a damaged packet: the picture before it stays
                for frame in decoded:
                    seconds: float | None = getattr(frame, "time", None)  # the type stubs forget that it may be missing
                    if seconds is None:
                        continue
                    if origin is None:
                        origin = seconds
                        self.colours = Colours(frame.colorspace, frame.color_primaries, frame.color_trc)
                    yield seconds - origin, frame

    def _upright(self, frame: av.VideoFrame) -> Picture:
        width, height = self.size if self._video.rotation in {0, 180} else self.size[::-1]
        plain = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="bgr24",
            src_colorspace=self.colours.sws,
            interpolation="AREA" if width < frame.width else "BICUBIC",
        )
        turns = {90: 3, 180: 2, 270: 1}.get(self._video.rotation, 0)
        return np.ascontiguousarray(np.rot90(plain.to_ndarray(), turns)).astype(np.uint8, copy=False)


class Encoder:
    """Writes pictures of one size as H.264 in MP4, playable everywhere, with the colours that the source had."""

    def __init__(
        self,
        target: Path,
        size: tuple[int, int],
        rate: Fraction,
        settings: EngineSettings,
        colours: Colours | None = None,
    ) -> None:
        self._colours = colours or Colours()
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._container = av.open(str(target), mode="w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=rate, options={"crf": CRF, "preset": PRESET})
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.thread_count = settings.cores
        context.colorspace, context.color_primaries, context.color_trc = self._colours
        context.color_range = 1

    def write(self, picture: Picture) -> None:
        """The next BGR picture."""
        self._container.mux(self._stream.encode(self._frame(picture)))

    def _frame(self, picture: Picture) -> av.VideoFrame:
        plain = av.VideoFrame.from_ndarray(picture, format="bgr24")
        return self._reformatter.reformat(
            plain, format="yuv420p", dst_colorspace=self._colours.sws, interpolation=TO_YUV
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def add_sound(target: Path, sound: Sound) -> None:
    """Puts the sound beside the pictures in `target`, as it is where MP4 can carry it whole, else as FLAC; raises JobError 10003."""
    silent = target.with_name(target.stem + ".silent.mp4")
    target.replace(silent)
    codec = "copy" if sound.codec in COPIED and sound.seconds is None else "flac"
    try:
        ffmpeg.run(
            ["-f", "mp4", "-i", str(silent), *sound.input, "-map", "0:v:0", "-map",
             f"1:{sound.index}", "-c:v", "copy", "-c:a", codec, "-strict", "-2", "-movflags", "+faststart", "-f", "mp4", str(target)],
            what="putting pictures and sound together",
        )  # fmt: skip
    finally:
        silent.unlink(missing_ok=True)
