"""Who speaks: lines are grouped by voice embeddings, within the number of speakers that was asked for."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.core.errors import JobError
from apps.core.options import SpeakerCount
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Line, Speaker

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000
SAME_VOICE = 0.65
"""Mean cosine between groups from which on they count as one voice (measured: same 0.70..0.92, others 0.43..0.57)."""

SURE_SECONDS = 1.6
"""Shorter lines do not found a group (one voice then scatters down to 0.53); they join the nearest."""

SHORT_SECONDS = 0.8

SMALL_GROUP_SECONDS = 3.0
SMALL_GROUP_LIKENESS = 0.58
MAX_CLUSTERED = 400
MAX_PIECE_SECONDS = 12.0
PITCH_SECONDS = 30.0
LINES_AT_ONCE = 64


def available(settings: EngineSettings) -> bool:
    """True when the speaker model is installed."""
    from apps.engine.voiceprint import WEIGHTS_FILE

    return settings.model_path(WEIGHTS_FILE).exists()


def assign(lines: Sequence[Line], audio: Path | None, count: SpeakerCount, settings: EngineSettings) -> list[Speaker]:
    """Sets line.speaker and returns the speakers in order of appearance.

    One speaker when only one is asked for, when there is no sound, or when the model is not installed and several were
    not asked for. Raises JobError 10021 when several are asked for and cannot be told apart.
    """
    if count.min and count.max and count.min > count.max:
        raise JobError(10021, "the least number of speakers is larger than the greatest")
    several_wanted = (count.min or 1) > 1
    labels = np.zeros(len(lines), int)
    if audio is not None and len(lines) > 1 and count.max != 1:
        if available(settings):
            labels = cluster(_embed(lines, audio, settings), [line.end - line.start for line in lines], count)
        elif several_wanted:
            raise JobError(10021, "telling several speakers apart needs the speaker model, which is not installed")
    return name_speakers(lines, labels, audio)


def name_speakers(lines: Sequence[Line], labels: NDArray[np.int_], audio: Path | None) -> list[Speaker]:
    """Speakers "s1", "s2" ... by first appearance, with the pitch of their voices."""
    order = list(dict.fromkeys(int(label) for label in labels))
    speakers = []
    for position, label in enumerate(order, 1):
        own = [line for line, other in zip(lines, labels, strict=True) if other == label]
        for line in own:
            line.speaker = f"s{position}"
        pitch = median_pitch(own, audio) if audio is not None else 0.0
        speakers.append(Speaker(id=f"s{position}", label=f"Speaker {position}", pitch=pitch))
    return speakers


def by_names(lines: Sequence[Line], names: Sequence[str], audio: Path | None) -> list[Speaker] | None:
    """Speakers from the names in a subtitle file; None when it names nobody. Lines without a name keep the last one."""
    if not any(names):
        return None
    filled: list[str] = []
    for name in names:
        filled.append(name or (filled[-1] if filled else next(n for n in names if n)))
    known = list(dict.fromkeys(filled))
    labels = np.array([known.index(name) for name in filled])
    speakers = name_speakers(lines, labels, audio)
    return [Speaker(id=s.id, label=known[i], pitch=s.pitch) for i, s in enumerate(speakers)]


def cut_pieces(lines: Sequence[Line], audio: Path) -> Iterator[NDArray[np.float32]]:
    """The sound of each line, at most MAX_PIECE_SECONDS from its middle."""
    import soundfile

    with soundfile.SoundFile(audio) as file:
        for line in lines:
            middle, half = (line.start + line.end) / 2, min(line.end - line.start, MAX_PIECE_SECONDS) / 2
            start = min(max(0, int((middle - half) * RATE)), max(0, len(file) - 1))
            file.seek(start)
            piece = file.read(max(400, int(2 * half * RATE)), dtype="float32")
            yield np.asarray(piece if len(piece) else np.zeros(400), np.float32)


def cluster(vectors: NDArray[np.float32], seconds: Sequence[float], count: SpeakerCount) -> NDArray[np.int_]:
    """A group number per line: average-linkage clustering of the longer lines, the short ones join the nearest group."""
    weights = np.array(seconds)
    least, most = count.min or 1, count.max or 20
    longest = [int(i) for i in np.argsort(-weights, kind="stable")[:MAX_CLUSTERED]]
    founders = [i for i in longest if weights[i] >= SURE_SECONDS]
    if len(founders) < max(2, least):
        founders = [i for i in longest if weights[i] >= SHORT_SECONDS]
    if len(founders) < max(1, least):
        founders = longest[: max(1, least)]
    founders.sort()
    own = vectors[founders]
    merged = merge([[i] for i in range(len(founders))], own @ own.T, weights[founders], least, most)
    groups = [[founders[i] for i in group] for group in merged]
    centroids = np.stack([(vectors[g] * weights[g, None]).sum(axis=0) for g in groups])
    centroids /= np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-9)
    labels: NDArray[np.int_] = np.argmax(vectors @ centroids.T, axis=1)
    for position, group in enumerate(groups):
        labels[group] = position
    return labels


def merge(
    groups: list[list[int]], likeness: NDArray[np.float32], weights: NDArray[np.float64], least: int, most: int
) -> list[list[int]]:
    """Joins the two most alike groups again and again, until none are alike enough and there are not too many."""
    sums = np.array([[likeness[np.ix_(a, b)].sum() for b in groups] for a in groups], np.float64)
    sizes = np.array([len(g) for g in groups], np.float64)
    while len(groups) > least:
        mean = sums / np.outer(sizes, sizes)
        np.fill_diagonal(mean, -2.0)
        first, second = divmod(int(np.argmax(mean)), len(groups))
        first, second = min(first, second), max(first, second)
        alike = mean[first, second]
        if alike < SAME_VOICE and len(groups) <= most:
            small = [i for i, g in enumerate(groups) if weights[g].sum() < SMALL_GROUP_SECONDS]
            near = [(mean[i].max(), i) for i in small if mean[i].max() >= SMALL_GROUP_LIKENESS]
            if not near:
                break
            index = max(near)[1]
            first, second = sorted((index, int(np.argmax(mean[index]))))
        groups[first] = sorted(groups[first] + groups[second])
        sums[first] += sums[second]
        sums[:, first] += sums[:, second]
        sizes[first] += sizes[second]
        del groups[second]
        sums = np.delete(np.delete(sums, second, 0), second, 1)
        sizes = np.delete(sizes, second)
    return groups


def median_pitch(lines: Sequence[Line], audio: Path) -> float:
    """Median fundamental frequency in Hz over at most PITCH_SECONDS of voiced speech, 0 when there is none."""
    total, pitches = 0.0, []
    for line, piece in zip(lines, cut_pieces(lines, audio), strict=True):
        pitches.append(_pitches(piece))
        total += line.end - line.start
        if total > PITCH_SECONDS:
            break
    found = np.concatenate(pitches) if pitches else np.zeros(0)
    return round(float(np.median(found)), 1) if len(found) >= 5 else 0.0


def _pitches(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pitch of each clearly voiced frame of 40 ms, by autocorrelation between 60 and 400 Hz."""
    size, hop = 640, 320
    if len(samples) < size:
        return np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(size), 2 * size, axis=1)) ** 2
    correlation = np.fft.irfft(spectrum, axis=1)[:, :size]
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(size), 2 * size)) ** 2)[:size]
    normal = correlation / np.maximum(correlation[:, :1], 1e-12) / np.maximum(window / window[0], 1e-3)
    low, high = RATE // 400, RATE // 60
    lags = low + np.argmax(normal[:, low:high], axis=1)
    voiced = normal[np.arange(len(lags)), lags] > 0.6
    loud = correlation[:, 0] > 0.1 * np.median(correlation[:, 0])
    result: NDArray[np.float64] = RATE / lags[voiced & loud]
    return result


def _embed(lines: Sequence[Line], audio: Path, settings: EngineSettings) -> NDArray[np.float32]:
    """One vector per line, a few lines at a time, so that memory does not grow with the media."""
    from apps.engine.voiceprint import WEIGHTS_FILE, VoiceEncoder

    encoder, pieces = VoiceEncoder(settings.model_path(WEIGHTS_FILE)), cut_pieces(lines, audio)
    vectors = []
    while some := list(itertools.islice(pieces, LINES_AT_ONCE)):
        vectors.append(encoder.embed(some))
    return np.concatenate(vectors)
