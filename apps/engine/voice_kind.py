"""Whether a speaker sounds like a woman or a man, to give the dub a voice of that kind. A guess, used for nothing else.

Pitch alone is wrong for high-voiced men (John F. Kennedy on a platform speaks at 230 Hz), so the speaker encoder decides where it
is installed: its embedding is projected on the line between Kokoro's female and male voices (data/voice_kind.json). On eight clips
of known speakers all were told right, the nearest to the middle by 0.1.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from apps.core.errors import JobError
from apps.engine.settings import EngineSettings
from apps.engine.transcript import Line, Transcript
from apps.engine.voiceprint import WEIGHTS_FILE, VoiceEncoder

Kind = Literal["female", "male"]
FEMALE_FROM_HZ = 165.0  # typical adult speech: men 85..155 Hz, women 165..255 Hz
RATE = 16_000
MOST_SECONDS = 12.0  # of a speaker's sound; more does not make the guess better
LEAST_SECONDS = 0.8


def kinds(transcript: Transcript, speech: Path, settings: EngineSettings) -> dict[str, Kind]:
    """Speaker id -> kind, for every speaker that was heard. `speech` is the source's sound on the clock of the media."""
    known: dict[str, Kind] = {
        s.id: "female" if s.pitch >= FEMALE_FROM_HZ else "male" for s in transcript.speakers if s.pitch > 0
    }
    encoder = _encoder(settings)
    if encoder is None or not speech.exists():
        return known
    middle, direction = _line()
    for speaker in {line.speaker for line in transcript.lines if line.speaker}:
        sound = _sound_of([line for line in transcript.lines if line.speaker == speaker], speech)
        if len(sound) >= LEAST_SECONDS * RATE and float(np.abs(sound).max()) > 1e-3:
            known[speaker] = "female" if float(encoder.embed([sound])[0] @ direction) > middle else "male"
    return known


def _encoder(settings: EngineSettings) -> VoiceEncoder | None:
    path = settings.model_path(WEIGHTS_FILE)
    try:
        return VoiceEncoder(path) if path.is_file() else None
    except JobError:
        return None  # damaged weights: the pitch has to do


@cache
def _line() -> tuple[float, NDArray[np.float32]]:
    data = json.loads((Path(__file__).parent / "data" / "voice_kind.json").read_text())
    return float(data["middle"]), np.array(data["direction"], np.float32)


def _sound_of(lines: list[Line], speech: Path) -> NDArray[np.float32]:
    """The longest lines first, up to MOST_SECONDS, mono at 16 kHz."""
    pieces: list[NDArray[np.float32]] = []
    left = MOST_SECONDS
    with soundfile.SoundFile(speech) as stream:
        for line in sorted(lines, key=lambda item: (item.start - item.end, item.start)):
            seconds = min(line.end - line.start, left)
            if seconds <= 0 or round(line.start * stream.samplerate) >= len(stream):
                continue
            stream.seek(round(line.start * stream.samplerate))
            block = stream.read(round(seconds * stream.samplerate), dtype="float32", always_2d=True)
            pieces.append(_resample(np.asarray(block.mean(axis=1), np.float32), stream.samplerate))
            left -= seconds
            if left <= 0:
                break
    return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)


def _resample(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """To 16 kHz by averaging and interpolation: enough for an embedding."""
    step = max(1, rate // RATE)
    count = len(samples) // step
    smooth = samples[: count * step].reshape(count, step).mean(axis=1)
    if not count:
        return np.zeros(0, np.float32)
    wanted = round(count * step / rate * RATE)
    return np.asarray(np.interp(np.arange(wanted) * (rate / step / RATE), np.arange(count), smooth), np.float32)
