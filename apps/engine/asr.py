"""Speech recognition with faster-whisper, block by block, so that memory and progress do not depend on the length."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from apps.core.errors import JobError
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
BLOCK_SECONDS = 600
CUT_SEARCH_SECONDS = 120
SEED = 20_240_229
"""For the sampling that Whisper falls back to: the same file always gives the same words."""

SURE = 0.5
"""From this language probability on the first guess is taken; below, the likeliest few are tried."""

CLEAR_LEAD = 3.0
"""So many times likelier than the second: taken as well."""

CANDIDATES = 3
MIN_CANDIDATE = 0.08
MIN_WORD_CONFIDENCE = 0.3
"""A segment whose words are less sure than this on average is noise put into words."""

QUIET_PEAK = 0.01
"""Below this level (-40 dBFS) the VAD takes speech for silence, so the sound is raised to TARGET_PEAK."""

MAX_GAIN = 60.0
TARGET_PEAK = 0.3

TEMPERATURES = (0.0, 0.2, 0.4)
"""What Whisper tries when it is unsure; hotter than this it makes sentences up out of noise."""

MIN_SAMPLED_LOGPROB = -0.9

MAX_COMPRESSION = 5.0
"""Text that zlib makes this many times smaller is one phrase over and over: Whisper is caught in a loop over what it cannot
understand, and sure of it. Its own limit of 2.4 only makes it try again."""

SIMPLIFIED_PROMPT = "以下是普通话的句子，请使用简体中文。"
TRADITIONAL_PROMPT = "以下是普通話的句子，請使用繁體中文。"


class Segment(msgspec.Struct):
    """What Whisper says in one go; times in seconds of the media."""

    start: float
    end: float
    text: str
    words: list[Word]
    confidence: float


class Heard(msgspec.Struct):
    """All segments; language is Whisper's code ("" when nothing was said), speech is in seconds."""

    language: str
    probability: float
    speech: float
    segments: list[Segment]


class Recognizer:
    """A loaded Whisper model; raises JobError 10020 when it is not installed or cannot be loaded."""

    def __init__(self, settings: EngineSettings) -> None:
        path = settings.model_path(f"whisper-{settings.whisper_model}")
        if not (path / "model.bin").exists():
            raise JobError(10020, f"the speech recognition model whisper-{settings.whisper_model} is not installed")
        import ctranslate2
        import faster_whisper

        self._beam = settings.whisper_beam
        self._seed: Callable[[int], None] = ctranslate2.set_random_seed
        try:
            self._model = faster_whisper.WhisperModel(
                str(path), device="cpu", compute_type="int8", cpu_threads=settings.cores, local_files_only=True
            )
        except (RuntimeError, ValueError) as error:
            if "alloc" in str(error).lower():
                raise
            raise JobError(10020, "the speech recognition model cannot be loaded") from error

    def transcribe(
        self, audio: Path, language: str | None, prompt: str | None, report: Callable[[float, float], None]
    ) -> Heard:
        """All speech of a 16 kHz mono WAV; language is Whisper's code or None to find out."""
        heard = Heard(language or "", 1.0 if language else 0.0, 0.0, [])
        for offset, samples, total in blocks(audio):
            if not heard.language:
                heard.language, heard.probability = self._language(samples)
            if heard.language:
                self._block(samples, offset, prompt, heard, functools.partial(_report_seconds, report, total))
            report(offset + len(samples) / RATE, total)
        return heard

    def english(self, samples: NDArray[np.float32], language: str | None) -> str:
        """The recognizer's own English translation of a short piece of speech."""
        self._seed(SEED)
        segments, _ = self._model.transcribe(
            samples, language=language, task="translate", beam_size=self._beam, vad_filter=False,
            condition_on_previous_text=False, without_timestamps=True,
        )  # fmt: skip
        return " ".join(segment.text.strip() for segment in segments).strip()

    def _block(
        self,
        samples: NDArray[np.float32],
        offset: float,
        prompt: str | None,
        heard: Heard,
        report: Callable[[float], None],
    ) -> None:
        segments, info = self._run(samples, heard.language, prompt)
        heard.speech += float(info.duration_after_vad)
        for segment in segments:
            report(offset + segment.end)
            words = [
                Word(
                    round(offset + float(w.start), 3),
                    round(offset + float(w.end), 3),
                    str(w.word),
                    round(float(w.probability), 3),
                )
                for w in segment.words or []
                if w.word.strip()
            ]
            confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
            guessed = segment.temperature > 0 and segment.avg_logprob < MIN_SAMPLED_LOGPROB
            looped = segment.compression_ratio > MAX_COMPRESSION
            if words and confidence >= MIN_WORD_CONFIDENCE and not guessed and not looped:
                heard.segments.append(
                    Segment(words[0].start, words[-1].end, segment.text.strip(), words, round(confidence, 3))
                )

    def _run(self, samples: NDArray[np.float32], language: str, prompt: str | None) -> tuple[Iterator[Any], Any]:
        self._seed(SEED)
        segments, info = self._model.transcribe(
            samples, language=language, beam_size=self._beam, vad_filter=True, word_timestamps=True,
            initial_prompt=prompt, temperature=TEMPERATURES,
        )  # fmt: skip
        return segments, info

    def _language(self, samples: NDArray[np.float32]) -> tuple[str, float]:
        """Language and its probability; "" when nothing is said here. Unsure guesses are decided by how well they fit."""
        import numpy as np

        spans = speech_spans(samples)
        if not spans:
            return "", 0.0
        spoken = np.concatenate([samples[start:end] for start, end in spans])[: 30 * RATE * 4]
        name, probability, ranking = self._model.detect_language(spoken, language_detection_segments=4)
        if probability >= SURE:
            return str(name), float(probability)
        likely = [(str(n), float(p)) for n, p in (ranking or []) if p >= MIN_CANDIDATE][:CANDIDATES] or [
            (str(name), float(probability))
        ]
        if len(likely) == 1 or likely[0][1] >= CLEAR_LEAD * likely[1][1]:
            return likely[0]
        return max(likely, key=lambda item: self._fit(spoken[: 30 * RATE], item[0]))

    def _fit(self, samples: NDArray[np.float32], language: str) -> float:
        """Mean log probability of the best text in this language, without sampling."""
        segments, _ = self._model.transcribe(
            samples, language=language, beam_size=self._beam, temperature=0.0, vad_filter=False, without_timestamps=True
        )
        found = [(len(s.tokens), s.avg_logprob) for s in segments]
        return sum(n * p for n, p in found) / max(1, sum(n for n, _ in found)) if found else -9.0


def _report_seconds(report: Callable[[float, float], None], total: float, seconds: float) -> None:
    report(seconds, total)


def speech_spans(samples: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Where someone speaks, in samples (Silero VAD with faster-whisper's default settings)."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    return [(int(span["start"]), int(span["end"])) for span in get_speech_timestamps(samples, VadOptions())]


def blocks(audio: Path) -> Iterator[tuple[float, NDArray[np.float32], float]]:
    """(offset in seconds, samples, total seconds) of pieces of at most BLOCK_SECONDS, cut where nobody speaks."""
    import soundfile

    with soundfile.SoundFile(audio) as file:
        total, position = len(file), 0
        while position < total:
            file.seek(position)
            samples = file.read(BLOCK_SECONDS * RATE, dtype="float32")
            samples = amplified(samples)
            if position + len(samples) < total:
                samples = samples[: _quiet_place(samples)]
            yield position / RATE, samples, total / RATE
            position += len(samples)


def amplified(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Very quiet recordings raised by up to MAX_GAIN, all others as they are."""
    import numpy as np

    peak = float(np.percentile(np.abs(samples), 99.9)) if len(samples) else 0.0
    if not 0.0 < peak < QUIET_PEAK:
        return samples
    raised: NDArray[np.float32] = np.clip(samples * np.float32(min(MAX_GAIN, TARGET_PEAK / peak)), -1.0, 1.0)
    return raised


def _quiet_place(samples: NDArray[np.float32]) -> int:
    """The middle of the longest pause in the last CUT_SEARCH_SECONDS; the very end when there is none."""
    base = len(samples) - CUT_SEARCH_SECONDS * RATE
    edges = [0, *(edge for span in speech_spans(samples[base:]) for edge in span), len(samples) - base]
    pauses = list(zip(edges[::2], edges[1::2], strict=True))
    start, end = max(pauses, key=lambda pause: pause[1] - pause[0])
    return base + (start + end) // 2 if end > start else len(samples)
