"""A film's pictures with the times that they have in the file, any stretch of them, and stretches encoded apart and joined without loss.

Unlike frames.Source nothing is brought into even time: there come out as many pictures as went in, each at its own moment.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from numpy.typing import NDArray

from apps.core import errors
from apps.core.errors import JobError
from apps.engine.lipsync import frames
from apps.engine.lipsync.faces import Picture
from apps.engine.media import OPEN_OPTIONS, MediaInfo
from apps.engine.pictures import frame_size
from apps.engine.settings import EngineSettings

Times = NDArray[np.int64]
REORDERED = 2
"""By how many pictures x264's order of decoding differs from that of showing, at most (B-frames with a pyramid)."""


class Film(frames.Source):
    """The pictures of a probed file, each with its own time. `times` (ticks of `tick` seconds from the first picture on), `origin` (its
    own time in the file), `true_times` (the file's times can be relied on) and `colours` are known after a pass over all pictures.
    """

    def __init__(self, path: Path, info: MediaInfo) -> None:
        super().__init__(path, info, "source")
        self.size = frame_size(self._video)
        self.times: Times = np.zeros(0, np.int64)
        self.tick = Fraction(1, 90_000)
        self.true_times = True
        self.origin = 0
        self._reading: tuple[int, Iterator[av.VideoFrame] | None] = (-1, None)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """The time of each picture from the first one on."""
        return np.asarray(self.times * float(self.tick), np.float64)

    def pictures(self, limit: int) -> Iterator[Picture]:
        """At most `limit` pictures from the start; raises JobError 10902 when nothing can be decoded."""
        times: list[int] = []
        self.true_times = True
        for ticks, frame in self._ticked(None):
            if not times:
                self.colours = frames.Colours(frame.colorspace, frame.color_primaries, frame.color_trc)
                self.origin = ticks
            now = ticks - self.origin
            if times and now <= times[-1]:
                now, self.true_times = times[-1] + 1, False  # two pictures at one moment: both are kept
            times.append(now)
            yield self._upright(frame)
            if len(times) >= limit:
                break
        if not times:
            raise JobError(errors.DAMAGED, "the video's pictures cannot be decoded")
        self.times = np.array(times, np.int64)

    def stretch(self, first: int, last: int) -> Iterator[Picture]:
        """The pictures number `first` to `last` (excluded), as they came in a pass over all; raises JobError 10902.

        Stretches asked for one behind the other are read in one go.
        """
        reached, frames_on = self._reading
        if frames_on is None or reached != first:
            frames_on = self._from(first)
        self._reading = -1, None
        for number, frame in enumerate(frames_on, start=first + 1):
            yield self._upright(frame)
            if number >= last:
                self._reading = last, frames_on
                return
        raise JobError(errors.DAMAGED, "the video's pictures cannot be decoded a second time")

    def _from(self, first: int) -> Iterator[av.VideoFrame]:
        """Frames from number `first` on: by a jump to the key picture before it where the file can be trusted, else from the start."""
        if first and self.true_times:
            wanted = int(self.times[first]) + self.origin
            frames_on = self._ticked(wanted)
            for ticks, frame in frames_on:
                if ticks == wanted:
                    yield frame
                    yield from (later for _, later in frames_on)
                    return
                if ticks > wanted:
                    break  # the jump went too far
        for number, (_, frame) in enumerate(self._ticked(None)):
            if number >= first:
                yield frame

    def _ticked(self, at: int | None) -> Iterator[tuple[int, av.VideoFrame]]:
        """(time in the file in ticks, frame) from the start, or from the key picture at or before `at`."""
        with av.open(str(self._path), mode="r", format=self._info.demuxer, options=dict(OPEN_OPTIONS)) as container:
            stream = next(one for one in container.streams.video if one.index == self._video.index)
            stream.thread_type = "AUTO"
            stream.codec_context.thread_count = EngineSettings.from_env().cores
            self.tick = stream.time_base or self.tick
            step = max(1, round(1 / (self.fps * float(self.tick))))
            if at is not None:
                container.seek(at, stream=stream, backward=True)
            last: int | None = None
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError as error:
                    if isinstance(error, MemoryError):
                        raise
                    continue
                for frame in decoded:
                    if frame.pts is None:
                        self.true_times = False
                    last = frame.pts if frame.pts is not None else 0 if last is None else last + step
                    yield last, frame


class StretchWriter(frames.Encoder):
    """Writes one stretch as a file of its own: it begins with a key picture and leans on nothing outside of it."""

    def __init__(self, target: Path, film: Film, settings: EngineSettings) -> None:
        super().__init__(target, film.size, film.rate, settings, film.colours)
        self._stream.codec_context.time_base = film.tick
        self._stream.time_base = film.tick
        self._tick = film.tick

    def __enter__(self) -> Self:
        return self

    def write_at(self, picture: Picture, time: int) -> None:
        """The next BGR picture, shown at this time (ticks from the start of the stretch)."""
        frame = self._frame(picture)
        frame.pts, frame.time_base = time, self._tick
        self._container.mux(self._stream.encode(frame))


def cut(times: Times, tick: Fraction, seconds: float) -> list[tuple[int, int]]:
    """The film in stretches of about `seconds`: (first, last excluded) numbers of pictures.

    The borders depend on the pictures' times alone, so that an edit of the words moves none. A rest under a third of a stretch goes with
    the one before.
    """
    if not len(times):
        return []
    number = (times * float(tick) / seconds).astype(np.int64)
    borders = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(times)]
    rest = float(times[-1] - times[borders[-2]]) * float(tick)
    if len(borders) > 2 and rest < seconds / 3:
        del borders[-2]
    return list(itertools.pairwise(borders))


def join(parts: Sequence[Path], spans: Sequence[tuple[int, int]], film: Film, target: Path) -> None:
    """Puts stretches behind one another as they are (nothing is encoded again), each picture at its time in the film."""
    with av.open(str(target), mode="w", format="mp4") as container:
        stream: av.VideoStream | None = None
        for path, (first, last) in zip(parts, spans, strict=True):
            with av.open(str(path), mode="r", format="mov") as part:
                if stream is None:
                    stream = container.add_stream_from_template(part.streams.video[0])
                    stream.time_base = film.tick
                for place, packet in enumerate(_in_order(part.demux(part.streams.video[0]), last - first)):
                    ticks = round(packet.pts * packet.time_base / film.tick) if packet.pts is not None else 0
                    packet.pts = ticks + int(film.times[first])
                    packet.dts = _decoded_at(film, first + place)
                    packet.time_base = film.tick
                    packet.stream = stream
                    container.mux(packet)


def _in_order(packets: Iterable[av.Packet[av.VideoStream]], wanted: int) -> Iterator[av.Packet[av.VideoStream]]:
    count = 0
    for packet in packets:
        if packet.size:
            count += 1
            yield packet
    if count != wanted:
        raise JobError(errors.ENGINE_FAULT, "a stretch of the video lacks pictures")


def _decoded_at(film: Film, number: int) -> int:
    """When the packet at this place of the file is to be decoded: never after it is shown, always later than the one before."""
    if number >= REORDERED:
        return int(film.times[number - REORDERED])
    step = max(1, round(1 / (film.fps * float(film.tick))))
    return int(film.times[0]) - (REORDERED - number) * step
