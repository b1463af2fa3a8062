"""The project's own sample clip: about 15 s, two voices, music, moving pictures. Everything in it is made here, on first use."""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from apps.core.options import SubtitleStyle
from apps.engine import ffmpeg, fonts, styled
from apps.engine.mix import bitexact
from apps.engine.sample_pictures import FPS, HEIGHT, WIDTH, frames, music
from apps.engine.samples import fade, level, trim
from apps.engine.settings import ENVIRONMENT_KEY, EngineSettings
from apps.engine.stages.speak import load_voice
from apps.engine.voices import voice_set

RATE = 48_000
TITLE, SUBTITLE = "The crossing", "a sample clip, made by Kinoglot on this machine"
START, PAUSE, END = 1.2, 0.75, 1.4  # seconds before the first line, between lines, after the last
# Short plain sentences: what recognition, translation and voices are all good at.
LINES = (
    ("female", "Anna", "Good morning! Look, the little boat is leaving the harbour."),
    ("male", "Tom", "It goes to the other side, and it takes our words along."),
    ("female", "Anna", "The people there speak another language."),
    ("male", "Tom", "Then let us see how we sound when we arrive."),
)


@dataclass(frozen=True)
class SpokenLine:
    """A line on the clip's own clock, seconds."""

    start: float
    end: float
    speaker: str
    text: str


def make_sample(target: Path, settings: EngineSettings) -> Path:
    """Write the clip (1280 x 720, H.264 and AAC) to `target` and return it; an existing one is kept.

    Takes about 15 s of processor time. Raises RuntimeError when no voice at all is installed.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        _settings_in_environment(settings),
        tempfile.TemporaryDirectory(dir=target.parent, prefix=".sample-") as folder,
    ):
        work = Path(folder)
        lines, voices = speak(settings)
        seconds = lines[-1].end + END
        _write_sound(work / "sound.wav", voices, lines, seconds)
        _write_pictures(work / "pictures.mkv", seconds)
        (work / "burn.ass").write_text(_titles(lines), encoding="utf-8")
        fonts.link_fonts(settings, work / "fonts")
        tags = [part for name in ("-colorspace", "-color_primaries", "-color_trc") for part in (name, "smpte170m")]
        draw = ["-vf", "subtitles=filename=burn.ass:fontsdir=fonts"]
        picture = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", "-g", "50", *tags]
        sound = ["-c:a", "aac", "-b:a", "160k"]
        ffmpeg.run(
            [
                "-i",
                "pictures.mkv",
                "-i",
                "sound.wav",
                *draw,
                *picture,
                *sound,
                *bitexact(),
                "-movflags",
                "+faststart",
                "clip.mp4",
            ],
            what="making the sample clip",
            cwd=work,
        )
        (work / "clip.mp4").replace(target)
    return target


@contextlib.contextmanager
def _settings_in_environment(settings: EngineSettings) -> Iterator[None]:
    """ffmpeg's door reads its settings there, as in a stage's process."""
    before = os.environ.get(ENVIRONMENT_KEY)
    os.environ[ENVIRONMENT_KEY] = settings.to_env()
    try:
        yield
    finally:
        os.environ.pop(ENVIRONMENT_KEY)
        if before is not None:
            os.environ[ENVIRONMENT_KEY] = before


def speak(settings: EngineSettings) -> tuple[list[SpokenLine], list[NDArray[np.float32]]]:
    """The lines with their times, and their sound at 48 kHz."""
    voices = voice_set(settings, "en-US")
    if voices is None:
        raise RuntimeError("no speech backend is installed: install the project with its engine extra")
    tts = load_voice(settings, voices)
    lines: list[SpokenLine] = []
    sounds = []
    at = START
    for kind, name, text in LINES:
        voice = (voices.female if kind == "female" else voices.male)[0]
        sound = trim(tts.speak(text, voice, voices.spoken, 1.0), tts.sample_rate)
        steps = np.arange(round(len(sound) * RATE / tts.sample_rate)) * tts.sample_rate / RATE
        sound = np.interp(steps, np.arange(len(sound)), sound).astype(np.float32)
        sounds.append(fade(level(sound, RATE), RATE))
        lines.append(SpokenLine(round(at, 3), round(at + len(sound) / RATE, 3), name, text))
        at = lines[-1].end + PAUSE
    return lines, sounds


def _write_sound(path: Path, voices: list[NDArray[np.float32]], lines: list[SpokenLine], seconds: float) -> None:
    mix = music(seconds, RATE) * np.float32(0.55)
    for line, voice in zip(lines, voices, strict=True):
        at = round(line.start * RATE)
        left = 0.56 if line.speaker == "Anna" else 0.44
        mix[at : at + len(voice)] += voice[:, None] * np.array([2 * left, 2 * (1 - left)], np.float32) * 0.8
    soundfile.write(path, np.clip(mix, -0.98, 0.98), RATE, subtype="PCM_16")


def _write_pictures(path: Path, seconds: float) -> None:
    """Nearly lossless: the titles are drawn and the clip is encoded in the next step."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": "8", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in frames(seconds):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _titles(lines: list[SpokenLine]) -> str:
    """The title at the start, and who speaks while they speak."""
    document = styled.document([], SubtitleStyle(), "en-US", WIDTH, HEIGHT).rstrip("\n")
    ink, soft, size = r"{\1c&H171A1B&\bord0", r"{\1c&H5F6A6F&\bord0", fonts.LINE_TO_EM[fonts.LATIN]
    events = [
        rf"Dialogue: 0,0:00:00.20,0:00:04.20,Default,,0,0,0,,{ink}\an7\pos(96,84)\fad(500,500)\fs{round(64 * size)}}}{TITLE}",
        rf"Dialogue: 0,0:00:00.60,0:00:04.20,Default,,0,0,0,,{soft}\an7\pos(100,176)\fad(500,500)\fs{round(24 * size)}}}{SUBTITLE}",
    ]
    for line in lines:
        place = r"\an7\pos(100,250)" if line.speaker == "Anna" else r"\an7\pos(100,290)"
        start, end = (styled.ass_time(t) for t in (line.start, line.end))
        events.append(
            rf"Dialogue: 0,{start},{end},Default,,0,0,0,,{ink}{place}\fad(120,160)\fs{round(26 * size)}}}{line.speaker}"
        )
    return document + "\n" + "\n".join(events) + "\n"


def main() -> None:
    """`python -m apps.engine.sample FILE`: make the clip with the settings of the environment."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("file", type=Path)
    print(make_sample(parser.parse_args().file, EngineSettings.from_env()))


if __name__ == "__main__":
    main()
