"""Speech by Kokoro 82M (ONNX, int8). The same text, voice and speed always give the same samples, whatever the number of threads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.engine.settings import EngineSettings
from apps.engine.voices import kokoro_model, kokoro_voice

SAMPLE_RATE = 24_000
MIN_SPEED, MAX_SPEED = 0.92, 1.3  # beyond 1.3 Kokoro swallows syllables
MIX = 0.6  # share of the first voice in "a+b"
PACE = {"pt": (0.55, 0.048), "es": (0.3, 0.052), "fr": (0.42, 0.044), "it": (0.55, 0.045), "en": (0.13, 0.054)}
"""Seconds a line takes at speed 1, by language: so much for any line and so much a character, within 12 % on nine voices."""


class KokoroVoice:
    """A loaded model; about 0.6 s and 0.7..1.3 GB. Raises JobError 10045 when the weights cannot be read."""

    sample_rate = SAMPLE_RATE
    min_speed, max_speed = MIN_SPEED, MAX_SPEED
    respeak_from = 0.15  # a synthesis is two thirds of a job's cost

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._styles: dict[str, NDArray[np.float32]] = {}
        try:
            self._kokoro = _load(settings)
        except (OSError, RuntimeError, ValueError, ImportError) as error:
            raise JobError(10045, "the speech model Kokoro could not be loaded") from error

    def guess_seconds(self, text: str, language: str) -> float:
        """About how long the text takes at speed 1."""
        start, each = PACE.get(language.partition("-")[0], PACE["pt"])
        return start + each * len(text)

    def speak(self, text: str, voice: str, language: str, speed: float) -> NDArray[np.float32]:
        """Samples at 24 kHz; empty when the text has nothing that can be spoken."""
        try:
            samples, _ = self._kokoro.create(text, self._style(voice), speed=speed, lang=language, trim=True)
        except ValueError:  # no phonemes: "♪", "..."
            return np.zeros(0, np.float32)
        return np.asarray(samples, np.float32)

    def _style(self, name: str) -> NDArray[np.float32]:
        if name not in self._styles:
            parts = [
                np.fromfile(kokoro_voice(self._settings, part), np.float32).reshape(-1, 1, 256)
                for part in name.split("+")
            ]
            self._styles[name] = (
                parts[0] if len(parts) == 1 else (MIX * parts[0] + (1 - MIX) * parts[1]).astype(np.float32)
            )
        return self._styles[name]


def _load(settings: EngineSettings) -> Any:
    import onnxruntime
    from kokoro_onnx import Kokoro

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.cores
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(kokoro_model(settings)), options, providers=["CPUExecutionProvider"])
    with tempfile.TemporaryDirectory() as folder:
        # The library wants an archive of voices at start; we hand it each style ourselves, from the official single files.
        archive = Path(folder) / "voices.npz"
        np.savez(archive, none=np.zeros(1, np.float32))
        return Kokoro.from_session(session, str(archive))
