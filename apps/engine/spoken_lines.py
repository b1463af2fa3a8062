"""One spoken line: synthesized, trimmed, fitted to its slot, levelled, and kept as a file named by what it was made of."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import soundfile

from apps.engine import ffmpeg
from apps.engine.fit import Slot, speed_for, tempo_for
from apps.engine.reuse import Reuse
from apps.engine.samples import Samples, fade, level, trim
from apps.engine.voices import VoiceSet
from apps.engine.workspace import Workspace

LINES_DIR = "lines"
CUT_HEARD = 0.05  # seconds; a shorter end is fading noise, not a word
RATE = 48_000
RECIPE = 3  # part of every key: raise it when the way a line is made changes


class Voice(Protocol):
    """A loaded speech backend.

    A first guess of the speed that was off by more than `respeak_from` is worth a second synthesis; less is made good by tempo.
    """

    sample_rate: int
    min_speed: float
    max_speed: float
    respeak_from: float

    def guess_seconds(self, text: str, language: str) -> float:
        """About how long the text takes at speed 1."""
        ...

    def speak(self, text: str, voice: str, language: str, speed: float) -> Samples:
        """Mono samples at sample_rate."""
        ...


class Spoken(msgspec.Struct, frozen=True):
    """Facts of a line's file; seconds and factors. `lead` says how much before its source line it starts."""

    seconds: float
    natural: float
    speed: float
    tempo: float
    lead: float
    cut: float


def key_of(text: str, voices: VoiceSet, voice: str, slot: Slot) -> str:
    """File name of a line: everything that decides its samples, but not its place on the track."""
    parts = [RECIPE, voices.model, voices.spoken, voice, text, slot.length, slot.room, slot.lead]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def wav_name(key: str) -> str:
    """Workspace name of a line's sound."""
    return f"{LINES_DIR}/{key}.wav"


def facts_name(key: str) -> str:
    """Workspace name of a line's facts."""
    return f"{LINES_DIR}/{key}.json"


def kept(ws: Workspace, key: str, reuse: Reuse | None = None) -> Spoken | None:
    """Facts of a line that was spoken before, here or (with `reuse`) in an earlier job; None when it was not, or not finished."""
    if reuse is not None and not ws.exists(wav_name(key)) and reuse.bring(ws, facts_name(key)):
        reuse.bring(ws, wav_name(key))
    try:
        if ws.path(wav_name(key)).stat().st_size > 0:
            return msgspec.json.decode(ws.path(facts_name(key)).read_bytes(), type=Spoken)
    except (OSError, msgspec.MsgspecError):
        pass
    return None


def share(ws: Workspace, key: str, reuse: Reuse) -> None:
    """Keeps a finished line for later jobs; the sound last, as in the workspace."""
    reuse.keep(ws, facts_name(key))
    reuse.keep(ws, wav_name(key))


def make(ws: Workspace, key: str, tts: Voice, text: str, voices: VoiceSet, voice: str, slot: Slot) -> Spoken:
    """Speak a line and keep it. The sound is written last, so a half-made line is never taken for a whole one."""
    samples, speed, natural = _synthesize(tts, text, voices, voice, slot)
    seconds = len(samples) / tts.sample_rate
    tempo, lead = tempo_for(seconds, slot)
    fitted = _stretch(samples, tts.sample_rate, tempo)
    most = round((slot.room + lead) * RATE)
    cut = max(0, len(fitted) - most) / RATE
    fitted = fade(level(fitted[:most], RATE), RATE, fade_out=0.08 if cut > CUT_HEARD else 0.012)
    spoken = Spoken(
        round(len(fitted) / RATE, 3), round(natural, 3), speed, tempo, lead, round(cut, 3) if cut > CUT_HEARD else 0.0
    )
    ws.write_json(facts_name(key), spoken)
    with ws.writing(wav_name(key)) as path:
        _write(path, fitted)
    return spoken


def _synthesize(tts: Voice, text: str, voices: VoiceSet, voice: str, slot: Slot) -> tuple[Samples, float, float]:
    """(samples, speed, seconds at speed 1): one synthesis where the guess was good, else two."""
    speed = speed_for(tts.guess_seconds(text, voices.spoken), slot, tts.min_speed, tts.max_speed)
    samples = trim(tts.speak(text, voice, voices.spoken, speed), tts.sample_rate)
    natural = len(samples) / tts.sample_rate * speed
    better = speed_for(natural, slot, tts.min_speed, tts.max_speed) if len(samples) else speed
    if abs(better - speed) > tts.respeak_from:
        speed = better
        samples = trim(tts.speak(text, voice, voices.spoken, speed), tts.sample_rate)
    return samples, speed, natural


def _stretch(samples: Samples, rate: int, tempo: float) -> Samples:
    """To 48 kHz, and faster by `tempo` at the same pitch."""
    if not len(samples):
        return samples
    chain = (f"atempo={tempo:.3f}," if tempo != 1.0 else "") + f"aresample={RATE}:filter_size=64"
    result = ffmpeg.run(
        [
            "-f",
            "f32le",
            "-ar",
            str(rate),
            "-ac",
            "1",
            "-i",
            "pipe:0",
            "-af",
            chain,
            "-f",
            "f32le",
            "-ac",
            "1",
            "pipe:1",
        ],
        code=10045,
        what="fitting a spoken line",
        stdin=samples.astype("<f4").tobytes(),
        capture=True,
        timeout=300,
    )
    return np.frombuffer(result.stdout, "<f4").astype(np.float32)


def _write(path: Path, samples: Samples) -> None:
    soundfile.write(
        path, samples if len(samples) else np.zeros(RATE // 100, np.float32), RATE, subtype="PCM_16", format="WAV"
    )
