"""Mouth shapes out of the sound alone and with words: they follow the speech, close where lips close, and do not depend on loudness."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.engine.lipsync.hearing import RATE
from apps.engine.lipsync.speech import mouth_track
from apps.engine.lipsync.visemes import spoken_as, visemes_of
from apps.engine.transcript import Word
from tests.engine.lipsync.measure import envelope, load_sound, silent_frames, speech_correlation

Sound = NDArray[np.float32]

SPEECHES = (
    "speech/en-jfk.flac",
    "oncamera/en-jordi-open-dubbing.mp4",
    "speech/en-librivox-sense-0870.wav",
    "speech/en-ljspeech-LJ001-0001.flac",
    "speech/es-azure-es-mx.wav",
)


@pytest.fixture(scope="module")
def sound(shared_media: Path) -> Callable[[str], Sound]:
    """A clip's sound, mono at 16 kHz."""
    return lambda clip: load_sound(shared_media / clip, RATE)


@pytest.mark.parametrize("clip", SPEECHES)
@pytest.mark.parametrize("fps", [25.0, 30000 / 1001])
def test_the_mouth_follows_the_speech(sound: Callable[[str], Sound], clip: str, fps: float) -> None:
    speech = sound(clip)
    frames = int(len(speech) / RATE * fps)
    track = mouth_track(speech, fps, frames)
    assert len(track) == frames
    for values, low in ((track.open, 0.0), (track.width, -1.0), (track.round, 0.0)):
        assert values.dtype == np.float32
        assert values.min() >= low
        assert values.max() <= 1.0
    assert speech_correlation(track.open, envelope(speech, RATE, fps, frames)).value >= 0.75
    silent = silent_frames(speech, RATE, fps, frames)
    if silent.sum() >= 5:
        assert (track.open[silent] < 0.1).mean() >= 0.95
    assert np.abs(np.diff(track.open)).max() * fps <= 9.01  # lips need a ninth of a second to open
    assert not track.open[track.closed].any()


def test_loudness_and_noise_change_little(sound: Callable[[str], Sound]) -> None:
    speech = sound("speech/en-jfk.flac")
    plain = mouth_track(speech, 25, 275)
    for quieter in (0.5, 0.02):
        assert np.abs(mouth_track(speech * np.float32(quieter), 25, 275).open - plain.open).max() < 0.02
    noise = np.random.default_rng(4).normal(0, 0.02, len(speech)).astype(np.float32)  # -34 dBFS under a voice at -17
    assert np.corrcoef(mouth_track(speech + noise, 25, 275).open, plain.open)[0, 1] > 0.95


@pytest.mark.parametrize("kind", ["nothing", "silence", "noise", "hum"])
def test_what_is_no_speech_moves_no_lips(kind: str) -> None:
    time = np.arange(4 * RATE) / RATE
    sounds = {
        "nothing": np.zeros(0),
        "silence": np.zeros(4 * RATE),
        "noise": np.random.default_rng(2).normal(0, 0.1, 4 * RATE),
        "hum": 0.3 * np.sin(2 * np.pi * 120 * time),
    }
    track = mouth_track(sounds[kind].astype(np.float32), 25, 100)
    assert len(track) == 100
    assert track.open.mean() < 0.06
    if kind != "noise":
        assert track.closed.all()


def test_same_sound_same_track_and_rest_after_its_end(sound: Callable[[str], Sound]) -> None:
    speech = sound("speech/es-azure-es-mx.wav")
    once, again = (mouth_track(speech, 30, 300) for _ in range(2))
    for name in ("open", "width", "round", "closed"):
        assert np.array_equal(getattr(once, name), getattr(again, name))
    after = int(len(speech) / RATE * 30) + 2
    assert once.closed[after:].all()
    assert not once.open[after:].any()


def test_a_stop_between_vowels_closes_the_lips_without_words() -> None:
    """ "apa" by a source and two formants: a gap of 80 ms, then a burst without brightness."""
    track = mouth_track(_vowels(gap=0.08), 25, 50)
    middle = slice(23, 28)
    assert track.closed[middle].any()
    assert track.open[16:21].min() > 0.4
    assert track.open[29:34].min() > 0.4


def test_ee_is_spread_and_oo_is_round() -> None:
    """A speaker who says a, i and u: the second formant tells them apart."""
    sound = np.concatenate([_vowel(0.5, *formants) for formants in ((800, 1300), (300, 2400), (320, 750))])
    track = mouth_track(sound, 25, 37)
    assert track.width[15:22].mean() > 0.4
    assert track.width[28:34].mean() < -0.2
    assert track.round[28:34].mean() > 0.4 > track.round[15:22].mean()
    assert track.open[3:9].mean() > track.open[28:34].mean()


def test_words_bring_their_closures(sound: Callable[[str], Sound]) -> None:
    speech = sound("oncamera/en-jordi-open-dubbing.mp4")
    words = [Word(1.26, 3.95, "Good morning, my name is Jordi Mas."), Word(5.25, 6.63, "I am from Barcelona.")]
    with_words = mouth_track(speech, 30, 299, words, "en-US")
    for word, least in zip(words, (3, 2), strict=True):  # m, m, m, pause, M; m, B
        closed = with_words.closed[int(word.start * 30) : int(word.end * 30)]
        assert sum(bool(after) and not before for before, after in pairwise(closed)) >= least
    assert np.array_equal(with_words.open[:36], mouth_track(speech, 30, 299).open[:36])  # elsewhere as without words
    assert speech_correlation(with_words.open, envelope(speech, RATE, 30, 299)).value >= 0.75
    unknown = mouth_track(speech, 30, 299, words, "xx")
    assert np.array_equal(unknown.open, mouth_track(speech, 30, 299).open)


def test_sounds_of_words() -> None:
    assert [viseme.lips for viseme in visemes_of("m_ˈɑː_m")] == [1.0, 0.0, 1.0]
    assert visemes_of("ɑː")[0].length > visemes_of("ɑ")[0].length
    assert visemes_of("") == []
    bob, yes, none = (*spoken_as(["Bob", "yes"], "en-US"), *spoken_as(["word"], ""))
    assert [viseme.lips for viseme in bob] == [1.0, 0.0, 1.0]
    assert not any(viseme.lips for viseme in yes)
    assert none == []


def _vowel(seconds: float, *formants: float) -> Sound:
    """A voice at 120 Hz through simple resonances."""
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    total = np.zeros(count)
    for harmonic in range(1, 45):
        tone = 120.0 * harmonic
        gain = sum(1 / (1 + ((tone - formant) / 90) ** 2) for formant in formants) / harmonic**0.5
        total += gain * np.sin(2 * np.pi * tone * time)
    ends = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
    return (0.2 * ends * total / np.abs(total).max()).astype(np.float32)


def _vowels(gap: float) -> Sound:
    vowel, rest = _vowel(0.5 - gap / 2, 750, 1250), np.zeros(RATE // 2, np.float32)
    return np.concatenate([rest, vowel, np.zeros(int(gap * RATE), np.float32), vowel, rest])
