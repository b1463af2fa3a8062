"""Real files that a job cannot be done with, each made in a moment by the ffmpeg that the engine uses."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile

from tests.jobs.helpers import make_clip


def ffmpeg(*arguments: str | Path) -> None:
    """Runs the engine's ffmpeg; later arguments are its own."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


def clip(folder: Path) -> Path:
    """Three seconds of a test picture and a tone: nothing is wrong with it."""
    return make_clip(folder / "good.mp4")


def sound_only(folder: Path) -> Path:
    """A tone without pictures."""
    return make_clip(folder / "sound.wav", video=False)


def picture_only(folder: Path) -> Path:
    """A plain picture without sound and without a letter on it."""
    target = folder / "mute.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=c=navy:s=320x180:r=5:d=2", "-c:v", "libx264", "-preset", "ultrafast", target)
    return target


def silence(folder: Path) -> Path:
    """Two seconds in which nobody speaks."""
    target = folder / "silence.wav"
    soundfile.write(target, np.zeros(32_000, np.float32), 16_000)
    return target


def backwards(folder: Path) -> Path:
    """A voice, played backwards: plainly speech, and no words."""
    from apps.engine.tts_espeak import EspeakVoice

    voice = EspeakVoice()
    said = voice.speak("Good morning everybody. We are happy to see you here, and now we begin.", "m3", "en", 1.0)
    target = folder / "backwards.wav"
    soundfile.write(target, said[::-1], voice.sample_rate)
    return target


def too_many_channels(folder: Path) -> Path:
    """Eighty channels, more than the resampler has room for: opens and decodes, and cannot be mixed down."""
    target = folder / "console.wav"
    soundfile.write(target, np.zeros((16_000, 80), np.float32), 8_000, subtype="PCM_16")
    return target


def cut_off(folder: Path) -> Path:
    """The first half of an upload: the index at the end is missing."""
    whole = clip(folder).read_bytes()
    target = folder / "half.mp4"
    target.write_bytes(whole[: len(whole) // 2])
    return target


def picture_file(folder: Path) -> Path:
    """A PNG that calls itself a film."""
    image, target = folder / "still.png", folder / "still.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=c=red:s=64x64", "-frames:v", "1", image)
    return image.rename(target)


def too_sharp(folder: Path) -> Path:
    """Ten megapixels."""
    target = folder / "wall.mp4"
    source = "color=c=navy:s=5000x2000:r=5:d=0.4"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", target)
    return target


def ten_minutes(folder: Path) -> Path:
    """599 s of quiet in a small file."""
    target = folder / "long.flac"
    soundfile.write(target, np.zeros(599 * 8_000, np.int16), 8_000)
    return target


def broken_weights(folder: Path) -> Path:
    """A model directory whose speech recognition was cut off while it was copied."""
    target = folder / "models" / "whisper-base"
    target.mkdir(parents=True)
    (target / "model.bin").write_bytes(b"\x06\x00\x00\x00" + b"\x00" * 60)
    return target.parent
