"""The sample clip: two voices that can be told apart, words that are recognized, pictures that move."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from apps.engine import sample, sample_pictures
from apps.engine.settings import EngineSettings

pytestmark = pytest.mark.engine


@pytest.mark.long
def test_the_lines_follow_one_another_and_the_voices_differ(engine_settings: EngineSettings) -> None:
    lines, voices = sample.speak(engine_settings)
    assert {line.speaker for line in lines} == {"Anna", "Tom"}
    assert lines[0].start == sample.START
    assert all(
        second.start - first.end == pytest.approx(sample.PAUSE, abs=0.01) for first, second in itertools.pairwise(lines)
    )
    assert 10 < lines[-1].end < 20
    assert all(float(np.abs(voice).max()) < 1 for voice in voices)


def test_the_boat_moves_and_the_music_is_quiet() -> None:
    pictures = list(sample_pictures.frames(0.4))
    assert len(pictures) == 10
    assert pictures[0].shape == (720, 1280, 3)
    assert np.abs(pictures[0].astype(int) - pictures[-1]).mean() > 0.5
    music = sample_pictures.music(4.0, 8000)
    assert music.shape == (32_000, 2)
    assert 0.01 < float(np.abs(music).max()) < 0.6
