"""The dub's sound: voice over background, at a common loudness, never clipped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from apps.engine import ffmpeg
from apps.engine.workspace import BACKGROUND_FILE, SEPARATE_FILE, SPEECH_FILE, VOICE_FILE, Workspace

RATE = 48_000
TARGET_LUFS = -16.0
CEILING = 0.84  # about -1.5 dB full scale, so that lossy encoding stays below 0 dB too
MAX_GAIN_DB = 24.0
VOICE_MATCH_DB = 12.0  # how far the voice may be moved towards the level of the source's voice


class MixFacts(msgspec.Struct, frozen=True):
    """What the report says: gains in dB, loudness in LUFS (measured on the finished mix)."""

    method: str
    background_volume: int
    voice_gain: float
    gain: float
    loudness: float
    remark: str = ""


def make_mix(ws: Workspace, background_volume: int, target: Path, on_step: Callable[[int, int], None]) -> MixFacts:
    """Write the finished dub (48 kHz stereo, 16 bit) to `target`.

    The voice takes the level of the source's voice, so that it stands to the background as the original did; then the whole is
    brought to -16 LUFS. Background volume 100 leaves that balance, 0 removes the background.
    """
    method = str(ws.read_json(SEPARATE_FILE)["method"])
    voice_gain = _voice_gain(ws) if method == "deepfilter" else 0.0
    raw = target.with_suffix(".raw.wav")
    on_step(0, 3)
    _combine(ws, method, background_volume / 100, voice_gain, raw)
    on_step(1, 3)
    before = loudness(raw)
    gain = min(MAX_GAIN_DB, max(-MAX_GAIN_DB, TARGET_LUFS - before)) if before > -69 else 0.0
    chain = f"volume={gain:.2f}dB:precision=float,alimiter=limit={CEILING}:attack=3:release=60:level=false:latency=true"
    ffmpeg.run(
        ["-i", raw, "-af", chain, "-c:a", "pcm_s16le", "-ar", str(RATE), *bitexact(), target],
        code=10003,
        what="levelling the dub",
    )
    raw.unlink()
    on_step(2, 3)
    after = loudness(target)
    on_step(3, 3)
    remark = (
        "The voices could not be separated from the background here: the original sound is lowered while the dub speaks."
        if method == "duck"
        else ""
    )
    return MixFacts(method, background_volume, round(voice_gain, 2), round(gain, 2), round(after, 1), remark)


def bitexact() -> list[str]:
    """Output options that keep versions and dates out of a file, so that the same work gives the same bytes."""
    return ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]


def loudness(path: Path) -> float:
    """Integrated loudness in LUFS by EBU R128; -70 for silence."""
    result = ffmpeg.run(
        ["-i", path, "-map", "0:a:0", "-af", "ebur128=framelog=quiet", "-f", "null", "-"],
        code=10003, what="measuring the loudness", loglevel="info",
    )  # fmt: skip
    found = re.findall(r"^\s*I:\s*(-?[\d.]+|-inf)\s*LUFS", result.stderr, re.MULTILINE)
    return -70.0 if not found or found[-1] == "-inf" else float(found[-1])


def active_level(path: Path) -> float:
    """Level in dB full scale of the loud parts of a track (50 ms windows within 30 dB of the loudest); -100 for silence."""
    powers: list[np.ndarray] = []
    with soundfile.SoundFile(path) as stream:
        window = stream.samplerate // 20
        for block in stream.blocks(window * 1200, dtype="float32", always_2d=True):
            mono = block.mean(axis=1)
            count = len(mono) // window
            if count:
                powers.append((mono[: count * window].reshape(count, window) ** 2).mean(axis=1))
    if not powers:
        return -100.0
    every = np.concatenate(powers)
    high = float(np.quantile(every, 0.995))
    active = every[every > max(high * 1e-3, 1e-10)]
    return float(10 * np.log10(active.mean())) if len(active) else -100.0


def _voice_gain(ws: Workspace) -> float:
    source, dub = active_level(ws.path(SPEECH_FILE)), active_level(ws.path(VOICE_FILE))
    if source < -60 or dub < -60:  # nothing to compare with
        return 0.0
    return max(-VOICE_MATCH_DB * 2, min(VOICE_MATCH_DB, source - dub))


def _combine(ws: Workspace, method: str, background: float, voice_gain: float, target: Path) -> None:
    voice = f"[0:a]volume={voice_gain:.2f}dB:precision=float,pan=stereo|c0=c0|c1=c0"
    end = "amix=inputs=2:duration=longest:normalize=0[out]"
    if method == "duck":
        graph = (
            f"{voice},asplit[v][key];[1:a]volume={background:.3f}:precision=float[b];"
            f"[b][key]sidechaincompress=threshold=0.015:ratio=14:attack=15:release=450[d];[v][d]{end}"
        )
    else:
        graph = f"{voice}[v];[1:a]volume={background:.3f}:precision=float[b];[v][b]{end}"
    ffmpeg.run(
        ["-i", ws.path(VOICE_FILE), "-i", ws.path(BACKGROUND_FILE), "-filter_complex", graph, "-map", "[out]",
         "-c:a", "pcm_f32le", "-ar", str(RATE), *bitexact(), target],
        code=10003, what="mixing voice and background",
    )  # fmt: skip
