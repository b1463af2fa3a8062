"""Reads subtitles that are burnt into the picture: sampled frames, text inside a box, merged over time into cues."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from apps.core.errors import JobError
from apps.core.languages import AUTO, base_language
from apps.core.options import TextBox
from apps.engine.media import OPEN_OPTIONS, MediaInfo
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.subtitles import Cue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_SECONDS = 0.2
FORCED_SECONDS = 2.0
"""A text that seems unchanged is read again after this time."""

CHANGED = 0.06
"""Share of outline pixels that must differ for a new reading."""

MIN_SCORE = 0.7
MIN_SCORE_SHORT = 0.92
"""For texts of up to three letters, which is what textures are mistaken for."""

MAX_WIDTH = 1280
SAME_TEXT = 0.75
MAX_GAP_SECONDS = 0.45
MIN_CUE_SECONDS = 0.35
DEFAULT_BOX = TextBox(x=0.0, y=0.6, width=1.0, height=0.4)
UNREADABLE = frozenset(
    {
        "ru", "uk", "bg", "mk", "sr", "mn", "kk", "ko", "ar", "fa", "ur", "ps", "he", "hi", "mr", "ne", "bn", "gu", "pa",
        "ta", "te", "kn", "ml", "th", "el", "am",
    }
)  # fmt: skip
"""Languages whose scripts the installed model (PP-OCRv6 small: Chinese, Japanese, Latin) does not know."""


class Reading(msgspec.Struct, frozen=True):
    """What was read in one frame; start and end of the time it stands for."""

    start: float
    end: float
    text: str
    score: float


def read_text(
    path: Path, info: MediaInfo, box: TextBox | None, language: str, settings: EngineSettings, report: Report
) -> list[Cue]:
    """Cues of the text inside the box (default: the lower 40 % of the picture).

    Raises JobError 10032 when there is none, 10033 when the language's script cannot be read, 10902 when the picture
    cannot be decoded.
    """
    if language != AUTO and base_language(language) in UNREADABLE:
        raise JobError(10033, f"text in this language ({language}) cannot be read off the picture here")
    reader = Reader(settings)
    readings = list(_readings(reader, path, info, box or DEFAULT_BOX, report))
    cues = merge(readings)
    if not cues:
        raise JobError(10032, "no text was found inside the box")
    return cues


class Reader:
    """A loaded rapidocr engine."""

    def __init__(self, settings: EngineSettings) -> None:
        try:
            import rapidocr
        except ImportError as error:
            raise JobError(10032, "reading text off the picture needs rapidocr, which is not installed") from error
        threads = {"EngineConfig.onnxruntime.intra_op_num_threads": settings.cores}
        limits = {"Det.limit_type": "max", "Det.limit_side_len": 960, "Global.log_level": "error"}
        self._engine: Any = rapidocr.RapidOCR(params=threads | limits)

    def read(self, image: NDArray[np.uint8]) -> tuple[str, float]:
        """Text (rows joined with newlines, top to bottom) and its mean score; ("", 0) when there is none."""
        result = self._engine(image, use_cls=False)
        if result.boxes is None or not result.txts:
            return "", 0.0
        items = [
            (float(b[:, 1].min()), float(b[:, 1].max()), float(b[:, 0].min()), text.strip(), float(score))
            for b, text, score in zip(result.boxes, result.txts, result.scores, strict=True)
            if score >= (MIN_SCORE if _letters(text) > 3 else MIN_SCORE_SHORT) and _letters(text)
        ]
        if not items:
            return "", 0.0
        text = "\n".join(" ".join(item[3] for item in row) for row in _rows(items))
        return tidy(text), sum(item[4] for item in items) / len(items)


def _letters(text: str) -> int:
    """Letters and digits; an ideograph counts as two."""
    return sum(1 + (ord(c) > 0x2E80) for c in text if c.isalnum())


def _rows(items: list[tuple[float, float, float, str, float]]) -> list[list[tuple[float, float, float, str, float]]]:
    """Boxes (top, bottom, left, text, score) grouped into rows, each from left to right."""
    rows: list[list[tuple[float, float, float, str, float]]] = []
    for item in sorted(items):
        last = rows[-1][0] if rows else None
        if last is not None and (item[0] + item[1]) / 2 < last[1] - 0.2 * (last[1] - last[0]):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [sorted(row, key=lambda item: item[2]) for row in rows]


def tidy(text: str) -> str:
    """Spaces where the model loses them: after punctuation between Latin words, and between a small and a capital letter."""
    text = re.sub(r"(?<=[a-zà-ÿ])([,;:!?])(?=[A-Za-zÀ-ÿ])", r"\1 ", text)
    text = re.sub(r"(?<=[a-zà-ÿ]{2})\.(?=[A-ZÀ-Þ][a-zà-ÿ])", ". ", text)
    return re.sub(r"(?<=[a-zà-ÿ]{2})(?=[A-ZÀ-Þ][a-zà-ÿ]{2})", " ", text)


def merge(readings: list[Reading]) -> list[Cue]:
    """Readings in order of time into cues: like texts run together over short gaps, the most certain wording wins."""
    groups: list[list[Reading]] = []
    for reading in readings:
        if not reading.text:
            continue
        last = groups[-1] if groups else None
        if last and reading.start - last[-1].end <= MAX_GAP_SECONDS and _alike(last[-1].text, reading.text):
            last.append(reading)
        else:
            groups.append([reading])
    cues = []
    for group in groups:
        if group[-1].end - group[0].start >= MIN_CUE_SECONDS:
            wordings: dict[str, float] = {}
            for reading in group:
                wordings[reading.text] = (
                    wordings.get(reading.text, 0.0) + (reading.end - reading.start) * reading.score**4
                )
            best = max(wordings, key=lambda text: wordings[text])
            # A text appears and goes somewhere between two samples: on average in the middle.
            shift = SAMPLE_SECONDS / 2
            start = group[0].start - (shift if group[0] is not readings[0] else 0.0)
            end = group[-1].end - (shift if group[-1] is not readings[-1] else 0.0)
            cues.append(Cue(round(start, 3), round(end, 3), best))
    return cues


def _alike(first: str, second: str) -> bool:
    return first == second or difflib.SequenceMatcher(None, first, second, autojunk=False).ratio() >= SAME_TEXT


def _readings(reader: Reader, path: Path, info: MediaInfo, box: TextBox, report: Report) -> Iterator[Reading]:
    outline: NDArray[np.bool_] | None = None
    text, score, read_at = "", 0.0, -FORCED_SECONDS
    for start, end, image in _samples(path, info, box):
        new = _outline(image)
        if outline is None or _differs(outline, new) or start - read_at >= FORCED_SECONDS:
            text, score = reader.read(image)
            outline, read_at = new, start
        yield Reading(start, end, text, score)
        report(min(end, info.duration), info.duration, "second")


def _samples(path: Path, info: MediaInfo, box: TextBox) -> Iterator[tuple[float, float, NDArray[np.uint8]]]:
    """(start, end, picture of the box) about every SAMPLE_SECONDS, upright, at most MAX_WIDTH wide."""
    import av
    import numpy as np

    video = info.video
    assert video is not None
    waiting: tuple[float, NDArray[np.uint8]] | None = None
    try:
        with av.open(str(path), options=dict(OPEN_OPTIONS), format=info.demuxer) as container:
            stream = container.streams[video.index]
            assert isinstance(stream, av.VideoStream)
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                if frame.pts is None:
                    continue
                now = max(0.0, frame.time - info.start)
                if waiting is not None and now < waiting[0] + SAMPLE_SECONDS - 1e-3:
                    continue
                image = crop(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8), video.rotation, box)
                if waiting is not None:
                    yield waiting[0], now, waiting[1]
                waiting = (now, image)
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError):
            raise
        if waiting is None:
            raise JobError(10902, "the picture track is damaged: it cannot be decoded") from error
    if waiting is not None:
        yield waiting[0], max(waiting[0] + 0.02, info.duration), waiting[1]


def crop(image: NDArray[np.uint8], rotation: int, box: TextBox) -> NDArray[np.uint8]:
    """The box of the upright picture; rotation is the clockwise turn that players apply."""
    import cv2
    import numpy as np

    image = np.rot90(image, -rotation // 90) if rotation else image
    height, width = image.shape[:2]
    left, top = int(box.x * width), int(box.y * height)
    right = min(width, max(left + 8, round((box.x + box.width) * width)))
    bottom = min(height, max(top + 8, round((box.y + box.height) * height)))
    part = np.ascontiguousarray(image[top:bottom, left:right])
    if part.shape[1] > MAX_WIDTH:
        size = (MAX_WIDTH, max(1, part.shape[0] * MAX_WIDTH // part.shape[1]))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    # A margin, as the detector misses and splits text that touches the edge of a flat picture.
    edge = max(8, part.shape[1] // 10 - part.shape[0] // 2)
    return np.asarray(cv2.copyMakeBorder(part, edge, edge, 8, 8, cv2.BORDER_CONSTANT), np.uint8)


def _outline(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where something bright or dark stands out sharply from what is around it: letters and little else."""
    import cv2
    import numpy as np

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (480, max(8, grey.shape[0] * 480 // grey.shape[1])), interpolation=cv2.INTER_AREA)
    around = cv2.GaussianBlur(small, (0, 0), 6)
    return np.asarray(np.abs(small.astype(np.int16) - around.astype(np.int16)) > 45)


def _differs(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    if first.shape != second.shape:
        return True
    either = int((first | second).sum())
    return either > 25 and int((first ^ second).sum()) > CHANGED * either
